import { randomUUID } from 'node:crypto';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { eventFrame } from './event-frame.wire.js';
import { callError } from './failures.wire.js';
import { matcherOf } from './filter.regexp.js';
import { type Call, framed } from './grpc.call.js';
import { type Handler } from './grpc.server.js';
import { leaveLinks, resolveLinks } from './links.reader.js';
import { type Direction, END, PAGE_EVENTS, pages, type Reader, type View } from './log.reader.js';
import { type Outbox, outboxTo } from './outbox.js';
import { confirmationResponse, decoded, streamName, streamNotFoundResponse } from './protocol.wire.js';
import { type StoredEvent, TOMBSTONE } from './stored-event.js';
import { type Selection, type Subscriber, subscribeToAll, subscribeToStream } from './subscription.loop.js';
import { type Tail } from './tail.js';
import { onlyRequest } from './write.calls.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;

/** Events a filtered reader looks through between checkpoints, times the multiplier the client asks for. EventStoreDB's default. */
const SEARCH_WINDOW = 32;

const selectionOf = (options: Options): Selection | null => {
  const filter = options.getFilter();
  const byType = filter?.getEventType();
  const expression = byType ?? filter?.getStreamIdentifier();
  if (filter === undefined || expression === undefined) return null;
  const regex = expression.getRegex();
  return {
    matches: matcherOf({
      on: byType === undefined ? 'stream' : 'type',
      regex: regex === '' ? null : regex,
      prefixes: expression.getPrefixList(),
    }),
    every: Math.max(1, filter.hasMax() ? filter.getMax() : SEARCH_WINDOW) * Math.max(1, filter.getCheckpointintervalmultiplier()),
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

/** Sends up to `count` of the events of some pages. */
const sendPages = async (
  found: AsyncIterable<readonly StoredEvent[]>,
  { outbox, resolve, signal }: Subscriber,
  count: bigint,
  selection: Selection | null,
): Promise<void> => {
  let left = count;
  for await (const events of found) {
    const wanted = selection?.matches(events);
    const chosen = wanted === undefined ? events : events.filter((_, index) => wanted[index]);
    for (const event of await resolve(left < chosen.length ? chosen.slice(0, Number(left)) : chosen)) {
      outbox.add(eventFrame(event));
      await outbox.relieve();
      left -= 1n;
    }
    if (left <= 0n || signal.aborted) break;
  }
  await outbox.flush();
};

const limitOf = (count: bigint): number => (count < PAGE_EVENTS ? Math.max(1, Number(count)) : PAGE_EVENTS);

const readAll = async (options: Options, subscriber: Subscriber): Promise<void> => {
  const { reader, tail } = subscriber;
  const direction = directionOf(options);
  const all = options.getAll();
  const given = all?.getPosition()?.getCommitPosition();
  // Reading forwards the event at the position is included, reading backwards it is not.
  const position = given === undefined ? (all?.hasEnd() === true ? END : 0n) : capped(given) - (direction === 'forwards' ? 1n : 0n);
  const count = BigInt(options.getCount());
  const selection = selectionOf(options);
  const limit = selection === null ? limitOf(count) : PAGE_EVENTS;
  const found = pages(reader.all(direction, tail.position), position, (last) => last.position, limit);
  await sendPages(found, subscriber, count, selection);
};

const readStream = async (options: Options, subscriber: Subscriber): Promise<void> => {
  const { reader, outbox } = subscriber;
  const direction = directionOf(options);
  const from = options.getStream();
  const stream = streamName(from?.getStreamIdentifier());
  const view = await viewOf(reader, stream);
  if (view === null) {
    outbox.add(framed(streamNotFoundResponse(stream)));
    await outbox.flush();
    return;
  }
  const revision = from?.hasRevision() === true ? capped(from.getRevision()) : from?.hasEnd() === true ? END : 0n;
  if (direction === 'forwards' && revision === END) return;
  const count = BigInt(options.getCount());
  const step = direction === 'forwards' ? 1n : -1n;
  const found = pages(reader.stream(stream, view, direction), revision, (last) => last.revision + step, limitOf(count));
  await sendPages(found, subscriber, count, null);
};

const subscribe = async (options: Options, subscriber: Subscriber): Promise<void> => {
  const { reader, tail, outbox } = subscriber;
  const all = options.getAll();
  const selection = selectionOf(options);
  outbox.add(framed(confirmationResponse(randomUUID())));
  await outbox.flush();
  if (all !== undefined) {
    const given = all.getPosition()?.getCommitPosition();
    const after = given !== undefined ? capped(given) : all.hasEnd() ? tail.position() : 0n;
    await subscribeToAll(subscriber, after, selection);
    return;
  }
  const from = options.getStream();
  const stream = streamName(from?.getStreamIdentifier());
  const end = (await viewOf(reader, stream))?.newest ?? -1n;
  const after = from?.hasRevision() === true ? capped(from.getRevision()) : from?.hasEnd() === true ? end : -1n;
  await subscribeToStream(subscriber, stream, after < TOMBSTONE ? after : TOMBSTONE - 1n);
};

const outboxOf = (call: Call): Outbox => outboxTo(call.send);

/** Reads and subscriptions, of one stream and of all. */
export const read =
  (reader: Reader, tail: Tail): Handler =>
  async (call) => {
    const options = decoded(streams.ReadReq, await onlyRequest(call)).getOptions();
    if (options === undefined) throw callError({ kind: 'invalid', reason: 'The request has no options.' }, '');
    const links = options.getResolveLinks() ? resolveLinks : leaveLinks;
    const resolve: Subscriber['resolve'] = (events) => links(reader, events);
    const subscriber = { reader, tail, outbox: outboxOf(call), resolve, signal: call.signal };
    if (options.hasSubscription()) await subscribe(options, subscriber);
    else if (options.hasAll()) await readAll(options, subscriber);
    else if (options.hasStream()) await readStream(options, subscriber);
    else throw callError({ kind: 'invalid', reason: 'The request names neither a stream nor all.' }, '');
  };
