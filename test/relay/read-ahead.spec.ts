import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Placed, type Source } from '../../src/kernel/follower.js';
import { readAhead } from '../../src/relay/read-ahead.source.js';

/** Batches of so many items, the first ones after so many turns of the event loop; then it fails, or waits until it is aborted. */
const sourceOf = (sizes: readonly number[], turns: number, failure: Error | null, seen: { count: number }): Source<Placed> =>
  async function* (after, signal) {
    let position = after ?? 0n;
    for (const size of sizes) {
      for (let each = 0; each < turns; each += 1) await turn();
      const items = Array.from({ length: size }, () => ({ position: ++position }));
      seen.count += size;
      yield { items, position, live: false };
    }
    if (failure !== null) throw failure;
    yield { items: [], position, live: true };
    while (!signal.aborted) await turn();
  };

/** All positions that come until it is live or fails. */
const taken = async (source: Source<Placed>, pause: number, most: number, seen: { count: number }) => {
  const [aborting, positions, batches] = [new AbortController(), [] as bigint[], [] as number[]];
  let failure: unknown = null;
  try {
    for await (const { items, live } of readAhead(source, most)(null, aborting.signal)) {
      positions.push(...items.map(({ position }) => position));
      batches.push(items.length);
      expect(seen.count - positions.length).toBeLessThanOrEqual(most + 50);
      for (let each = 0; each < pause; each += 1) await turn();
      if (live) break;
    }
  } catch (error) {
    failure = error;
  }
  return { positions, batches, failure };
};

describe('A source that is read ahead', () => {
  it('hands on every item once and in order, at any pace, and what it fails at only when all before is handed on', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(2), fc.nat(3), fc.boolean(), async (batches, turns, pause, fails) => {
        const [failure, seen] = [fails ? new Error('over') : null, { count: 0 }];
        const found = await taken(sourceOf(batches, turns, failure, seen), pause, 100, seen);
        const count = batches.reduce((sum, size) => sum + size, 0);
        expect(found.positions).toEqual(Array.from({ length: count }, (_, index) => BigInt(index + 1)));
        expect(found.failure).toBe(failure);
      }),
    );
  });

  it('brings what came meanwhile as one batch', async () => {
    const seen = { count: 0 };
    const { batches } = await taken(sourceOf(Array<number>(40).fill(50), 0, null, seen), 60, 1_000, seen);
    expect(batches.length).toBeLessThan(6);
  });

  it('ends when it is aborted, also while nothing comes', async () => {
    const aborting = new AbortController();
    const source: Source<Placed> = async function* (_, signal) {
      yield { items: [], position: null, live: true };
      while (!signal.aborted) await turn();
    };
    const ended = (async () => {
      for await (const { live } of readAhead(source, 10)(null, aborting.signal)) expect(live).toBe(true);
    })();
    await turn();
    aborting.abort();
    await ended;
  });
});
