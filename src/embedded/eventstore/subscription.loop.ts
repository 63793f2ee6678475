import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { callError } from './failures.wire.js';
import { END, pages, type Reader } from './log.reader.js';
import { caughtUpResponse, checkpointResponse, eventResponse, fellBehindResponse } from './protocol.wire.js';
import { type StoredEvent } from './stored-event.js';
import { type Tail } from './tail.js';

/** Sends one answer; resolves when the reader can take the next, rejects when it is gone. */
export type Send = (response: ReadResp) => Promise<void>;

type Subscriber = Readonly<{ reader: Reader; tail: Tail; send: Send; signal: AbortSignal }>;

const STREAM_PAGE = 256;

/** Tells the client when it has reached the end of the log, and when it has lost it again. */
const liveness = (send: Send): Readonly<{ live: () => boolean; caughtUp: () => Promise<void>; fellBehind: () => Promise<void> }> => {
  let live = false;
  return {
    live: () => live,
    caughtUp: async () => {
      if (!live) await send(caughtUpResponse());
      live = true;
    },
    fellBehind: async () => {
      if (live) await send(fellBehindResponse());
      live = false;
    },
  };
};

/**
 * Follows the whole log after `position` until the signal aborts: pages from the database until there is no more, then the tail. One cursor
 * does both, so there is no hand-over in which an event could be lost or doubled. With `checkpointEvery` the client hears at least every so
 * many events how far the log was looked through.
 */
export const subscribeToAll = async (
  { reader, tail, send, signal }: Subscriber,
  after: bigint,
  matches: (event: StoredEvent) => boolean,
  checkpointEvery: number | null,
): Promise<void> => {
  let position = after;
  let unseen = 0;
  const state = liveness(send);

  const checkpoint = async (): Promise<void> => {
    unseen = 0;
    await send(checkpointResponse(position));
  };
  const deliver = async (events: readonly StoredEvent[]): Promise<void> => {
    for (const event of events) {
      position = event.position;
      if (matches(event)) await send(eventResponse(event));
      unseen += 1;
      if (checkpointEvery !== null && unseen >= checkpointEvery) await checkpoint();
    }
  };

  const catchUp = async (): Promise<void> => {
    await state.fellBehind();
    const page = (from: bigint, limit: number): Promise<readonly StoredEvent[]> => reader.all('forwards', from, limit);
    for await (const events of pages(page, position, (last) => last.position, END)) {
      await deliver(events);
      if (signal.aborted) return;
    }
    if (checkpointEvery !== null && unseen > 0) await checkpoint();
    await state.caughtUp();
  };

  while (!signal.aborted) {
    const recent = state.live() ? tail.after(position) : null;
    if (recent === null) await catchUp();
    else await deliver(recent);
    await tail.beyond(position, signal);
  }
};

/** Follows one stream after `revision`, whether it exists yet or not, until the signal aborts. */
export const subscribeToStream = async ({ reader, tail, send, signal }: Subscriber, stream: string, after: bigint): Promise<void> => {
  let revision = after;
  let looked = 0n;
  const state = liveness(send);

  const visible = async (): Promise<readonly StoredEvent[]> => {
    const view = await reader.view(stream);
    if (view === 'tombstoned') throw callError({ kind: 'tombstoned' }, stream);
    return view === null ? [] : reader.stream(stream, view, 'forwards', revision + 1n, STREAM_PAGE);
  };

  while (!signal.aborted) {
    const seen = tail.position();
    const recent = state.live() ? tail.after(looked) : null;
    if (recent === null) await state.fellBehind();
    const events = recent?.filter((event) => event.stream === stream && event.revision > revision) ?? (await visible());
    for (const event of events) {
      await send(eventResponse(event));
      revision = event.revision;
    }
    if (recent === null && events.length > 0) continue;
    looked = recent?.at(-1)?.position ?? seen;
    await state.caughtUp();
    await tail.beyond(looked, signal);
  }
};
