import { type Resolved, eventFrame } from './event-frame.wire.js';
import { callError } from './failures.wire.js';
import { type Matcher } from './filter.regexp.js';
import { framed } from './grpc.call.js';
import { PAGE_EVENTS, pages, type Reader } from './log.reader.js';
import { type Outbox } from './outbox.js';
import { caughtUpResponse, checkpointResponse, fellBehindResponse } from './protocol.wire.js';
import { type StoredEvent, TOMBSTONE } from './stored-event.js';
import { type Tail } from './tail.js';

/** What a subscription works with. `resolve` follows links, or leaves them. */
export type Subscriber = Readonly<{
  reader: Reader;
  tail: Tail;
  outbox: Outbox;
  resolve: (events: readonly StoredEvent[]) => Promise<readonly Resolved[]>;
  signal: AbortSignal;
}>;

/** Tells the client when it has reached the end of the log, and when it has lost it again. */
const liveness = ({ add }: Outbox): Readonly<{ live: () => boolean; caughtUp: () => void; fellBehind: () => void }> => {
  let live = false;
  return {
    live: () => live,
    caughtUp: () => {
      if (!live) add(framed(caughtUpResponse()));
      live = true;
    },
    fellBehind: () => {
      if (live) add(framed(fellBehindResponse()));
      live = false;
    },
  };
};

/** Which events of the whole log are sent. `every`: at least every so many the client hears how far the log was looked through. */
export type Selection = Readonly<{ matches: Matcher; every: number }>;

/** Sends what of some events is wanted, and checkpoints; knows how far it has come. */
const delivery = ({ outbox, resolve }: Subscriber, after: bigint, selection: Selection | null) => {
  let position = after;
  let unseen = 0;
  const checkpoint = (): void => {
    if (selection === null || unseen === 0) return;
    unseen = 0;
    outbox.add(framed(checkpointResponse(position)));
  };
  return {
    position: () => position,
    checkpoint,
    deliver: async (events: readonly StoredEvent[]): Promise<void> => {
      const wanted = selection?.matches(events);
      const resolved = await resolve(events);
      for (const [index, event] of events.entries()) {
        position = event.position;
        const found = resolved[index];
        if (found !== undefined && wanted?.[index] !== false) outbox.add(eventFrame(found));
        unseen += 1;
        if (selection !== null && unseen >= selection.every) checkpoint();
        await outbox.relieve();
      }
    },
  };
};

/**
 * Follows the whole log after `position` until the signal aborts: pages from the database until there is no more, then the tail. One cursor
 * does both, so there is no hand-over in which an event could be lost or doubled.
 */
export const subscribeToAll = async (subscriber: Subscriber, after: bigint, selection: Selection | null): Promise<void> => {
  const { reader, tail, outbox, signal } = subscriber;
  const { position, checkpoint, deliver } = delivery(subscriber, after, selection);
  const state = liveness(outbox);
  const catchUp = async (): Promise<void> => {
    state.fellBehind();
    for await (const events of pages(reader.all('forwards', tail.position), position(), (last) => last.position)) {
      await deliver(events);
      if (signal.aborted) return;
    }
    checkpoint();
    state.caughtUp();
  };
  while (!signal.aborted) {
    const recent = state.live() ? tail.after(position()) : null;
    if (recent === null) await catchUp();
    else await deliver(recent);
    await outbox.flush();
    await tail.beyond(position(), signal);
  }
};

/** Follows one stream after `revision`, whether it exists yet or not, until the signal aborts; a tombstone is sent and ends it. */
export const subscribeToStream = async (subscriber: Subscriber, stream: string, after: bigint): Promise<void> => {
  const { reader, tail, outbox, resolve, signal } = subscriber;
  let revision = after;
  let looked = 0n;
  const state = liveness(outbox);
  const visible = async (): Promise<readonly StoredEvent[]> => {
    const view = await reader.view(stream);
    if (view === 'tombstoned') throw callError({ kind: 'tombstoned' }, stream);
    return view === null ? [] : (await reader.stream(stream, view, 'forwards')(revision + 1n, PAGE_EVENTS)).events;
  };
  while (!signal.aborted) {
    const seen = tail.position();
    const recent = state.live() ? tail.after(looked) : null;
    if (recent === null) state.fellBehind();
    const events = recent?.filter((event) => event.stream === stream && event.revision > revision) ?? (await visible());
    for (const found of await resolve(events)) {
      outbox.add(eventFrame(found));
      await outbox.relieve();
    }
    revision = events.at(-1)?.revision ?? revision;
    if (revision === TOMBSTONE) {
      await outbox.flush();
      throw callError({ kind: 'tombstoned' }, stream);
    }
    if (recent === null && events.length > 0) continue;
    looked = recent?.at(-1)?.position ?? seen;
    state.caughtUp();
    await outbox.flush();
    await tail.beyond(looked, signal);
  }
};
