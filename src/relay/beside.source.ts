import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../kernel/clock.js';
import { type Position } from '../kernel/event-store.js';
import { type Placed, type Source } from '../kernel/follower.js';

/** A bounded piece of work. `position`: how far what its source brought has been handled. Answers whether there was something to do. */
export type Work = (position: Position, signal: AbortSignal) => Promise<boolean>;

/** How long work may wait that came up while nothing else did. */
const IDLE = SECOND;

const ignore = (): void => undefined;

/** A promise that one can wait for in part. */
const coming = <T>(promise: Promise<T>) => {
  let isThere = false;
  const settled = promise.then(ignore, ignore).finally(() => (isThere = true));
  return {
    settled,
    /** What it comes to, if that is within so many milliseconds, else null. */
    within: async (milliseconds: number): Promise<T | null> => {
      await turn();
      if (!isThere && milliseconds > 0) {
        const waiting = new AbortController();
        await Promise.race([settled, sleep(milliseconds, undefined, { signal: waiting.signal }).catch(ignore)]);
        waiting.abort();
      }
      return isThere ? promise : null;
    },
  };
};

/** A source whose reader does other work, piece by piece: one between two batches, and the more the longer none comes. Never at once with what the reader does with a batch. */
export const besideWork = <T extends Placed>(source: Source<T>, work: Work): Source<T> =>
  async function* (after, signal) {
    const ending = new AbortController();
    const end = (): void => {
      ending.abort();
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    const batches = source(after, ending.signal)[Symbol.asyncIterator]();
    let [position, next] = [after, coming(batches.next())];
    try {
      while (!ending.signal.aborted) {
        const worked = position !== null && (await work(position, ending.signal));
        const came = await next.within(worked ? 0 : IDLE);
        if (came === null) continue;
        if (came.done === true) return;
        yield came.value;
        position = came.value.position ?? position;
        next = coming(batches.next());
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
      await next.settled;
      await batches.return?.();
    }
  };
