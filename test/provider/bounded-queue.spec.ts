import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedQueue } from '../../src/provider/caldav/bounded-queue.js';

/** Puts pieces as a server sends them, and waits for room before each. Answers what was still wanted. */
const produce = async (queue: BoundedQueue<number>, pieces: readonly (readonly number[])[], error: Error | null): Promise<number> => {
  let put = 0;
  for (const piece of pieces) {
    if (!(await queue.room())) return put;
    for (const weight of piece) queue.put((put += 1), weight);
  }
  queue.finish(error);
  return put;
};

const PIECES = fc.array(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 8 }), { maxLength: 30 });

describe('A bounded queue', () => {
  it('gives everything in order, and never holds more than its bound and one piece', async () => {
    await fc.assert(
      fc.asyncProperty(PIECES, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 50 }), async (pieces, most, mostWeight) => {
        const queue = new BoundedQueue<number>(most, mostWeight);
        const producing = produce(queue, pieces, null);
        const taken: number[] = [];
        const lasts: boolean[] = [];
        for await (const { items, isLast } of queue.pages()) {
          expect(items.length).toBeLessThan(most + 8);
          taken.push(...items);
          lasts.push(isLast);
        }
        expect(taken).toEqual(Array.from({ length: await producing }, (_, index) => index + 1));
        expect(lasts.slice(0, -1)).not.toContain(true);
      }),
    );
  });

  it('gives what came before a failure, then the failure', async () => {
    const queue = new BoundedQueue<number>(2, 100);
    const failure = new Error('broke off');
    const producing = produce(queue, [[1], [1], [1]], failure);
    const taken: number[] = [];
    const taking = (async () => {
      for await (const { items } of queue.pages()) taken.push(...items);
    })();
    await expect(taking).rejects.toBe(failure);
    expect([taken, await producing]).toEqual([[1, 2, 3], 3]);
  });

  it('tells the producer when its consumer leaves in the middle, or before it took anything', async () => {
    for (const takesOne of [true, false]) {
      const queue = new BoundedQueue<number>(1, 100);
      const producing = produce(queue, [[1], [1], [1], [1], [1]], null);
      if (takesOne) for await (const { items } of queue.pages()) if (items.length > 0) break;
      queue.close();
      expect(await producing).toBeLessThan(5);
    }
  });
});
