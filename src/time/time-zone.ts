import { type CustomZones } from '../calendar/calendar-object.js';
import { customOffsets } from './time-zone-custom.js';
import { ianaOffsets, type OffsetAt } from './time-zone-iana.js';

/** A place's clock. Walls and instants are in seconds (see `civil.ts`). */
export type Zone = Readonly<{
  /** Seconds east of UTC. */
  offsetAt: OffsetAt;
  instantOf: (wall: number) => number;
  wallOf: (instant: number) => number;
}>;

/** No place has ever been further from UTC (Manila and Alaska before their date lines moved). */
const FURTHEST = 16 * 3_600;

/**
 * The one way from a wall to an instant: a wall that the clock skips is read with the offset before the gap, which moves it forward by the
 * gap (RFC 5545 3.3.5); of a wall that comes twice, the first is meant.
 */
const instantOf = (offsetAt: OffsetAt, wall: number): number => {
  const before = offsetAt(wall - FURTHEST);
  const after = offsetAt(wall + FURTHEST);
  if (before === after) return wall - before;
  const early = wall - before;
  if (offsetAt(early) === before) return early;
  const late = wall - after;
  return offsetAt(late) === after ? late : early;
};

const known = new WeakMap<OffsetAt, Zone>();

const zoneOf = (offsetAt: OffsetAt): Zone => {
  let zone = known.get(offsetAt);
  if (zone === undefined) {
    zone = { offsetAt, instantOf: (wall) => instantOf(offsetAt, wall), wallOf: (instant) => instant + offsetAt(instant) };
    known.set(offsetAt, zone);
  }
  return zone;
};

const UTC = zoneOf(() => 0);

/**
 * The zone an id stands for: a zone of the object's own first, then the IANA database; null when it is neither. Throws `Unexpandable`
 * when the object's own definition makes no sense.
 */
export const findZone = (id: string, custom: CustomZones): Zone | null => {
  if (id === 'UTC') return UTC;
  const observances = Object.hasOwn(custom, id) ? custom[id] : undefined;
  const offsetAt = observances === undefined || observances.length === 0 ? ianaOffsets(id) : customOffsets(observances);
  return offsetAt === null ? null : zoneOf(offsetAt);
};

/** Whether this is the name of a zone in the IANA database, old spellings included. */
export const isIanaZone = (id: string): boolean => ianaOffsets(id) !== null;

/** Like `findZone`, with UTC for an unknown id. */
export const zoneOrUtc = (id: string, custom: CustomZones): Zone => findZone(id, custom) ?? UTC;
