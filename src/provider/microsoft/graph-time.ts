import { type Span, type When } from '../../calendar/calendar-object.js';
import { DAY_SECONDS, FIRST_WALL, formatWall, LAST_WALL, parseDate, parseWall } from '../../time/civil.js';
import { findZone, isIanaZone, type Zone } from '../../time/time-zone.js';
import { UnreadableObject } from '../unreadable-object.js';
import { WINDOWS_ZONES } from '../windows-zones.js';

/** `start` or `end` of an event, as it came: a wall clock without offset, in a zone. */
export type GraphTime = Readonly<{ dateTime: string | null; timeZone: string | null }>;

const bad = (): never => {
  throw new UnreadableObject('object.bad-time');
};

/** `2026-03-01T09:00:00.0000000`, with or without an offset. */
const DATE_TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/** The IANA name of a zone that Windows or IANA knows; null for any other, as `tzone://Microsoft/Custom`. */
export const knownZone = (name: string | null): string | null => {
  if (name === null) return null;
  return WINDOWS_ZONES.get(name) ?? (name === 'UTC' || isIanaZone(name) ? name : null);
};

const clockOf = (zone: string): Zone => findZone(zone, {}) ?? bad();

const shown = (wall: number): string => (wall >= FIRST_WALL && wall < LAST_WALL ? formatWall(wall) : bad());

/**
 * Epoch seconds of a time. Times are asked for in UTC; one that came in another zone is read there, and one in a zone that is not known makes no sense.
 * Throws `UnreadableObject`.
 */
export const instantOf = ({ dateTime, timeZone }: GraphTime): number => {
  const [, date = '', time = '', zulu, sign, hours, minutes] = DATE_TIME.exec((dateTime ?? '').trim()) ?? bad();
  const wall = parseWall(`${date}T${time}`) ?? bad();
  if (zulu !== undefined) return wall;
  if (sign === undefined) return clockOf(knownZone(timeZone ?? 'UTC') ?? bad()).instantOf(wall);
  const offset = Number(hours) * 3_600 + Number(minutes) * 60;
  return sign === '-' ? wall + offset : wall - offset;
};

/** The day that a time of a whole-day event names, whichever zone it came in. */
export const dateOf = ({ dateTime }: GraphTime): string => {
  const date = (dateTime ?? '').trim().slice(0, 10);
  return parseDate(date) === null ? bad() : date;
};

/** An instant on the clock of a zone; told in UTC where that clock shows the same time twice and the later one is meant, or no zone is known. */
export const exactTime = (instant: number, zone: string | null): When => {
  const place = zone ?? 'UTC';
  const clock = clockOf(place);
  const wall = clock.wallOf(instant);
  return clock.instantOf(wall) === instant ? { wall: shown(wall), zone: place } : { wall: shown(instant), zone: 'UTC' };
};

/** Whole days between two days, the end of which is exclusive: one at least. */
export const daysBetween = (start: GraphTime, end: GraphTime): Span => {
  const [first, last] = [parseDate(dateOf(start)) ?? bad(), parseDate(dateOf(end)) ?? bad()];
  return { days: Math.max(1, last - first), seconds: 0 };
};

/** From a start to an end; none when the end comes first. */
export const secondsBetween = (start: GraphTime, end: GraphTime): Span => ({
  days: 0,
  seconds: Math.max(0, instantOf(end) - instantOf(start)),
});

/** Whether a time from one to the other can be whole days: it begins and ends at midnight. */
export const isFromMidnight = (start: GraphTime, end: GraphTime): boolean => {
  const [from, to] = [instantOf(start), instantOf(end)];
  return from % DAY_SECONDS === 0 && to % DAY_SECONDS === 0 && to > from;
};
