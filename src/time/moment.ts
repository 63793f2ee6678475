import { type CustomZones, type When } from '../calendar/calendar-object.js';
import { DAY_SECONDS, parseDate, parseWall, wallDay, wallTime } from './civil.js';
import { Unexpandable } from './rrule.js';
import { findZone, type Zone, zoneOrUtc } from './time-zone.js';

/** Zones a calendar object's times may be in; `floating` is the one for times that name none. */
export type Zones = Readonly<{ custom: CustomZones; floating: Zone }>;

/** A `When` that can be reckoned with: the wall (midnight for a day), and the clock it is read on. */
export type Moment = Readonly<{ kind: 'date' | 'floating' | 'zoned'; wall: number; zone: Zone; zoneId: string | null }>;

/** `fallbackZone` is the calendar's or the user's; UTC when it is no zone. */
export const zonesFor = (custom: CustomZones, fallbackZone: string): Zones => ({ custom, floating: zoneOrUtc(fallbackZone, {}) });

const readable = (wall: number | null): number => {
  if (wall === null) throw new Unexpandable('recurrence.bad-time');
  return wall;
};

/** Throws `Unexpandable` for text that is no time. An unknown zone is read as floating. */
export const momentOf = (when: When, zones: Zones): Moment => {
  if ('date' in when) return { kind: 'date', wall: readable(parseDate(when.date)) * DAY_SECONDS, zone: zones.floating, zoneId: null };
  const wall = readable(parseWall(when.wall));
  const zone = when.zone === null ? null : findZone(when.zone, zones.custom);
  if (zone === null) return { kind: 'floating', wall, zone: zones.floating, zoneId: null };
  return { kind: 'zoned', wall, zone, zoneId: when.zone };
};

/** Which instance: its wall on the clock of the series, and its `key`, the instant in seconds, or the wall itself for an all-day series. */
export type InstanceId = Readonly<{ wall: number; key: number }>;

/** The key of the instance of a series that begins at a wall of its own clock. */
export const keyAt = (series: Moment, wall: number): number => (series.kind === 'date' ? wall : series.zone.instantOf(wall));

/** The instance of a series that begins at a wall of its own clock. */
export const instanceAt = (series: Moment, wall: number): InstanceId => ({ wall, key: keyAt(series, wall) });

const onDay = (series: Moment, moment: Moment, zones: Zones): InstanceId => {
  // Some clients name an all-day instance by its midnight at home, told in UTC.
  const elsewhere = moment.zoneId === 'UTC' && wallTime(moment.wall) !== 0;
  return instanceAt(series, wallDay(elsewhere ? zones.floating.wallOf(moment.wall) : moment.wall) * DAY_SECONDS);
};

/**
 * The instance of a series that a RECURRENCE-ID, RDATE or EXDATE names. It should have the series' own kind of value; a day
 * for a timed series means the instance of that day, a time for an all-day series the day it is in.
 */
export const instanceNamed = (series: Moment, when: When, zones: Zones): InstanceId => {
  const moment = momentOf(when, zones);
  if (series.kind === 'date') return onDay(series, moment, zones);
  if (moment.kind === 'date') return instanceAt(series, moment.wall + wallTime(series.wall));
  if (moment.kind === 'floating' || moment.zoneId === series.zoneId) return instanceAt(series, moment.wall);
  const key = moment.zone.instantOf(moment.wall);
  return { wall: series.zone.wallOf(key), key };
};
