import {
  type AllStreamRecordedEvent,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type EventStoreDBClient,
  excludeSystemEvents,
  type Filter,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import {
  type EventFamily,
  type Position,
  prefixOf,
  type RawEvent,
  type Recorded,
  UnknownEvent,
  UnreadableEvent,
} from '../../kernel/event-store.js';
import { type Log } from '../../kernel/log.js';
import { placeOf, toRaw, toRecorded } from './recorded.client.js';

/** What made reading stop at an event. */
type Unread = UnknownEvent | UnreadableEvent;

/** Which events the server sends, and what of each is handed on: null for one that is skipped. */
type Reading<T> = Readonly<{ filter: (options: FilterOptions) => Filter; read: (event: AllStreamRecordedEvent) => T | Unread | null }>;

type Wanted<T> = Readonly<{ reading: Reading<T>; after: Position | null; signal: AbortSignal }>;

/** Events in log order, as `Batch` has them. */
type Drained<T> = Readonly<{ events: readonly T[]; position: Position | null; live: boolean }>;
type FilterOptions = Omit<Parameters<typeof streamNameFilter>[0], 'prefixes' | 'regex'>;
type Driver = Readonly<{ client: EventStoreDBClient; log: Log }>;

/** Feed chunks come near 300 kB each: what waits in memory stays below 20 MB. */
const BATCH = 64;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** State the driver's callbacks leave for the loop that drains the subscription. `unread`: what stopped the reading at an event. */
type Tail = {
  checkpoint: Position | null;
  live: boolean;
  failure: Error | null;
  unread: Unread | null;
  wake: () => void;
};

const open = <T>({ client }: Driver, { filter }: Reading<T>, after: Position | null, tail: Tail): AllStreamSubscription => {
  const subscription = client.subscribeToAll(
    {
      fromPosition: after === null ? START : { commit: after, prepare: after },
      filter: filter({
        checkpointInterval: 1,
        checkpointReached: (_, position) => {
          tail.checkpoint = position.commit;
          tail.wake();
        },
      }),
    },
    { highWaterMark: BATCH },
  );
  subscription.on('readable', () => {
    tail.wake();
  });
  subscription.on('caughtUp', () => {
    tail.live = true;
    tail.wake();
  });
  subscription.on('error', (error) => {
    tail.failure = error;
    tail.wake();
  });
  // A server that stops ends its streams: without this the subscription would wait without end.
  subscription.on('end', () => {
    tail.failure ??= new Error('the event store ended the subscription');
    tail.wake();
  });
  return subscription;
};

/** Names of the store's own events, such as the one that ends a stream. */
const SYSTEM = '$';

/** What an event says to a reader of the families; null for what the store itself wrote into a stream. */
const readFamilies = <E extends Message>(
  event: AllStreamRecordedEvent,
  families: readonly EventFamily<E>[],
): Recorded<E> | Unread | null => {
  const family = families.find((each) => event.streamId.startsWith(prefixOf(each)));
  if (family === undefined || event.type.startsWith(SYSTEM)) return null;
  try {
    return toRecorded(event, family.codec);
  } catch (error) {
    const { position, recordedAt } = placeOf(event);
    return error instanceof UnknownEvent ? error : new UnreadableEvent(event.streamId, position, recordedAt, error);
  }
};

/** The streams of some families, decoded. */
export const familiesOf = <E extends Message>(families: readonly EventFamily<E>[]): Reading<Recorded<E>> => ({
  filter: (options) => streamNameFilter({ ...options, prefixes: families.map(prefixOf) }),
  read: (event) => readFamilies(event, families),
});

/** Every stream, undecoded, without what the store writes for itself. */
export const everything: Reading<RawEvent> = { filter: excludeSystemEvents, read: toRaw };

const drain = <T>(subscription: AllStreamSubscription, { read }: Reading<T>, after: Position | null, tail: Tail): Drained<T> | null => {
  if (tail.unread !== null) throw tail.unread;
  // Taken before reading: a checkpoint seen later may stand for events that are still in the buffer.
  const checkpoint = tail.checkpoint;
  const events: T[] = [];
  let position: Position | null = null;
  for (let count = 0; count < BATCH; count += 1) {
    const resolved = subscription.read() as AllStreamResolvedEvent | null;
    if (resolved === null) break;
    if (resolved.event === undefined) continue;
    const found = read(resolved.event);
    if (found instanceof UnknownEvent || found instanceof UnreadableEvent) {
      tail.unread = found;
      break;
    }
    position = resolved.event.position.commit;
    if (found !== null) events.push(found);
  }
  if (position === null && tail.unread !== null) throw tail.unread;
  if (position !== null) return { events, position, live: tail.live && tail.unread === null && subscription.readableLength === 0 };
  // Only an empty buffer proves that everything before the checkpoint has been handed on.
  if (checkpoint === null || subscription.readableLength > 0) return null;
  tail.checkpoint = null;
  // Seen before the events that have been handed on since: going back to it would bring them a second time.
  if (after !== null && checkpoint <= after) return null;
  return { events, position: checkpoint, live: tail.live };
};

/** Resolves when there may be something to hand on, or a reason to stop. */
const change = (subscription: AllStreamSubscription, tail: Tail, aborted: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    tail.wake = resolve;
    if (subscription.readableLength > 0 || tail.checkpoint !== null || tail.failure !== null || aborted()) resolve();
  });

/**
 * Follows the log from a position, until aborted: takes all events that wait as one batch, and takes the subscription up again from the last batch
 * when the connection or the server is lost. Ends when aborted; throws only at an event that cannot be read, once it has handed on those before.
 */
export async function* follow<T>(driver: Driver, wanted: Wanted<T>): AsyncGenerator<Drained<T>> {
  let after = wanted.after;
  let pause = FIRST_PAUSE;
  const aborted = (): boolean => wanted.signal.aborted;
  while (!aborted()) {
    const tail: Tail = { checkpoint: null, live: false, failure: null, unread: null, wake: () => undefined };
    const subscription = open(driver, wanted.reading, after, tail);
    let reportedLive = false;
    const stop = (): void => {
      tail.wake();
    };
    wanted.signal.addEventListener('abort', stop);
    try {
      for (;;) {
        if (aborted()) return;
        const batch = drain(subscription, wanted.reading, after, tail);
        if (batch !== null) {
          pause = FIRST_PAUSE;
          after = batch.position;
          reportedLive = batch.live;
          yield batch;
        } else if (tail.live && !reportedLive) {
          reportedLive = true;
          yield { events: [], position: after, live: true };
        } else if (tail.failure !== null) {
          break;
        } else {
          await change(subscription, tail, aborted);
        }
      }
      driver.log.error('a subscription was lost and is taken up again', tail.failure, { pause });
    } finally {
      wanted.signal.removeEventListener('abort', stop);
      await subscription.unsubscribe().catch(() => undefined);
    }
    await sleep(pause, undefined, { signal: wanted.signal }).catch(() => undefined);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}
