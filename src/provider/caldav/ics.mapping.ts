import { busyOf } from '../../calendar/busy.js';
import { type CalendarObject, type Component, type Span, type Status, type Timing, type When } from '../../calendar/calendar-object.js';
import { type Moment, momentOf, type Zones, zonesFor } from '../../calendar/moment.js';
import { EXCLUDES } from '../../calendar/series.js';
import { UnreadableObject } from '../unreadable-object.js';
import { type Block, blocksOf } from './ics-blocks.js';
import { durationOf, spanBetween, spanFrom, whenOf } from './ics-time.js';
import { contentsOf, invitedOf, ownResponse } from './ics.contents.js';
import { type Properties, propertiesOf, type Property, textOf } from './ics.property.js';
import { type ZoneReader, zoneReader } from './ics.zones.js';

/** What a resource does not say about itself; `ownAddresses`: e-mails or calendar user addresses of the account. */
export type ResourceSource = Readonly<{ remoteId: string; etag: string | null; ownAddresses: readonly string[] }>;

const READ = new Set(
  (
    'UID DTSTART DTEND DURATION RRULE EXRULE RDATE EXDATE RECURRENCE-ID STATUS TRANSP CLASS SEQUENCE ORGANIZER ATTENDEE SUMMARY DESCRIPTION ' +
    'LOCATION URL X-MICROSOFT-CDO-BUSYSTATUS'
  ).split(' '),
);

const timeOf = ({ value, params, type }: Property, zones: ZoneReader): When => whenOf(value, zones.zoneOf(params['tzid']), type === 'date');

const eachValue = (properties: readonly Property[]): readonly Property[] =>
  properties.flatMap((property) =>
    property.value
      .split(',')
      .filter((value) => value.trim() !== '')
      .map((value) => ({ ...property, value })),
  );

type Reader = Readonly<{ properties: Properties; reader: ZoneReader }>;

/** The definitions a moment needs are known only once its zone was read. */
const momentIn = (when: When, reader: ZoneReader): Moment => momentOf(when, zonesOf(reader));

const zonesOf = (reader: ZoneReader): Zones => zonesFor(reader.custom(), 'UTC');

const spanOf = ({ properties, reader }: Reader, start: Moment): Span => {
  const end = properties.first('dtend');
  if (end !== null) return spanBetween(start, momentIn(timeOf(end, reader), reader));
  const duration = properties.first('duration');
  return spanFrom(start, duration === null ? { days: 0, seconds: 0 } : durationOf(duration.value));
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

const word = (properties: Properties, name: string): string => properties.first(name)?.value.trim().toUpperCase() ?? '';

const recurrenceOf = ({ properties, reader }: Reader): Pick<Timing, 'recurrenceId' | 'thisAndFuture' | 'rules' | 'rdates' | 'exdates'> => {
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
      ...properties.all('rrule').map(({ value }) => value.trim()),
      ...properties.all('exrule').map(({ value }) => `${EXCLUDES}${value.trim()}`),
    ],
    rdates: eachValue(properties.all('rdate')).map((property) => rdateOf(property, reader)),
    exdates: eachValue(properties.all('exdate')).map((property) => timeOf(property, reader)),
  };
};

const componentOf = (properties: Properties, reader: ZoneReader, ownAddresses: ReadonlySet<string>): Component => {
  const dtstart = properties.first('dtstart');
  if (dtstart === null) throw new UnreadableObject('object.bad-time');
  const start = timeOf(dtstart, reader);
  const status = STATUSES[word(properties, 'status')] ?? 'confirmed';
  const invited = invitedOf(properties, ownAddresses);
  return {
    start,
    span: spanOf({ properties, reader }, momentIn(start, reader)),
    ...recurrenceOf({ properties, reader }),
    status,
    busy: busyOf({
      status,
      transparent: word(properties, 'transp') === 'TRANSPARENT',
      response: ownResponse(properties, invited),
      eventType: null,
      showAs: textOf(properties.first('x-microsoft-cdo-busystatus')),
    }),
    private: ['PRIVATE', 'CONFIDENTIAL'].includes(word(properties, 'class')),
    contents: contentsOf(properties, invited),
  };
};

const identityOf = (properties: Properties): string => {
  const id = properties.first('recurrence-id');
  return JSON.stringify([properties.first('uid')?.value, id?.value, id?.params['tzid']]);
};

/** Of several versions of one component the one with the highest SEQUENCE holds, of equals the last. */
const latest = (events: readonly Properties[]): readonly Properties[] => {
  const held = new Map<string, Readonly<{ sequence: number; properties: Properties }>>();
  for (const properties of events) {
    const identity = identityOf(properties);
    const sequence = Number(word(properties, 'sequence')) || 0;
    if (sequence >= (held.get(identity)?.sequence ?? -Infinity)) held.set(identity, { sequence, properties });
  }
  return [...held.values()].map(({ properties }) => properties);
};

const calendarsOf = (text: string): readonly Block[] => {
  const blocks = blocksOf(text);
  if (blocks.length === 0 || blocks.some(({ name }) => name !== 'VCALENDAR')) throw new UnreadableObject('object.not-icalendar');
  return blocks.flatMap((calendar) => calendar.blocks);
};

/**
 * Reads one CalDAV resource: its VEVENTs, in the order of the text, and the zones of their own that they use. Throws `UnreadableObject`
 * with a stable code for a text that is no iCalendar, holds no event, is too large, or has a time that no clock shows. A rule that cannot
 * be understood does not matter here: `expand` says so.
 */
export const parseResource = (text: string, source: ResourceSource): CalendarObject => {
  const blocks = calendarsOf(text);
  const events = blocks.filter(({ name }) => name === 'VEVENT').map((block) => propertiesOf(block, READ));
  if (events.length === 0) throw new UnreadableObject('object.no-event');
  const reader = zoneReader(blocks.filter(({ name }) => name === 'VTIMEZONE'));
  const own = new Set(source.ownAddresses.map((address) => address.trim().toLowerCase()));
  const components = latest(events).map((properties) => componentOf(properties, reader, own));
  return { remoteId: source.remoteId, etag: source.etag, seriesRemoteId: source.remoteId, components, zones: reader.custom() };
};
