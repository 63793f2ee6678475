import { busyOf } from '../../calendar/busy.js';
import { type Component, type Span, type Status, type Timing, type When } from '../../calendar/calendar-object.js';
import { formatDate, formatWall, wallDay } from '../../time/civil.js';
import { instanceNamed, type Moment, momentOf, type Zones, zonesFor } from '../../time/moment.js';
import { EXCLUDES } from '../../time/series.js';
import { endZoneOf } from '../end-zone.js';
import { UnreadableObject } from '../unreadable-object.js';
import { untilOnDay, wholeDays } from './ics-all-day.js';
import { durationOf, spanBetween, spanFrom, whenOf } from '../ics-time.js';
import { contentsOf, invitedOf, ownResponse } from './ics.contents.js';
import { type Properties, type Property, textOf } from '../ics.property.js';
import { type ZoneReader } from './ics.zones.js';

const timeOf = ({ value, params, type }: Property, zones: ZoneReader): When => whenOf(value, zones.zoneOf(params['tzid']), type === 'date');

const eachValue = (properties: readonly Property[]): readonly Property[] =>
  properties.flatMap((property) =>
    property.value
      .split(',')
      .filter((value) => value.trim() !== '')
      .map((value) => ({ ...property, value })),
  );

/**
 * A VEVENT and what reading it needs. `master`: the component that describes the other instances of the series; null when it is not in the
 * resource. `lost` is told of each date that makes no sense and is left out.
 */
export type ComponentSource = Readonly<{ properties: Properties; reader: ZoneReader; master: Component | null; lost: () => void }>;

/** The definitions a moment needs are known only once its zone was read. */
const momentIn = (when: When, reader: ZoneReader): Moment => momentOf(when, zonesOf(reader));

const zonesOf = (reader: ZoneReader): Zones => zonesFor(reader.custom(), 'UTC');

const NO_LENGTH: Span = { days: 0, seconds: 0 };

const spanOf = ({ properties, reader, master }: ComponentSource, start: Moment): Span => {
  const end = properties.first('dtend');
  if (end !== null) return spanBetween(start, momentIn(timeOf(end, reader), reader));
  const duration = properties.first('duration');
  if (duration !== null) return spanFrom(start, durationOf(duration.value));
  const saysNothing = master !== null && properties.first('dtstart') === null;
  return spanFrom(start, saysNothing ? master.span : NO_LENGTH);
};

/** Where an override without DTSTART takes place: some servers leave out what it does not change, although RFC 5545 3.6.1 asks for it. */
const unmovedStart = ({ properties, reader, master }: ComponentSource): When => {
  const id = properties.first('recurrence-id');
  if (id === null) throw new UnreadableObject('object.bad-time');
  const named = timeOf(id, reader);
  if (master === null) return named;
  const { wall } = instanceNamed(momentIn(master.start, reader), named, zonesOf(reader));
  return 'date' in master.start ? { date: formatDate(wallDay(wall)) } : { wall: formatWall(wall), zone: master.start.zone };
};

const endZoneIn = ({ properties, reader }: ComponentSource, start: When): ReturnType<typeof endZoneOf> => {
  const dtend = properties.first('dtend');
  const end = dtend === null ? null : timeOf(dtend, reader);
  return 'date' in start || end === null || 'date' in end ? {} : endZoneOf(start.zone, end.zone);
};

const ALL_DAY_FLAGS = ['x-microsoft-cdo-alldayevent', 'x-microsoft-msncalendar-alldayevent'];

/** When a component takes place. Exchange marks an event of whole days by a flag of its own and tells its ends as midnights of their zone. */
const placeOf = (source: ComponentSource): Pick<Timing, 'start' | 'span'> => {
  const { properties, reader } = source;
  const dtstart = properties.first('dtstart');
  const start = dtstart === null ? unmovedStart(source) : timeOf(dtstart, reader);
  const place = { start, span: spanOf(source, momentIn(start, reader)) };
  if (!ALL_DAY_FLAGS.some((flag) => word(properties, flag) === 'TRUE')) return place;
  const end = properties.first('dtend');
  return wholeDays(place, end === null ? null : timeOf(end, reader)) ?? place;
};

const rdateOf = (property: Property, reader: ZoneReader): Timing['rdates'][number] => {
  const [from = '', to] = property.value.split('/', 2);
  const start = timeOf({ ...property, value: from }, reader);
  if (to === undefined) return { start, span: null };
  const moment = momentIn(start, reader);
  if (/^[+-]?P/i.test(to.trim())) return { start, span: spanFrom(moment, durationOf(to)) };
  return { start, span: spanBetween(moment, momentIn(timeOf({ ...property, value: to }, reader), reader)) };
};

const STATUSES: Readonly<Record<string, Status>> = { CANCELLED: 'cancelled', TENTATIVE: 'tentative' };

/** The value of a property that is one word, in upper case; empty when there is none. */
export const word = (properties: Properties, name: string): string => properties.first(name)?.value.trim().toUpperCase() ?? '';

/** The values that can be read; of the others the object says that they are lost. */
const readable = <T>(properties: readonly Property[], { lost }: ComponentSource, read: (property: Property) => T): readonly T[] =>
  eachValue(properties).flatMap((property) => {
    try {
      return [read(property)];
    } catch (error) {
      if (!(error instanceof UnreadableObject)) throw error;
      lost();
      return [];
    }
  });

/** A rule of a series that is told in times and takes place on whole days ends with a day as well. */
const ruleOn = ({ properties, reader }: ComponentSource, start: When, rule: string): string => {
  const dtstart = properties.first('dtstart');
  const told = dtstart === null ? start : timeOf(dtstart, reader);
  return 'date' in start && 'wall' in told ? untilOnDay(rule, momentIn(told, reader)) : rule;
};

type Recurrence = Pick<Timing, 'recurrenceId' | 'thisAndFuture' | 'rules' | 'rdates' | 'exdates'>;

const recurrenceOf = (source: ComponentSource, start: When): Recurrence => {
  const { properties, reader } = source;
  const id = properties.first('recurrence-id');
  // Only a master has a rule: one repeated on its overrides would expand the series once for each.
  if (id !== null) {
    const thisAndFuture = id.params['range']?.toUpperCase() === 'THISANDFUTURE';
    return { recurrenceId: timeOf(id, reader), thisAndFuture, rules: [], rdates: [], exdates: [] };
  }
  return {
    recurrenceId: null,
    thisAndFuture: false,
    rules: [
      ...properties.all('rrule').map(({ value }) => ruleOn(source, start, value.trim())),
      ...properties.all('exrule').map(({ value }) => `${EXCLUDES}${ruleOn(source, start, value.trim())}`),
    ],
    rdates: readable(properties.all('rdate'), source, (property) => rdateOf(property, reader)),
    exdates: readable(properties.all('exdate'), source, (property) => timeOf(property, reader)),
  };
};

/** Reads one VEVENT. Throws `UnreadableObject` when it has no time that a clock shows. */
export const componentOf = (source: ComponentSource, ownAddresses: ReadonlySet<string>): Component => {
  const { properties } = source;
  const place = placeOf(source);
  const status = STATUSES[word(properties, 'status')] ?? 'confirmed';
  const invited = invitedOf(properties, ownAddresses);
  return {
    ...place,
    ...recurrenceOf(source, place.start),
    status,
    busy: busyOf({
      status,
      transparent: word(properties, 'transp') === 'TRANSPARENT',
      response: ownResponse(properties, invited),
      eventType: null,
      showAs: textOf(properties.first('x-microsoft-cdo-busystatus')),
    }),
    private: ['PRIVATE', 'CONFIDENTIAL'].includes(word(properties, 'class')),
    contents: { ...contentsOf(properties, invited), ...endZoneIn(source, place.start) },
  };
};
