import { DAY_SECONDS, wallDay, weekdayOf } from '../time/civil.js';
import { zoneOrUtc } from '../time/time-zone.js';
import { MINUTE } from '../kernel/clock.js';
import { minuteOf, WEEKDAYS, type WorkingHours } from '../preference/working-hours.js';
import { type Interval, merged, within, without } from './intervals.js';

/** Somebody who shall be there: when they cannot (busy, or not known to be free), and when they work, on the clock of their zone. */
export type Person = Readonly<{
  userId: string;
  taken: readonly Interval[];
  /** Null: at any time. */
  workingHours: WorkingHours | null;
  timeZone: string | null;
}>;

/** All in milliseconds; `before` and `after` have to be free too. `quorum`: how many have to be free at least. */
export type Wish = Readonly<{ duration: number; before: number; after: number; quorum: number }>;

export type Slot = Interval & Readonly<{ free: readonly string[] }>;

/** Slots begin at quarters of an hour, which is where zones put them too. */
export const GRID = 15 * MINUTE;

/** Slots that are answered at most. */
export const MOST_SLOTS = 20;

/** When somebody works, inside a range. */
export const hoursIn = (range: Interval, workingHours: WorkingHours, timeZone: string | null): readonly Interval[] => {
  const zone = zoneOrUtc(timeZone ?? 'UTC', {});
  const hours: Interval[] = [];
  const last = wallDay(zone.wallOf(range.end / 1_000));
  for (let day = wallDay(zone.wallOf(range.start / 1_000)); day <= last; day += 1) {
    const weekday = WEEKDAYS[weekdayOf(day)];
    const intervals = weekday === undefined ? [] : (workingHours[weekday] ?? []);
    const at = (time: string): number => zone.instantOf(day * DAY_SECONDS + (minuteOf(time) ?? 0) * 60) * 1_000;
    hours.push(...intervals.map(({ start, end }) => ({ start: at(start), end: at(end) })));
  }
  return merged(within(hours, range));
};

/** When a slot may begin for somebody: the whole of it in their working hours, and free with what has to be free around it. */
const beginnings = (range: Interval, { taken, workingHours, timeZone }: Person, { duration, before, after }: Wish): readonly Interval[] => {
  const working = workingHours === null ? [range] : hoursIn(range, workingHours, timeZone);
  const inHours = working.flatMap(({ start, end }) => (end - start < duration ? [] : [{ start, end: end - duration + 1 }]));
  const blocked = taken.map(({ start, end }) => ({ start: start - duration - after + 1, end: end + before }));
  return without(merged(inHours), merged(blocked));
};

/** Which of the possible beginnings suit somebody, as many ones as there are. */
const suits = (first: number, count: number, intervals: readonly Interval[]): Uint8Array => {
  const marks = new Uint8Array(count);
  for (const { start, end } of intervals) {
    const from = Math.max(0, Math.ceil((start - first) / GRID));
    for (let index = from; index < count && first + index * GRID < end; index += 1) marks[index] = 1;
  }
  return marks;
};

/**
 * Slots in which at least a quorum is free, the most people first, then the earliest; none overlaps another. `free` names who can come, in
 * the order they were given.
 */
export const slotsFor = (range: Interval, people: readonly Person[], wish: Wish): readonly Slot[] => {
  const first = Math.ceil(range.start / GRID) * GRID;
  const count = Math.max(0, Math.floor((range.end - wish.duration - first) / GRID) + 1);
  const free = people.map((person) => suits(first, count, beginnings(range, person, wish)));
  const attendance = Array.from({ length: count }, (_, index) => free.reduce((sum, marks) => sum + (marks[index] ?? 0), 0));
  const candidates = [...attendance.keys()]
    .filter((index) => (attendance[index] ?? 0) >= wish.quorum)
    .sort((a, b) => (attendance[b] ?? 0) - (attendance[a] ?? 0) || a - b);
  const slots: Slot[] = [];
  for (const index of candidates) {
    const start = first + index * GRID;
    const end = start + wish.duration;
    if (slots.some((slot) => start < slot.end && end > slot.start)) continue;
    slots.push({ start, end, free: people.filter((_, who) => free[who]?.[index] === 1).map(({ userId }) => userId) });
    if (slots.length === MOST_SLOTS) break;
  }
  return slots;
};
