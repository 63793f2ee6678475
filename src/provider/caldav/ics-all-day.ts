import { type Timing, type When } from '../../calendar/calendar-object.js';
import { DAY_SECONDS, formatDate, parseDate, parseWall, wallDay, wallTime } from '../../time/civil.js';
import { type Moment } from '../../time/moment.js';
import { readTime } from '../ics-time.js';

/** Day that a wall of midnight begins; null for any other time. */
const dayAt = (when: When): number | null => {
  if ('date' in when) return parseDate(when.date);
  const wall = parseWall(when.wall);
  return wall === null || wallTime(wall) !== 0 ? null : wallDay(wall);
};

/**
 * The whole days, at least one, of something that begins and ends at midnight on the clocks of its own zones; null when it does not. `end`: what
 * it names as its end; null when it has a length instead, or neither.
 */
export const wholeDays = ({ start, span }: Pick<Timing, 'start' | 'span'>, end: When | null): Pick<Timing, 'start' | 'span'> | null => {
  const first = dayAt(start);
  const last = first === null ? null : end === null ? dayAfter(first, span) : dayAt(end);
  if (first === null || last === null) return null;
  return { start: { date: formatDate(first) }, span: { days: Math.max(1, last - first), seconds: 0 } };
};

const dayAfter = (first: number, { days, seconds }: Timing['span']): number | null =>
  seconds % DAY_SECONDS === 0 ? first + days + seconds / DAY_SECONDS : null;

/** The rule with an UNTIL in UTC told as a day on the clock of the series, for a series that is read as one of whole days. */
export const untilOnDay = (rule: string, { zone }: Moment): string =>
  rule.replace(/(UNTIL=)(\d{8}T\d{6}Z)/i, (whole, name: string, value: string) => {
    const read = readTime(value);
    const until = read === null ? null : parseWall(`${read.date}T${read.time ?? ''}`);
    return until === null ? whole : `${name}${formatDate(wallDay(zone.wallOf(until))).replaceAll('-', '')}`;
  });
