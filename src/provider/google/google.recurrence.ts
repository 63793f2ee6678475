import { type Timing, type When } from '../../calendar/calendar-object.js';
import { momentOf, zonesFor } from '../../time/moment.js';
import { EXCLUDES } from '../../time/series.js';
import { durationOf, spanBetween, spanFrom, whenOf } from '../ics-time.js';
import { propertiesOf, type Property } from '../ics.property.js';
import { UnreadableObject } from '../unreadable-object.js';
import { knownZone } from './google-time.js';

type Recurrence = Pick<Timing, 'rules' | 'rdates' | 'exdates'>;

const READ = new Set(['RRULE', 'EXRULE', 'RDATE', 'EXDATE']);

const nameOf = (line: string): string => line.slice(0, line.search(/[:;]|$/)).toUpperCase();

/** A date in the zone it names, else on the clock of the series; a trailing Z means UTC. */
const whenIn = ({ params, type }: Property, value: string, seriesZone: string | null): When => {
  const tzid = params['tzid'];
  const zone = tzid === undefined ? seriesZone : knownZone(tzid.trim());
  if (tzid !== undefined && zone === null) throw new UnreadableObject('object.bad-time');
  return whenOf(value, zone, type === 'date');
};

const rdateOf = (property: Property, value: string, seriesZone: string | null): Timing['rdates'][number] => {
  const [from = '', to] = value.split('/', 2);
  const start = whenIn(property, from, seriesZone);
  if (to === undefined) return { start, span: null };
  const zones = zonesFor({}, 'UTC');
  const moment = momentOf(start, zones);
  if (/^[+-]?P/i.test(to.trim())) return { start, span: spanFrom(moment, durationOf(to)) };
  return { start, span: spanBetween(moment, momentOf(whenIn(property, to, seriesZone), zones)) };
};

/** Each value of each property that can be read; of the others `lost` is told. */
const readable = <T>(properties: readonly Property[], lost: () => void, read: (property: Property, value: string) => T): readonly T[] =>
  properties.flatMap((property) =>
    property.value.split(',').flatMap((value) => {
      if (value.trim() === '') return [];
      try {
        return [read(property, value)];
      } catch (error) {
        if (!(error instanceof UnreadableObject)) throw error;
        lost();
        return [];
      }
    }),
  );

/**
 * The `recurrence` of a master: lines of RFC 5545 without DTSTART. Dates without a zone are on the clock of the series, `seriesZone` (null: a series
 * of whole days). `lost` is told of each line or date that makes no sense and is left out.
 */
export const recurrenceOf = (lines: readonly string[], seriesZone: string | null, lost: () => void): Recurrence => {
  const wanted = lines.map((line) => line.trim()).filter((line) => line === '' || READ.has(nameOf(line)));
  const properties = propertiesOf({ lines: wanted }, READ);
  const read = [...READ].flatMap((name) => properties.all(name.toLowerCase()));
  if (read.length < wanted.length) lost();
  return {
    rules: [
      ...properties.all('rrule').map(({ value }) => value.trim()),
      ...properties.all('exrule').map(({ value }) => `${EXCLUDES}${value.trim()}`),
    ],
    rdates: readable(properties.all('rdate'), lost, (property, value) => rdateOf(property, value, seriesZone)),
    exdates: readable(properties.all('exdate'), lost, (property, value) => whenIn(property, value, seriesZone)),
  };
};
