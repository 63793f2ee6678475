import { DAY_SECONDS, formatWall, parseDate, parseWall } from '../../time/civil.js';
import { type Zone, zoneOrUtc } from '../../time/time-zone.js';
import { type When } from '../../calendar/calendar-object.js';

/** A day, or an instant with an offset (without one: the wall clock of `timeZone`), as Google's Events resource writes them. */
export type EventTime = Readonly<{ date?: string | undefined; dateTime?: string | undefined; timeZone?: string | undefined }>;

export type EventPerson = Readonly<{ email?: string | undefined; displayName?: string | undefined; [field: string]: unknown }>;

/** What its writer says of an event: Google's Events resource without what the server itself adds. */
export type EventBody = Readonly<{
  start?: EventTime | undefined;
  end?: EventTime | undefined;
  recurrence?: readonly string[] | undefined;
  /** Of an exception: its master, and which of its instances it replaces. */
  recurringEventId?: string | undefined;
  originalStartTime?: EventTime | undefined;
  visibility?: string | undefined;
  organizer?: EventPerson | undefined;
  creator?: EventPerson | undefined;
  attendees?: readonly EventPerson[] | undefined;
  [field: string]: unknown;
}>;

export type EventStatus = 'confirmed' | 'tentative' | 'cancelled';

/** `created`, `updated`: milliseconds since the epoch. `before`: what a series was before its last change; null for anything else. */
export type StoredEvent = Readonly<{
  id: string;
  status: EventStatus;
  created: number;
  updated: number;
  body: EventBody;
  before: EventBody | null;
}>;

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/i;

/** Epoch seconds of a time; a day begins at midnight in the calendar's zone. Null when it is no time. */
export const secondsOf = ({ date, dateTime, timeZone }: EventTime, calendarZone: string): number | null => {
  if (date !== undefined) {
    const day = parseDate(date);
    return day === null ? null : zoneOrUtc(calendarZone, {}).instantOf(day * DAY_SECONDS);
  }
  const [, wall = '', offset] = DATE_TIME.exec(dateTime ?? '') ?? [];
  const seconds = parseWall(wall);
  if (seconds === null) return null;
  return offset === undefined
    ? zoneOrUtc(timeZone ?? calendarZone, {}).instantOf(seconds)
    : Math.floor(Date.parse(`${wall}${offset}`) / 1_000);
};

/** A time as a series is reckoned with: the wall clock of its own zone. */
export const whenOf = (time: EventTime, calendarZone: string): When | null => {
  if (time.date !== undefined) return parseDate(time.date) === null ? null : { date: time.date };
  const seconds = secondsOf(time, calendarZone);
  const zone = time.timeZone ?? calendarZone;
  return seconds === null ? null : { wall: formatWall(zoneOrUtc(zone, {}).wallOf(seconds)), zone };
};

const offsetText = (zone: Zone, seconds: number): string => {
  const offset = zone.offsetAt(seconds);
  const minutes = Math.floor(Math.abs(offset) / 60);
  const two = (value: number): string => `${value}`.padStart(2, '0');
  return offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
};

/** RFC 3339 on the clock of a zone. */
export const dateTimeIn = (shownIn: string, seconds: number): string => {
  const zone = zoneOrUtc(shownIn, {});
  return `${formatWall(zone.wallOf(seconds))}${offsetText(zone, seconds)}`;
};

/** A time as Google shows it: the offset is that of the calendar (or of the zone asked for), whichever zone the event names beside it. */
export const shownTime = (time: EventTime, calendarZone: string, shownIn: string): EventTime => {
  if (time.date !== undefined) return { date: time.date };
  const seconds = secondsOf(time, calendarZone) ?? 0;
  return { dateTime: dateTimeIn(shownIn, seconds), timeZone: time.timeZone ?? calendarZone };
};

const compact = (text: string): string => text.replace(/[-:]/g, '');

/** Id of an instance of a series: the master's, and the original start in UTC or as a day. */
export const instanceId = (master: string, original: EventTime, calendarZone: string): string => {
  if (original.date !== undefined) return `${master}_${compact(original.date)}`;
  return `${master}_${compact(formatWall(secondsOf(original, calendarZone) ?? 0))}Z`;
};
