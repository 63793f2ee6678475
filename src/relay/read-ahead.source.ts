import { endingWith } from '../kernel/ending.js';
import { type Batch, type Placed, type Source } from '../kernel/follower.js';

const countOf = <T extends Placed>(batches: readonly Batch<T>[]): number => batches.reduce((sum, { items }) => sum + items.length, 0);

const joined = <T extends Placed>(batches: readonly Batch<T>[]): Batch<T> => ({
  items: batches.flatMap(({ items }) => items),
  position: batches.at(-1)?.position ?? null,
  live: batches.at(-1)?.live === true,
});

/** Resolves once it is called after the last time somebody waited. */
const bell = () => {
  let ring = (): void => undefined;
  return {
    ring: (): void => {
      ring();
    },
    rung: (): Promise<void> => new Promise((resolve) => (ring = resolve)),
  };
};

/** Reads a source on until about `most` items wait; `take` answers what waits, none when the source has ended, and throws what it failed at. */
const reader = <T extends Placed>(batches: AsyncIterable<Batch<T>>, most: number, signal: AbortSignal) => {
  const [came, room] = [bell(), bell()];
  let [waiting, isOver, failure]: [Batch<T>[], boolean, Readonly<{ error: unknown }> | null] = [[], false, null];
  const read = async (): Promise<void> => {
    try {
      for await (const batch of batches) {
        waiting.push(batch);
        came.ring();
        while (countOf(waiting) >= most && !signal.aborted) await room.rung();
      }
    } catch (error) {
      failure = { error };
    }
    isOver = true;
    came.ring();
  };
  signal.addEventListener('abort', room.ring);
  const ended = read();
  const take = async (): Promise<readonly Batch<T>[]> => {
    while (waiting.length === 0 && !isOver) await came.rung();
    const taken = waiting;
    waiting = [];
    room.ring();
    if (taken.length === 0 && failure !== null) throw failure.error;
    return taken;
  };
  return { take, ended };
};

/**
 * The same items in fewer batches: a source is read on while a batch is handled, up to about `most` items, and what came meanwhile is the next batch. A broker
 * takes a thousand messages in hardly more time than one.
 */
export const readAhead = <T extends Placed>(source: Source<T>, most: number): Source<T> =>
  async function* (after, signal) {
    const ending = endingWith(signal);
    const { take, ended } = reader(source(after, ending.signal), most, ending.signal);
    try {
      for (let batches = await take(); batches.length > 0; batches = await take()) yield joined(batches);
    } finally {
      ending.end();
      await ended;
    }
  };
