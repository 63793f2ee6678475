import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type handleServerStreamingCall, type ServerWritableStream } from '@grpc/grpc-js';
import { callError, isCallError } from './failures.wire.js';
import { type Filter, matcher } from './filter.js';
import { type Direction, END, pages, type Reader, type View } from './log.reader.js';
import { confirmationResponse, eventResponse, streamName, streamNotFoundResponse } from './protocol.wire.js';
import { type StoredEvent } from './stored-event.js';
import { type Send, subscribeToAll, subscribeToStream } from './subscription.loop.js';
import { type Tail } from './tail.js';

type Call = ServerWritableStream<ReadReq, ReadResp>;
type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;
type FilterOptions = NonNullable<ReturnType<Options['getFilter']>>;

/** Events a filtered reader looks through between checkpoints, times the multiplier the client asks for. EventStoreDB's default. */
const SEARCH_WINDOW = 32;

const filterOf = (options: FilterOptions | undefined): Filter | null => {
  if (options === undefined) return null;
  const byType = options.getEventType();
  const expression = byType ?? options.getStreamIdentifier();
  if (expression === undefined) return null;
  const regex = expression.getRegex();
  return { on: byType === undefined ? 'stream' : 'type', regex: regex === '' ? null : regex, prefixes: expression.getPrefixList() };
};

const matchesOf = (options: Options): ((event: StoredEvent) => boolean) => {
  try {
    return matcher(filterOf(options.getFilter()));
  } catch {
    throw callError({ kind: 'invalid', reason: 'The filter is not a regular expression.' }, '');
  }
};

/** Waits for the reader's 'drain' when it is slower than the log, so that a slow client costs no memory here. */
const sender = (call: Call, signal: AbortSignal): Send => {
  return async (response) => {
    if (!call.write(response)) await once(call, 'drain', { signal });
  };
};

const directionOf = (options: Options): Direction =>
  options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS ? 'forwards' : 'backwards';

const capped = (value: string): bigint => (BigInt(value) < END ? BigInt(value) : END);

const viewOf = async (reader: Reader, stream: string): Promise<View | null> => {
  const view = await reader.view(stream);
  if (view === 'tombstoned') throw callError({ kind: 'tombstoned' }, stream);
  return view;
};

const readAll = async (options: Options, reader: Reader, send: Send): Promise<void> => {
  const direction = directionOf(options);
  const all = options.getAll();
  const given = all?.getPosition()?.getCommitPosition();
  const matches = matchesOf(options);
  // Reading forwards the event at the position is included, reading backwards it is not.
  const position = given === undefined ? (all?.hasEnd() === true ? END : 0n) : capped(given) - (direction === 'forwards' ? 1n : 0n);
  let left = BigInt(options.getCount());
  const page = (from: bigint, limit: number): Promise<readonly StoredEvent[]> => reader.all(direction, from, limit);
  for await (const events of pages(page, position, (last) => last.position, left)) {
    for (const event of events) {
      if (left <= 0n) return;
      if (!matches(event)) continue;
      await send(eventResponse(event));
      left -= 1n;
    }
  }
};

const readStream = async (options: Options, reader: Reader, send: Send): Promise<void> => {
  const direction = directionOf(options);
  const from = options.getStream();
  const stream = streamName(from?.getStreamIdentifier());
  const view = await viewOf(reader, stream);
  if (view === null) {
    await send(streamNotFoundResponse(stream));
    return;
  }
  const revision = from?.hasRevision() === true ? capped(from.getRevision()) : from?.hasEnd() === true ? END : 0n;
  if (direction === 'forwards' && revision === END) return;
  let left = BigInt(options.getCount());
  const step = direction === 'forwards' ? 1n : -1n;
  const page = (from: bigint, limit: number): Promise<readonly StoredEvent[]> => reader.stream(stream, view, direction, from, limit);
  for await (const events of pages(page, revision, (last) => last.revision + step, left)) {
    for (const event of events) {
      if (left <= 0n) return;
      await send(eventResponse(event));
      left -= 1n;
    }
  }
};

const subscribe = async (options: Options, reader: Reader, tail: Tail, send: Send, signal: AbortSignal): Promise<void> => {
  const all = options.getAll();
  await send(confirmationResponse(randomUUID()));
  if (all !== undefined) {
    const given = all.getPosition()?.getCommitPosition();
    const after = given !== undefined ? capped(given) : all.hasEnd() ? tail.position() : 0n;
    const filter = options.getFilter();
    const window = filter?.hasMax() === true ? filter.getMax() : SEARCH_WINDOW;
    const checkpointEvery = filter === undefined ? null : window * Math.max(1, filter.getCheckpointintervalmultiplier());
    await subscribeToAll({ reader, tail, send, signal }, after, matchesOf(options), checkpointEvery);
    return;
  }
  const from = options.getStream();
  const stream = streamName(from?.getStreamIdentifier());
  const end = (await viewOf(reader, stream))?.newest ?? -1n;
  const after = from?.hasRevision() === true ? capped(from.getRevision()) : from?.hasEnd() === true ? end : -1n;
  await subscribeToStream({ reader, tail, send, signal }, stream, after);
};

const serve = async (call: Call, reader: Reader, tail: Tail): Promise<void> => {
  const gone = new AbortController();
  for (const event of ['cancelled', 'close', 'error']) {
    call.once(event, () => {
      gone.abort();
    });
  }
  const send = sender(call, gone.signal);
  const options = call.request.getOptions();
  try {
    if (options?.hasSubscription() === true) await subscribe(options, reader, tail, send, gone.signal);
    else if (options?.hasAll() === true) await readAll(options, reader, send);
    else if (options?.hasStream() === true) await readStream(options, reader, send);
    call.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    call.emit('error', isCallError(error) ? error : callError({ kind: 'unavailable' }, ''));
  }
};

/** Reads and subscriptions, of one stream and of all. */
export const read =
  (reader: Reader, tail: Tail): handleServerStreamingCall<ReadReq, ReadResp> =>
  (call) => {
    void serve(call, reader, tail);
  };
