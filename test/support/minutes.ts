import fc from 'fast-check';
import { type Interval } from '../../src/availability/intervals.js';

/** Intervals of a small world, whose every instant can be looked at. */
export const LAST = 60;

const ends = fc.tuple(fc.nat(LAST), fc.nat(LAST));
export const interval: fc.Arbitrary<Interval> = ends.map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
export const intervals = fc.array(interval, { maxLength: 8 });

/** All instants that intervals take. */
export const minutesOf = (found: readonly Interval[]): readonly number[] =>
  Array.from({ length: LAST }, (_, minute) => minute).filter((minute) => found.some(({ start, end }) => minute >= start && minute < end));
