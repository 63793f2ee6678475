import { type StoredEvent, weightOf } from './stored-event.js';

/** The newest end of the log: how far it is committed, and its last events, from which live readers are served without a query. */
export type Tail = Readonly<{
  /** Position of the newest committed event. */
  position: () => bigint;
  /** Adds events just committed, in order, and wakes the readers that wait. */
  publish: (events: readonly StoredEvent[]) => void;
  /** Forgets the events it holds; for when the log may have grown unseen. */
  restart: (position: bigint) => void;
  /** The events after `position`, or null when it no longer holds them all. */
  after: (position: bigint) => readonly StoredEvent[] | null;
  /** Resolves once the log reaches beyond `position`, or the signal aborts. */
  beyond: (position: bigint, signal: AbortSignal) => Promise<void>;
}>;

const firstAfter = (events: readonly StoredEvent[], position: bigint): number => {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.position ?? 0n) > position) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** Those who wait for the log to grow. */
const createWaiting = (): Readonly<{ wake: () => void; wait: (signal: AbortSignal) => Promise<void> }> => {
  const waiting = new Set<() => void>();
  return {
    wake: () => {
      for (const resume of waiting) resume();
    },
    wait: (signal) =>
      new Promise((resolve) => {
        const resume = (): void => {
          waiting.delete(resume);
          signal.removeEventListener('abort', resume);
          resolve();
        };
        waiting.add(resume);
        signal.addEventListener('abort', resume);
      }),
  };
};

/** What an event takes beside its content. */
const OVERHEAD = 512;

const sizeOf = (event: StoredEvent): number => OVERHEAD + weightOf([event]);

/** How many events to drop from the front, so that what is left takes at most `capacity` bytes. */
const surplus = (events: readonly StoredEvent[], bytes: number, capacity: number): number => {
  let left = bytes;
  let count = 0;
  for (; left > capacity && count < events.length; count += 1) left -= sizeOf(events[count] as StoredEvent);
  return count;
};

/** A tail that holds the newest events published, up to about twice `capacity` bytes. */
export const createTail = (capacity: number): Tail => {
  let events: StoredEvent[] = [];
  let bytes = 0;
  /** Everything after it, up to the head, is held. */
  let floor = 0n;
  let head = 0n;
  const { wake, wait } = createWaiting();

  return {
    position: () => head,
    publish: (fresh) => {
      for (const event of fresh) {
        events.push(event);
        bytes += sizeOf(event);
      }
      head = fresh.at(-1)?.position ?? head;
      // Cut only when twice too large, so that an event costs one move on average.
      if (bytes > capacity * 2) {
        const cut = surplus(events, bytes, capacity);
        floor = events[cut - 1]?.position ?? floor;
        events = events.slice(cut);
        bytes = events.reduce((sum, event) => sum + sizeOf(event), 0);
      }
      wake();
    },
    restart: (position) => {
      events = [];
      bytes = 0;
      floor = position;
      head = position;
      wake();
    },
    after: (position) => (position < floor ? null : events.slice(firstAfter(events, position))),
    beyond: async (position, signal) => {
      if (head <= position && !signal.aborted) await wait(signal);
    },
  };
};
