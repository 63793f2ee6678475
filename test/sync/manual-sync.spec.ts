import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allowedOf, FULL_BUDGET, type Syncable } from '../../src/sync/manual-sync.js';
import { NOW } from '../support/builders.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const pauses = { sync: MINUTE, full: HOUR };
const calendar = (calendarId: string, more: Partial<Syncable> = {}): Syncable => ({
  calendarId,
  lastSyncAt: null,
  lastFullAt: null,
  objects: 100,
  ...more,
});
const allowed = (wanted: readonly Syncable[], full: boolean, all = wanted, now = NOW) => allowedOf(wanted, all, { full, pauses, now });

describe('A sync by hand', () => {
  it('is made of a calendar once a minute, and says when the next may be', () => {
    const [fresh, old] = [calendar('a', { lastSyncAt: NOW - 20_000 }), calendar('b', { lastSyncAt: NOW - MINUTE })];
    expect(allowed([fresh, old], false)).toEqual({ calendarIds: ['b'], retryAfter: 40_000 });
    expect(allowed([old], false)).toEqual({ calendarIds: ['b'], retryAfter: null });
  });
});

describe('A whole reading by hand', () => {
  it('is made of a calendar once an hour, while what changed may be read in between', () => {
    const read = calendar('a', { lastSyncAt: NOW - 10 * MINUTE, lastFullAt: NOW - 10 * MINUTE });
    expect(allowed([read], true)).toEqual({ calendarIds: [], retryAfter: 50 * MINUTE });
    expect(allowed([read], false)).toEqual({ calendarIds: ['a'], retryAfter: null });
    expect(allowed([read], true, [read], NOW + 50 * MINUTE)).toEqual({ calendarIds: ['a'], retryAfter: null });
  });

  it('is made of as many calendars as a person has objects to spend in an hour, those read longest ago first', () => {
    const all = [
      calendar('a', { objects: 120_000, lastFullAt: NOW - 2 * HOUR }),
      calendar('b', { objects: 90_000 }),
      calendar('c', { objects: 70_000 }),
    ];
    expect(allowed(all, true)).toEqual({ calendarIds: ['b', 'c'], retryAfter: HOUR });
  });

  it('counts what other calendars of the person were read whole within the hour', () => {
    const other = calendar('other', { objects: 199_950, lastFullAt: NOW - 15 * MINUTE });
    const mine = calendar('a');
    expect(allowed([mine], true, [mine, other])).toEqual({ calendarIds: [], retryAfter: 45 * MINUTE });
    expect(allowed([mine], true, [mine, other], NOW + 45 * MINUTE)).toEqual({ calendarIds: ['a'], retryAfter: null });
  });

  it('of one calendar is allowed when no other came before it, at any size, and an unknown size counts as a large one', () => {
    expect(allowed([calendar('a', { objects: 2 * FULL_BUDGET })], true).calendarIds).toEqual(['a']);
    const unknown = Array.from({ length: 30 }, (_, index) => calendar(String(index), { objects: null }));
    expect(allowed(unknown, true).calendarIds).toHaveLength(20);
  });

  it('spends in no hour more than the budget and one calendar, for any order and time of requests', () => {
    const asks = fc.array(fc.record({ after: fc.nat(40 * MINUTE), wanted: fc.uniqueArray(fc.nat(9), { minLength: 1 }) }), {
      maxLength: 12,
    });
    const sizes = fc.array(fc.nat(150_000), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(asks, sizes, (all, objects) => {
        let now = NOW;
        const state = objects.map((count, index) => calendar(String(index), { objects: count }));
        const spent: { at: number; cost: number }[] = [];
        for (const { after, wanted } of all) {
          now += after;
          const { calendarIds } = allowed(
            wanted.map((index) => state[index] ?? calendar('none')),
            true,
            state,
            now,
          );
          for (const id of calendarIds) {
            const index = Number(id);
            spent.push({ at: now, cost: objects[index] ?? 0 });
            state[index] = calendar(id, { objects: objects[index] ?? 0, lastSyncAt: now, lastFullAt: now });
          }
          const within = spent.filter(({ at }) => at > now - HOUR).map(({ cost }) => cost);
          expect(within.reduce((sum, cost) => sum + cost, 0) - Math.max(0, ...within)).toBeLessThanOrEqual(FULL_BUDGET);
        }
      }),
    );
  });
});
