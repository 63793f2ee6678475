import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Interval, merged, within, without } from '../../src/availability/intervals.js';
import { interval, intervals, LAST, minutesOf } from '../support/minutes.js';

const isMerged = (found: readonly Interval[]): boolean =>
  found.every(({ start, end }, index) => start < end && (index === 0 || start > (found[index - 1]?.end ?? Infinity)));

describe('Intervals', () => {
  it('merged take the very minutes they took before, in order, none touching the next', () => {
    fc.assert(
      fc.property(intervals, (given) => {
        const found = merged(given);
        expect(isMerged(found)).toBe(true);
        expect(minutesOf(found)).toEqual(minutesOf(given));
      }),
    );
  });

  it('without others take the minutes that only they took', () => {
    fc.assert(
      fc.property(intervals, intervals, (given, others) => {
        const found = without(merged(given), merged(others));
        expect(isMerged(found)).toBe(true);
        const taken = minutesOf(others);
        expect(minutesOf(found)).toEqual(minutesOf(given).filter((minute) => !taken.includes(minute)));
      }),
    );
  });

  it('within a range take its minutes and no other', () => {
    fc.assert(
      fc.property(intervals, interval, (given, range) => {
        const inside = minutesOf(given).filter((minute) => minute >= range.start && minute < range.end);
        expect(minutesOf(within(given, range))).toEqual(inside);
      }),
    );
  });

  it('that are empty take no time', () => {
    expect(merged([{ start: 5, end: 5 }])).toEqual([]);
    expect(without([{ start: 0, end: LAST }], merged([{ start: 5, end: 5 }]))).toEqual([{ start: 0, end: LAST }]);
  });
});
