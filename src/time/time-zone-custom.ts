import { type Observance } from '../calendar/calendar-object.js';
import { dayOf, DAY_SECONDS, parseWall } from './civil.js';
import { type Budget, walk } from './rrule-walk.js';
import { parseRule, Unexpandable } from './rrule.js';
import { type OffsetAt } from './time-zone-iana.js';

const FIRST = dayOf(1970, 1, 1) * DAY_SECONDS;
const LAST = dayOf(2100, 1, 1) * DAY_SECONDS;
const YEAR = 366 * DAY_SECONDS;
const STEPS = 100_000;

type Onset = Readonly<{ from: number; offset: number }>;

const wallOf = (text: string): number => {
  const wall = parseWall(text);
  if (wall === null) throw new Unexpandable('recurrence.bad-time');
  return wall;
};

/** A rule of a zone has an instance every year: two years hold the last one. */
const LAST_INSTANCE = 2 * YEAR;

/**
 * Walls at which one observance begins. Its rule is entered shortly before 1970, because many products write 1601 as its start; a rule that
 * ended earlier is entered shortly before its end, because its last instance may be the last change of all.
 */
const onsetWalls = (observance: Observance, budget: Budget): readonly number[] => {
  const start = wallOf(observance.start);
  const walls = [start, ...observance.dates.map(wallOf)];
  if (observance.rule === null) return walls;
  const rule = parseRule(observance.rule);
  const until = rule.until === null ? LAST : rule.until.at + (rule.until.kind === 'instant' ? observance.offsetFrom : 0);
  // A rule that counts is walked from its start in any case, and where it ends is known only then.
  const from = rule.count === null ? Math.min(FIRST - YEAR, until - LAST_INSTANCE) : start;
  return [...walls, ...walk(rule, start, { from, to: Math.min(LAST, until) }, budget)];
};

/** Onsets in order of time; walls are read with the offset that holds before them (RFC 5545 3.6.5). */
const onsetsOf = (observances: readonly Observance[]): readonly Onset[] => {
  const budget = { left: STEPS };
  return observances
    .flatMap((each) => onsetWalls(each, budget).map((wall) => ({ from: wall - each.offsetFrom, offset: each.offsetTo })))
    .sort((a, b) => a.from - b.from);
};

const firstOffset = (observances: readonly Observance[]): number =>
  observances.reduce((first, each) => (each.start < first.start ? each : first), observances[0] ?? { start: '', offsetFrom: 0 }).offsetFrom;

/** Index of the last onset at or before an instant, -1 when it is before all of them. */
const lastAt = (onsets: readonly Onset[], instant: number): number => {
  let [low, high] = [0, onsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((onsets[middle]?.from ?? 0) <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

const readOffsets = (observances: readonly Observance[]): OffsetAt => {
  const onsets = onsetsOf(observances);
  const before = firstOffset(observances);
  return (instant) => onsets[lastAt(onsets, instant)]?.offset ?? before;
};

const CACHED = 200;
const byText = new Map<string, OffsetAt>();
const byIdentity = new WeakMap<readonly Observance[], OffsetAt>();

/**
 * Offsets of a zone that a VTIMEZONE defines, until 2100. Before its first onset the offset is the one that onset changes from. Throws
 * `Unexpandable` when a part of it cannot be understood. The same definition in many objects is worked out once.
 */
export const customOffsets = (observances: readonly Observance[]): OffsetAt => {
  const held = byIdentity.get(observances);
  if (held !== undefined) return held;
  const text = JSON.stringify(observances);
  const offsets = byText.get(text) ?? readOffsets(observances);
  if (byText.size >= CACHED) byText.clear();
  byText.set(text, offsets);
  byIdentity.set(observances, offsets);
  return offsets;
};
