import { zonesByName, transitionsOf } from './zone-transitions.js';

/** Offset of a zone, in seconds east of UTC, at an instant in seconds since the epoch. */
export type OffsetAt = (instant: number) => number;

/** Index of the last change at or before an instant, -1 when it is before all of them. */
const lastAt = (from: readonly number[], instant: number): number => {
  let [low, high] = [0, from.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((from[middle] ?? 0) <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** Most questions are about a time near that of the one before, so that the stretch found last is looked at first. */
const offsetsOf = (zone: string): OffsetAt => {
  const { first, from, offsets } = transitionsOf(zone);
  let [begin, end, offset] = [Infinity, -Infinity, first];
  return (instant) => {
    if (instant >= begin && instant < end) return offset;
    const index = lastAt(from, instant);
    [begin, end, offset] = [from[index] ?? -Infinity, from[index + 1] ?? Infinity, offsets[index] ?? first];
    return offset;
  };
};

let zones: ReadonlyMap<string, string> | null = null;
const known = new Map<string, OffsetAt>();

/** Names are ASCII: what only becomes one when it is put into lower case is none. */
const NAME = /^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/;

const zoneOf = (id: string): string | undefined => {
  if (zones === null) {
    const spelled = zonesByName();
    zones = new Map([...[...spelled].map(([name, zone]) => [name.toLowerCase(), zone] as const), ...spelled]);
  }
  return zones.get(id) ?? (NAME.test(id) ? zones.get(id.toLowerCase()) : undefined);
};

/** Offsets of an IANA zone by any of its names in any case, or null when there is no such zone. Rules are those of `zone-rules.ts`. */
export const ianaOffsets = (id: string): OffsetAt | null => {
  const zone = zoneOf(id);
  if (zone === undefined) return null;
  let offsets = known.get(zone);
  if (offsets === undefined) known.set(zone, (offsets = offsetsOf(zone)));
  return offsets;
};
