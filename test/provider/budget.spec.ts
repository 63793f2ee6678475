import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spend } from '../../src/provider/budget.js';
import { PROVIDER_NAMES } from '../../src/provider/names.js';
import { entryOf } from '../../src/provider/registry.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9);

/** Requests that an account makes, each as soon as it may: `gaps` are the pauses between the moments at which they are wanted. */
const madeAt = (aMinute: number, gaps: readonly number[]): readonly number[] => {
  let [until, now] = [0, NOW];
  return gaps.map((gap) => {
    now += gap;
    for (let spent = spend(until, now, aMinute); ; spent = spend(until, now, aMinute)) {
      until = spent.until;
      if (spent.wait === 0) return now;
      now += spent.wait;
    }
  });
};

const mostInAMinute = (instants: readonly number[]): number =>
  Math.max(...instants.map((from) => instants.filter((at) => at >= from && at < from + MINUTE).length));

const aMinutes = fc.integer({ min: 2, max: 1_200 });

describe('The budget of requests of an account', () => {
  it('lets half of a minute’s requests be made at once, and spreads the others over the minute', () => {
    const made = madeAt(
      240,
      Array.from({ length: 240 }, () => 0),
    );
    expect(made.filter((at) => at === NOW)).toHaveLength(120);
    expect(made.slice(119, 123).map((at) => at - NOW)).toEqual([0, 500, 1_000, 1_500]);
  });

  it('is never exceeded in any minute, wherever that begins and however the requests come', () => {
    fc.assert(
      fc.property(
        aMinutes,
        fc.array(fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(2 * MINUTE)), { minLength: 1, maxLength: 400 }),
        (a, gaps) => {
          expect(mostInAMinute(madeAt(a, gaps))).toBeLessThanOrEqual(a);
        },
      ),
    );
  });

  it('that is used up gives the next request after exactly the wait it answers, and spends nothing before', () => {
    fc.assert(
      fc.property(aMinutes, fc.nat(MINUTE), (a, left) => {
        const until = NOW + left;
        const { wait, ...spent } = spend(until, NOW, a);
        if (wait === 0) return;
        expect(spent.until).toBe(until);
        expect(spend(until, NOW + wait, a).wait).toBe(0);
        expect(spend(until, NOW + wait - 1, a).wait).toBe(1);
      }),
    );
  });

  it('is full again after a minute without requests', () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 60, 240, 600, 1_000), fc.nat(600), (a, before) => {
        const made = madeAt(a, [...Array.from({ length: before }, () => 0), MINUTE, ...Array.from({ length: a / 2 - 1 }, () => 0)]);
        const burst = made.slice(before);
        expect(new Set(burst).size).toBe(1);
      }),
    );
  });

  it('is not empty for long because the clock was set back', () => {
    expect(spend(NOW + 60 * MINUTE, NOW, 240)).toEqual({ until: NOW + 500, wait: 0 });
  });

  it.each(PROVIDER_NAMES)('of %s does not hold up the first reading of a large calendar', (provider) => {
    const requests = Array.from({ length: 60 }, () => 0);
    expect(new Set(madeAt(entryOf(provider).requestsAMinute, requests))).toEqual(new Set([NOW]));
  });

  it('is what its service allows, or less', () => {
    expect(PROVIDER_NAMES.map((name) => [name, entryOf(name).requestsAMinute])).toEqual([
      ['google', 600],
      ['microsoft', 1_000],
      ['apple', 240],
      ['caldav', 600],
    ]);
  });
});
