import { setImmediate as turn } from 'node:timers/promises';
import { SECOND } from '../kernel/clock.js';
import { endingWith } from '../kernel/ending.js';
import { type Position } from '../kernel/event-store.js';
import { type Placed, type Source } from '../kernel/follower.js';

/** A bounded piece of work. `position`: how far what its source brought has been handled. Answers whether there was something to do. */
export type Work = (position: Position, signal: AbortSignal) => Promise<boolean>;

/** How long work may wait that came up while nothing else did. */
const IDLE = SECOND;

const ignore = (): void => undefined;

/** A promise that is waited for again and again, in part; each wait has one timer and leaves nothing at the promise, which may be settled days later. */
const coming = <T>(promise: Promise<T>) => {
  let [isThere, tell] = [false, ignore];
  const settled = promise.then(ignore, ignore).finally(() => {
    isThere = true;
    tell();
  });
  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      tell = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  return {
    settled,
    /** What it comes to, if that is within so many milliseconds, else null. */
    within: async (milliseconds: number): Promise<T | null> => {
      await turn();
      if (!isThere && milliseconds > 0) await wait(milliseconds);
      return isThere ? promise : null;
    },
  };
};

/**
 * A source whose reader does other work, piece by piece: one piece between two batches, and more of them while no batch comes. No piece is done while the reader
 * handles a batch. `idle`: milliseconds that work may wait which came up while there was none.
 */
export const besideWork = <T extends Placed>(source: Source<T>, work: Work, idle = IDLE): Source<T> =>
  async function* (after, signal) {
    const ending = endingWith(signal);
    const batches = source(after, ending.signal)[Symbol.asyncIterator]();
    let [position, next] = [after, coming(batches.next())];
    try {
      while (!ending.signal.aborted) {
        const worked = position !== null && (await work(position, ending.signal));
        const came = await next.within(worked ? 0 : idle);
        if (came === null) continue;
        if (came.done === true) return;
        yield came.value;
        position = came.value.position ?? position;
        next = coming(batches.next());
      }
    } finally {
      ending.end();
      await next.settled;
      await batches.return?.();
    }
  };
