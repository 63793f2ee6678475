import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMassRemoval, newGenerationFor, nextGenerationAt, nextPollAt, retryAt, windowAt } from '../../src/sync/generation.js';
import { DAY, HOUR, MINUTE } from '../../src/kernel/clock.js';

const now = Date.parse('2026-11-22T10:00:00Z');
const LIFE = 14 * DAY;
const settled = { generation: 3, hasCursor: true, generationDueAt: now + DAY, fullRequested: false, held: false, life: LIFE };

describe('A calendar is read whole', () => {
  it('the first time', () => {
    expect(newGenerationFor({ ...settled, generation: 0, hasCursor: false, generationDueAt: null }, now)).toBe('first');
  });
  it('when a reading did not come to its end', () => {
    expect(newGenerationFor({ ...settled, hasCursor: false }, now)).toBe('resumed');
  });
  it('when its generation is due', () => {
    expect(newGenerationFor({ ...settled, generationDueAt: now }, now)).toBe('scheduled');
  });
  it('when the clock has gone back, so that its window is not about these days', () => {
    expect(newGenerationFor({ ...settled, generationDueAt: now + 15 * DAY }, now)).toBe('scheduled');
  });
  it('when a person asks for it', () => {
    expect(newGenerationFor({ ...settled, fullRequested: true }, now)).toBe('requested');
  });
  it('to confirm a mass removal', () => {
    expect(newGenerationFor({ ...settled, held: true }, now)).toBe('held');
  });
  it('and otherwise not', () => {
    expect(newGenerationFor(settled, now)).toBeNull();
  });
});

describe('The window of a generation', () => {
  it('reaches 30 days back, and 365 days beyond the moment the next generation is due', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (at, fraction) => {
        const { start, end } = windowAt(at, LIFE);
        expect(Date.parse(start)).toBeLessThanOrEqual(at - 30 * DAY);
        expect(Date.parse(end)).toBeGreaterThanOrEqual(nextGenerationAt(at, LIFE, fraction) + 365 * DAY);
        expect(nextGenerationAt(at, LIFE, fraction)).toBeLessThanOrEqual(at + 14 * DAY);
      }),
    );
  });
});

describe('A calendar that was read', () => {
  it('is read again within the time that is set, and not before half of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 900_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (within, chance) => {
          const wait = nextPollAt(now, within, chance) - now;
          expect(wait).toBeGreaterThanOrEqual(within / 2);
          expect(wait).toBeLessThanOrEqual(within);
        },
      ),
    );
  });
});

describe('A failing calendar', () => {
  it('backs off from five minutes to six hours, give or take a fifth', () => {
    expect(retryAt(now, 1, null, 0.5) - now).toBe(5 * MINUTE);
    expect(retryAt(now, 2, null, 0.5) - now).toBe(10 * MINUTE);
    expect(retryAt(now, 50, null, 0.5) - now).toBe(6 * HOUR);
    expect(retryAt(now, 1, null, 0) - now).toBe(4 * MINUTE);
  });
  it('waits for as long as the server asks', () => {
    expect(retryAt(now, 1, 3600, 0.5) - now).toBe(HOUR);
  });
});

describe('The mass-change breaker', () => {
  it('holds what would remove more than half and more than twenty occurrences', () => {
    expect(isMassRemoval(21, 41)).toBe(true);
    expect(isMassRemoval(20, 20)).toBe(false);
    expect(isMassRemoval(21, 42)).toBe(false);
  });
});
