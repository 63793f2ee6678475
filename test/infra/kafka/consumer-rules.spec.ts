import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inBatches } from '../../../src/infra/kafka/batches.js';
import { lagOf, outsideOf, type Place, toldOutside } from '../../../src/infra/kafka/offsets.js';
import { isDeaf, LIMITS, type Seen, standingOf } from '../../../src/infra/kafka/standing.js';

const NOW = 1_000_000_000;
const seen = (more: Partial<Seen>): Seen => ({
  ...{ joinedAt: NOW - 600_000, assigned: 3, emptySince: null, fetchedAt: NOW - 100, underWay: 0, apartSince: NOW - 600_000 },
  ...more,
});

describe('sync-rule 34: a running consumer is asked how it stands', () => {
  it.each<[string, Partial<Seen>, boolean, boolean]>([
    ['reads its partitions', {}, true, false],
    ['is about to join', { joinedAt: null, apartSince: NOW - 1_000 }, true, false],
    ['has not joined for long', { joinedAt: null, apartSince: NOW - LIMITS.silence - 1 }, false, false],
    ['does not come to join', { joinedAt: null, apartSince: NOW - LIMITS.apart - 1 }, false, true],
    ['stands by while others have all partitions', { assigned: 0 }, true, false],
    ['has had no partitions for a moment', { assigned: 0, emptySince: NOW - 1_000 }, true, false],
    [
      'has had no partitions for longer than a group may take to divide them',
      { assigned: 0, emptySince: NOW - LIMITS.rebalance - 1 },
      false,
      true,
    ],
    ['fetches nothing', { fetchedAt: NOW - LIMITS.silence - 1 }, false, false],
    ['has fetched nothing for too long', { fetchedAt: NOW - LIMITS.rebalance - 1 }, false, true],
    ['fetches nothing while a handler is at work', { fetchedAt: NOW - 3_600_000, underWay: 1 }, true, false],
  ])('one that %s', (_, more, ok, deaf) => {
    expect([standingOf(seen(more), NOW).ok, isDeaf(seen(more), NOW)]).toEqual([ok, deaf]);
  });
});

const place = (more: Partial<Place>): Place => ({ topic: 't', partition: 0, committed: 5n, remembered: 5n, low: 0n, high: 9n, ...more });

describe('sync-rule 35: what a group has read is compared with what its topics have', () => {
  it.each<[string, Partial<Place>, string | null]>([
    ['in the middle', {}, null],
    ['at the end', { committed: 9n, remembered: 9n }, null],
    ['at the beginning', { committed: 0n, remembered: 0n }, null],
    ['nowhere yet', { committed: null, remembered: null }, null],
    ['set back by an operator', { committed: 1n, remembered: 9n }, null],
    ['beyond a topic that was made again', { committed: 10n, remembered: 10n }, 'beyond'],
    ['forgotten by a broker that was emptied', { committed: null, remembered: 10n }, 'beyond'],
    ['before what retention has left', { committed: 5n, low: 6n }, 'before'],
    ['before what retention has left, forgotten by the broker', { committed: null, remembered: 5n, low: 6n }, 'before'],
  ])('one that is %s', (_, more, why) => {
    expect(outsideOf([place(more)]).map((each) => each.why)).toEqual(why === null ? [] : [why]);
  });

  it('names what is outside, and counts what is not read', () => {
    const places = [
      place({ committed: 11n }),
      place({ partition: 1, committed: 1n, low: 3n }),
      place({ topic: 'u', committed: null, low: 2n }),
    ];
    expect(toldOutside(outsideOf(places))).toBe('t/0 lacks messages that were read, t/1 lost messages that were not read');
    expect([...lagOf([place({}), place({ partition: 1 }), place({ topic: 'u', committed: null, low: 2n })])]).toEqual([
      ['t', 8],
      ['u', 7],
    ]);
  });
});

describe('Messages that are published together', () => {
  it('go in requests that a broker takes, in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 })), fc.integer({ min: 1, max: 5 }), (sizes, messages) => {
        const batches = inBatches(sizes, (size) => size, { messages, bytes: 100 });
        expect(batches.flat()).toEqual(sizes);
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(messages);
          expect(batch.length === 1 || batch.reduce((sum, size) => sum + size, 0) <= 100).toBe(true);
        }
      }),
    );
  });
});
