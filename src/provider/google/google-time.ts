import { type Span, type When } from '../../calendar/calendar-object.js';
import { DAY_SECONDS, FIRST_WALL, formatWall, LAST_WALL, parseDate, parseWall } from '../../time/civil.js';
import { findZone, isIanaZone, type Zone } from '../../time/time-zone.js';
import { UnreadableObject } from '../unreadable-object.js';

/** `start`, `end` or `originalStartTime` of an event, as it came. */
export type GoogleTime = Readonly<{ date: string | null; dateTime: string | null; timeZone: string | null }>;

const bad = (): never => {
  throw new UnreadableObject('object.bad-time');
};

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/** Wall of a `dateTime`, and its offset in seconds east of UTC; null when it names none. */
const readDateTime = (text: string): Readonly<{ wall: number; offset: number | null }> => {
  const [, date = '', time = '', zulu, sign, hours, minutes] = RFC3339.exec(text.trim()) ?? bad();
  const wall = parseWall(`${date}T${time}`) ?? bad();
  if (zulu !== undefined) return { wall, offset: 0 };
  if (sign === undefined) return { wall, offset: null };
  const offset = Number(hours) * 3_600 + Number(minutes) * 60;
  return { wall, offset: sign === '-' ? -offset : offset };
};

/** The name of a zone whose clock is known; null for any other. */
export const knownZone = (name: string | null): string | null => (name !== null && (name === 'UTC' || isIanaZone(name)) ? name : null);

/** Where a time is read: in its own zone, else in the calendar's, else in UTC. */
const zoneOf = ({ timeZone }: GoogleTime, calendarZone: string | null): string => knownZone(timeZone) ?? knownZone(calendarZone) ?? 'UTC';

const clockOf = (zone: string): Zone => findZone(zone, {}) ?? bad();

const shown = (wall: number): string => (wall >= FIRST_WALL && wall < LAST_WALL ? formatWall(wall) : bad());

/** A time as it was read: a day, or the instant with the wall that a zone's clock shows then. */
type Read = Readonly<{ kind: 'date'; date: string; day: number }> | Readonly<{ kind: 'time'; instant: number; wall: number; zone: string }>;

/**
 * The offset in `dateTime` is the calendar's and not that of `timeZone`: the instant comes from the first, the wall clock from the second. Throws
 * `UnreadableObject` for what is no time.
 */
const read = (time: GoogleTime, calendarZone: string | null): Read => {
  if (time.date !== null) return { kind: 'date', date: time.date, day: parseDate(time.date) ?? bad() };
  const { wall, offset } = readDateTime(time.dateTime ?? '');
  const zone = zoneOf(time, calendarZone);
  const clock = clockOf(zone);
  if (offset === null) return { kind: 'time', instant: clock.instantOf(wall), wall, zone };
  const instant = wall - offset;
  return { kind: 'time', instant, wall: clock.wallOf(instant), zone };
};

/** The wall clock of a time in its own zone, which a series keeps to and which names its instances. */
export const wallClock = (time: GoogleTime, calendarZone: string | null): When => {
  const found = read(time, calendarZone);
  return found.kind === 'date' ? { date: found.date } : { wall: shown(found.wall), zone: found.zone };
};

/** The very instant, told in UTC where the wall clock shows the same time twice and the later one is meant. */
export const exactTime = (time: GoogleTime, calendarZone: string | null): When => {
  const found = read(time, calendarZone);
  if (found.kind === 'date') return { date: found.date };
  const isTheOneMeant = clockOf(found.zone).instantOf(found.wall) === found.instant;
  return isTheOneMeant ? { wall: shown(found.wall), zone: found.zone } : { wall: shown(found.instant), zone: 'UTC' };
};

/** Length from a start to an exclusive end: at least a day between days; none when the end comes first. Their zones may differ, as those of a flight. */
export const lengthBetween = (start: GoogleTime, end: GoogleTime | null, calendarZone: string | null): Span => {
  const from = read(start, calendarZone);
  const to = end === null ? from : read(end, calendarZone);
  if (from.kind === 'date') {
    const last = to.kind === 'date' ? to.day : Math.ceil(to.wall / DAY_SECONDS);
    return { days: Math.max(1, last - from.day), seconds: 0 };
  }
  const until = to.kind === 'time' ? to.instant : clockOf(from.zone).instantOf(to.day * DAY_SECONDS);
  return { days: 0, seconds: Math.max(0, until - from.instant) };
};

/** The zones in which an event starts and ends; null where it takes whole days, or names none that is known. */
export const zonesBetween = (
  start: GoogleTime,
  end: GoogleTime | null,
  calendarZone: string | null,
): readonly [string | null, string | null] => {
  const isTimed = start.date === null && end?.date === null;
  return isTimed ? [zoneOf(start, calendarZone), knownZone(end.timeZone)] : [null, null];
};

/** The start that the id of an instance ends in (`<series>_20260315T130000Z`, of whole days `<series>_20260315`); null when it ends in none. */
export const startNamedBy = (instanceId: string): GoogleTime | null => {
  const match = /_R?(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?$/.exec(instanceId);
  if (match === null) return null;
  const date = match.slice(1, 4).join('-');
  if (match[4] === undefined) return { date, dateTime: null, timeZone: null };
  return { date: null, dateTime: `${date}T${match.slice(4, 7).join(':')}Z`, timeZone: null };
};
