import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Batch, type Placed, type Source } from '../../src/kernel/follower.js';
import { besideWork } from '../../src/relay/beside.source.js';

/** So many batches of one item, each after some turns of the event loop; then it fails, or waits until it is aborted. */
const sourceOf = (pauses: readonly number[], failure: Error | null): Source<Placed> =>
  async function* (after, signal) {
    let position = after ?? 0n;
    for (const pause of pauses) {
      for (let each = 0; each < pause; each += 1) await turn();
      position += 1n;
      yield { items: [{ position }], position, live: false };
    }
    if (failure !== null) throw failure;
    while (!signal.aborted) await turn();
  };

describe('A source whose reader does other work beside', () => {
  it('brings every batch in order, with a piece of work at most between one that is there and the next, and never while one is handled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }), fc.nat(30), fc.boolean(), async (pauses, pieces, fails) => {
        const [failure, aborting] = [fails ? new Error('over') : null, new AbortController()];
        let [left, isHandling, handled, found] = [pieces, false, 0n, null as unknown];
        const worked: bigint[] = [];
        const work = async (position: bigint): Promise<boolean> => {
          expect([isHandling, position]).toEqual([false, handled]);
          await turn();
          if (left === 0) return false;
          left -= 1;
          worked.push(position);
          return true;
        };
        try {
          for await (const { position } of besideWork(sourceOf(pauses, failure), work)(null, aborting.signal)) {
            isHandling = true;
            await turn();
            expect(position).toBe(handled + 1n);
            [isHandling, handled] = [false, position ?? 0n];
            if (!fails && handled === BigInt(pauses.length)) break;
          }
        } catch (error) {
          found = error;
        }
        expect([found, handled]).toEqual([failure, BigInt(pauses.length)]);
        if (pauses.every((pause) => pause === 0)) expect(worked.length).toBeLessThanOrEqual(pauses.length + 1);
      }),
    );
  });

  it('goes on with work while nothing comes, and ends when it is aborted', async () => {
    const aborting = new AbortController();
    let left = 5;
    const work = (): Promise<boolean> => {
      left -= 1;
      if (left === 0) aborting.abort();
      return Promise.resolve(true);
    };
    const seen: bigint[] = [];
    for await (const { position } of besideWork(sourceOf([0], null), work)(null, aborting.signal)) seen.push(position ?? 0n);
    expect([seen, left]).toEqual([[1n], 0]);
  });

  it('keeps nothing of its waits while nothing comes, however long that is', async () => {
    const [aborting, waits] = [new AbortController(), { work: 0, batch: 0 }];
    class Counted<T> extends Promise<T> {
      override then<A = T, B = never>(...of: Parameters<Promise<T>['then']>): Promise<A | B> {
        waits.batch += 1;
        return super.then(...of) as Promise<A | B>;
      }
    }
    const source = (_: unknown, signal: AbortSignal) => ({
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Counted<IteratorResult<Batch<Placed>>>((resolve) => {
            signal.addEventListener('abort', () => {
              resolve({ done: true, value: undefined });
            });
          }),
      }),
    });
    const work = (): Promise<boolean> => {
      waits.work += 1;
      if (waits.work === 50) aborting.abort();
      return Promise.resolve(false);
    };
    const reading = besideWork(source as unknown as Source<Placed>, work, 1)(1n, aborting.signal);
    for await (const batch of reading) throw new Error(`a batch came: ${String(batch.position)}`);
    expect(waits.work).toBe(50);
    expect(waits.batch).toBeLessThan(10);
  });

  it('fails with its work, and ends its source', async () => {
    let isEnded = false;
    const source: Source<Placed> = async function* (_, signal) {
      yield { items: [], position: 1n, live: true };
      while (!signal.aborted) await turn();
      isEnded = true;
    };
    const reading = async (): Promise<void> => {
      for await (const { live } of besideWork(source, () => Promise.reject(new Error('no')))(null, new AbortController().signal))
        expect(live).toBe(true);
    };
    await expect(reading()).rejects.toThrow('no');
    expect(isEnded).toBe(true);
  });
});
