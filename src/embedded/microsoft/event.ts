import { type When } from '../../calendar/calendar-object.js';
import { WINDOWS_ZONES } from '../../provider/windows-zones.js';
import { formatWall, parseWall } from '../../time/civil.js';
import { isIanaZone, zoneOrUtc } from '../../time/time-zone.js';
import { type Recurrence } from './pattern.js';

/** A wall clock, `2026-03-01T09:00:00.0000000`, in a zone with a Windows or IANA name (`dateTimeTimeZone`). */
export type GraphTime = Readonly<{ dateTime: string; timeZone: string }>;

/** What its writer says of an event: Graph's event resource without what the server itself adds. */
export type GraphBody = Readonly<{
  start?: GraphTime | undefined;
  end?: GraphTime | undefined;
  isAllDay?: boolean | undefined;
  recurrence?: Recurrence | null | undefined;
  /** Of an exception: the key of its series, and which of its occurrences it replaces (an instant in UTC, of whole days the date). */
  seriesMasterId?: string | undefined;
  originalStart?: string | undefined;
  [field: string]: unknown;
}>;

/** What a series was before its occurrences got other ids. `until`: the revision of the calendar that changed it. */
export type EarlierShape = Readonly<{ body: GraphBody; generation: number; until: number }>;

/** `created`, `updated`: milliseconds since the epoch. `generation`: grows when a series takes place at other times. */
export type StoredEvent = Readonly<{
  key: string;
  removed: boolean;
  created: number;
  updated: number;
  generation: number;
  body: GraphBody;
  earlier: readonly EarlierShape[];
}>;

/** The IANA name of a zone; null when the name is known to no database, as `tzone://Microsoft/Custom`. */
export const ianaOf = (zone: string): string | null => WINDOWS_ZONES.get(zone) ?? (zone === 'UTC' || isIanaZone(zone) ? zone : null);

const NAMED_BY_WINDOWS = new Map([...WINDOWS_ZONES].map(([windows, iana]) => [iana, windows]));

/** The Windows name of a zone, where there is one. */
export const windowsOf = (zone: string): string => NAMED_BY_WINDOWS.get(zone) ?? zone;

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/i;

const WALL = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?$/;

/** Epoch seconds of an RFC 3339 text; without an offset it is a wall clock of the zone. Null when it is no time. */
export const instantIn = (text: string, zone: string): number | null => {
  const [, given = '', offset] = DATE_TIME.exec(text) ?? [];
  const wall = given.length === 16 ? `${given}:00` : given;
  const seconds = parseWall(wall);
  if (seconds === null) return null;
  return offset === undefined
    ? zoneOrUtc(ianaOf(zone) ?? 'UTC', {}).instantOf(seconds)
    : Math.floor(Date.parse(`${wall}${offset}`) / 1_000);
};

/** A calendar of thousands of events is looked through for every page of a view. */
const known = new WeakMap<GraphTime, number | null>();

export const secondsOf = (time: GraphTime): number | null => {
  let seconds = known.get(time);
  if (seconds === undefined) {
    seconds = instantIn(time.dateTime, time.timeZone);
    known.set(time, seconds);
  }
  return seconds;
};

export const isAllDay = ({ isAllDay: whole }: GraphBody): boolean => whole === true;

/** A time as a series is reckoned with: a day, or the wall clock of its own zone. */
export const whenOf = (time: GraphTime, whole: boolean): When | null => {
  const seconds = secondsOf(time);
  if (seconds === null) return null;
  if (whole) return { date: time.dateTime.slice(0, 10) };
  const zone = ianaOf(time.timeZone) ?? 'UTC';
  // As it is written: the clock may skip it on the day of the first occurrence, and show it on all others.
  const written = WALL.exec(time.dateTime)?.[1];
  return { wall: written ?? formatWall(zoneOrUtc(zone, {}).wallOf(seconds)), zone };
};

/** A time as Graph shows it in a zone; whole days keep their date, whichever zone is asked for. */
export const shownTime = (time: GraphTime, whole: boolean, shownIn: string): GraphTime => {
  if (whole) return { dateTime: `${time.dateTime.slice(0, 10)}T00:00:00.0000000`, timeZone: shownIn };
  const zone = zoneOrUtc(ianaOf(shownIn) ?? 'UTC', {});
  return { dateTime: `${formatWall(zone.wallOf(secondsOf(time) ?? 0))}.0000000`, timeZone: shownIn };
};

const compact = (original: string): string => original.replace(/\.\d+/, '').replace(/[-:]/g, '');

/** Key of an occurrence of a series. `original`: an instant in UTC, or a date. */
export const occurrenceKey = (master: string, generation: number, original: string): string =>
  `${master}.${generation}.${compact(original)}`;

/** The series a key of an occurrence belongs to; null when it is the key of something else. */
export const seriesOfKey = (key: string): Readonly<{ master: string; generation: number; day: string }> | null => {
  const [, master, generation, date = ''] = /^(.+)\.(\d+)\.(\d{8})(?:T\d{6}Z)?$/.exec(key) ?? [];
  if (master === undefined) return null;
  return { master, generation: Number(generation), day: date.replace(/(....)(..)(..)/, '$1-$2-$3') };
};

const PREFIX = { mutable: 'AAMkADg5', immutable: 'AAkALgAA' } as const;

/** The id Graph gives an event, of which it has two. They are case-sensitive, and not fit for a path as they are. */
export const graphId = (key: string, immutable: boolean): string =>
  (immutable ? PREFIX.immutable : PREFIX.mutable) + btoa(encodeURIComponent(key)).replaceAll('+', '-').replaceAll('/', '_');

/** The key of either id; null when it is none. */
export const keyOfId = (id: string): string | null => {
  const prefix = Object.values(PREFIX).find((each) => id.startsWith(each));
  if (prefix === undefined) return null;
  try {
    return decodeURIComponent(atob(id.slice(prefix.length).replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return null;
  }
};
