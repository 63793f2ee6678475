import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { afterCrash, afterFailure, type Trouble } from '../../src/kernel/failure-policy.js';

const NOTHING: Trouble = { unforeseen: 0, crashes: 0, setAside: null };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What a row comes to that fails so many times, and after which pauses it was tried again. */
const failing = (times: number, lasting: boolean, fraction = 0.5) => {
  let trouble = NOTHING;
  const pauses: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const verdict = afterFailure(trouble, lasting, fraction);
    trouble = verdict.trouble;
    pauses.push(verdict.pause);
  }
  return { trouble, pauses };
};

const crashing = (times: number, lasting: boolean) => {
  let trouble = NOTHING;
  const pauses: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const verdict = afterCrash(trouble, lasting, 0.5);
    trouble = verdict.trouble;
    pauses.push(verdict.pause);
  }
  return { trouble, pauses };
};

describe('Work that fails for an unforeseen reason', () => {
  it('is tried again after pauses that grow from seconds to hours, and is set aside for a day when it has failed six times', () => {
    const { trouble, pauses } = failing(7, false);
    expect(pauses).toEqual([5_000, 30_000, 180_000, 1_080_000, 6_480_000, DAY, DAY]);
    expect(trouble).toEqual({ unforeseen: 7, crashes: 0, setAside: 'failed' });
    expect(failing(5, false).trouble.setAside).toBeNull();
  });

  it('is never set aside when it may not be left undone, but tried at least every six hours', () => {
    const { trouble, pauses } = failing(12, true);
    expect(trouble.setAside).toBeNull();
    expect(Math.max(...pauses)).toBe(6 * HOUR);
  });

  it('is spread out by chance', () => {
    expect(failing(1, false, 0).pauses).toEqual([4_000]);
    expect(failing(1, false, 0.999).pauses[0]).toBeCloseTo(5_998, -1);
  });
});

describe('Work that was under way when its process died', () => {
  it('may be tried again at once, and is set aside when the process has died three more times while it ran alone', () => {
    const { trouble, pauses } = crashing(4, false);
    expect(pauses).toEqual([0, 5_000, 30_000, DAY]);
    expect(trouble).toEqual({ unforeseen: 0, crashes: 4, setAside: 'crashed' });
    expect(crashing(3, false).trouble.setAside).toBeNull();
  });

  it('is never set aside when it may not be left undone', () => {
    const { trouble, pauses } = crashing(9, true);
    expect(trouble.setAside).toBeNull();
    expect(Math.max(...pauses)).toBeLessThanOrEqual(6 * HOUR);
  });
});

describe('Any work in trouble', () => {
  it('is counted by what happened to it, never waits longer than a day and a fifth, and only that which may wait is set aside', () => {
    const happenings = fc.array(fc.constantFrom('failure', 'crash'), { maxLength: 30 });
    fc.assert(
      fc.property(happenings, fc.boolean(), fc.double({ min: 0, max: 0.999, noNaN: true }), (all, lasting, fraction) => {
        let trouble = NOTHING;
        for (const each of all) {
          const verdict = (each === 'crash' ? afterCrash : afterFailure)(trouble, lasting, fraction);
          expect(verdict.pause).toBeGreaterThanOrEqual(0);
          expect(verdict.pause).toBeLessThanOrEqual(1.2 * DAY);
          trouble = verdict.trouble;
        }
        const count = (kind: string): number => all.filter((each) => each === kind).length;
        expect(trouble).toMatchObject({ unforeseen: count('failure'), crashes: count('crash') });
        expect(trouble.setAside !== null).toBe(!lasting && (count('failure') >= 6 || count('crash') >= 4));
      }),
    );
  });
});
