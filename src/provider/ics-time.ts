import { type Span, type When } from '../calendar/calendar-object.js';
import { DAY_SECONDS, parseDate, parseWall, wallDay } from '../time/civil.js';
import { type Moment } from '../time/moment.js';
import { UnreadableObject } from './unreadable-object.js';

const bad = (): never => {
  throw new UnreadableObject('object.bad-time');
};

/** Full-date or wall that a DATE or DATE-TIME value writes, with whether it ends in Z. Seconds may be missing. Null when it is neither. */
export const readTime = (value: string): Readonly<{ date: string; time: string | null; utc: boolean }> | null => {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?$/i.exec(value.trim());
  if (match === null) return null;
  const [, year = '', month = '', day = '', hour, minute = '', second = '00', zulu = ''] = match;
  const date = `${year}-${month}-${day}`;
  const time = hour === undefined ? null : `${hour}:${minute}:${second}`;
  if (parseDate(date) === null || (time !== null && parseWall(`${date}T${time}`) === null)) return null;
  return { date, time, utc: zulu !== '' };
};

/**
 * Time of a DATE or DATE-TIME value in a zone (null: floating); a trailing Z means UTC in every zone. `asDate` takes only its day.
 * Throws `UnreadableObject` when there is no such time.
 */
export const whenOf = (value: string, zone: string | null, asDate = false): When => {
  const { date, time, utc } = readTime(value) ?? bad();
  return time === null || asDate ? { date } : { wall: `${date}T${time}`, zone: utc ? 'UTC' : zone };
};

/** Length of a DURATION value (RFC 5545 3.3.6): weeks and days are nominal, the rest exact. A negative one has no length. */
export const durationOf = (value: string): Span => {
  const match = /^([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/i.exec(value.trim()) ?? bad();
  if (match[1] === '-') return { days: 0, seconds: 0 };
  const [weeks, days, hours, minutes, seconds] = match.slice(2).map((part) => Number((part as string | undefined) ?? 0));
  return { days: (weeks ?? 0) * 7 + (days ?? 0), seconds: (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0) };
};

const instantOf = ({ kind, wall, zone }: Moment): number => (kind === 'floating' ? wall : zone.instantOf(wall));

/**
 * Length from a start to an end. Days between two days, at least one; else the exact time between them, none when the end comes first
 * (RFC 5545 3.8.2.2). An end of another kind than the start is read in the start's kind. A start that clocks leap over is read after the
 * leap (3.3.5), which may be past the end: the length is then what the clock shows, for a series may have every other instance whole.
 */
export const spanBetween = (start: Moment, end: Moment): Span => {
  if (start.kind === 'date') return { days: Math.max(1, Math.ceil(end.wall / DAY_SECONDS) - wallDay(start.wall)), seconds: 0 };
  const sameKind = end.kind === 'zoned' && start.kind === 'zoned' ? end : { ...start, wall: end.wall };
  const exact = instantOf(sameKind) - instantOf(start);
  const shown = sameKind.zoneId === start.zoneId ? sameKind.wall - start.wall : 0;
  return { days: 0, seconds: exact > 0 ? exact : Math.max(0, shown) };
};

/** A DURATION as the length of a component that starts at `start`: an all-day one lasts whole days. */
export const spanFrom = (start: Moment, length: Span): Span =>
  start.kind === 'date' ? { days: Math.max(1, length.days + Math.ceil(length.seconds / DAY_SECONDS)), seconds: 0 } : length;
