import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  type EventTypeToRecordedEvent,
  type JSONEventType,
  jsonEvent,
  NO_STREAM,
  START,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import { type Codec, type EventFamily, type EventStore, type Place, type Recorded, WrongRevision } from '../../kernel/event-store.js';
import { EngineAway, reaching } from '../../kernel/engine-away.js';
import { type Log } from '../../kernel/log.js';
import { isEventStoreAway } from './away.client.js';
import { decodeBase64InNode } from './base64.native.js';
import { type Operations, operationsOf } from './operations.client.js';
import { races } from './races.client.js';
import { placeOf, toRecorded, toStored } from './recorded.client.js';
import { standings } from './standing.client.js';
import { everything, familiesOf, follow } from './subscription.client.js';

/** The client waits for every stream to be read to its end, also for those whose reader has gone. */
const DISPOSAL = 500;
const READ_DEADLINE = 30_000;
const APPEND_DEADLINE = 20_000;

/** The events of a stream from a revision on, to be read to their end; none when there is no such stream. */
const eventsOf = (client: EventStoreDBClient) =>
  async function* <E extends Message>(stream: string, codec: EventFamily<E>['codec'], from: bigint): AsyncGenerator<Recorded<E>> {
    try {
      for await (const { event } of client.readStream(stream, { fromRevision: from, deadline: READ_DEADLINE }))
        if (event !== undefined) yield toRecorded(event as EventTypeToRecordedEvent<JSONEventType>, codec);
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
  };

const load =
  (client: EventStoreDBClient): EventStore['load'] =>
  async <E extends Message>(stream: string, codec: EventFamily<E>['codec']) => {
    const events: E[] = [];
    for await (const { event } of eventsOf(client)(stream, codec, 0n)) events.push(event);
    return events;
  };

const read = (client: EventStoreDBClient): EventStore['read'] =>
  async function* <E extends Message>(stream: string, codec: Codec<E>, from: bigint) {
    try {
      for await (const { event } of eventsOf(client)(stream, codec, from)) yield event;
    } catch (error) {
      throw isEventStoreAway(error) ? new EngineAway('event store', error) : error;
    }
  };

const append =
  (client: EventStoreDBClient, newId: () => string): EventStore['append'] =>
  async (stream, expected, events, codec, metadata) => {
    const stored = events.map((event) => {
      const { type, data } = codec.encode(event);
      return jsonEvent({ id: newId(), type, data, metadata: toStored(metadata, type) });
    });
    try {
      const { nextExpectedRevision, position } = await client.appendToStream(stream, stored, {
        expectedRevision: expected === null ? ANY : expected === -1n ? NO_STREAM : expected,
        deadline: APPEND_DEADLINE,
      });
      return { revision: nextExpectedRevision, position: position?.commit ?? 0n };
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) throw new WrongRevision(stream, expected ?? -1n);
      throw error;
    }
  };

// Reads are read to their end, also where the first event would do: the client never releases a stream that is left early.
const lastRevision =
  (client: EventStoreDBClient): EventStore['lastRevision'] =>
  async (stream) => {
    const last = { direction: BACKWARDS, fromRevision: END, maxCount: 1, deadline: READ_DEADLINE } as const;
    let revision = -1n;
    try {
      for await (const { event } of client.readStream(stream, last)) revision = event?.revision ?? revision;
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
    return revision;
  };

const head =
  (client: EventStoreDBClient): EventStore['head'] =>
  async () => {
    const last = { direction: BACKWARDS, fromPosition: END, maxCount: 1, deadline: READ_DEADLINE } as const;
    let place: Place | null = null;
    for await (const { event } of client.readAll(last)) if (event !== undefined) place = placeOf(event);
    return place;
  };

const following =
  (client: EventStoreDBClient): EventStore['following'] =>
  async (position) => {
    const from = position === null ? START : { commit: position, prepare: position };
    // The event at the position itself may come first.
    let place: Place | null = null;
    for await (const { event } of client.readAll({ fromPosition: from, maxCount: 2, deadline: READ_DEADLINE }))
      if (event !== undefined && (position === null || event.position.commit > position)) place ??= placeOf(event);
    return place;
  };

const clear =
  (client: EventStoreDBClient): EventStore['clear'] =>
  async (stream, expected) => {
    try {
      await client.deleteStream(stream, { expectedRevision: expected, deadline: APPEND_DEADLINE });
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) throw new WrongRevision(stream, expected);
      throw error;
    }
  };

const storeOn = (client: EventStoreDBClient, newId: () => string, log: Log): EventStore => {
  const reach = <T>(call: () => Promise<T>): Promise<T> => reaching('event store', isEventStoreAway, call);
  const stateOf = standings(eventsOf(client));
  return {
    stateOf: (...question) => reach(() => stateOf(...question)),
    load: (stream, codec) => reach(() => load(client)(stream, codec)),
    read: read(client),
    append: (...order) => reach(() => append(client, newId)(...order)),
    afterRace: races(),
    follow: (families, after, signal) => follow({ client, log }, { reading: familiesOf(families), after, signal }),
    followRaw: (after, signal) => follow({ client, log }, { reading: everything, after, signal }),
    lastRevision: (stream) => reach(() => lastRevision(client)(stream)),
    head: () => reach(head(client)),
    following: (position) => reach(() => following(client)(position)),
    clear: (stream, expected) => reach(() => clear(client)(stream, expected)),
    truncateBefore: (stream, revision) =>
      reach(async () => {
        await client.setStreamMetadata(stream, { truncateBefore: Number(revision) }, { deadline: APPEND_DEADLINE });
      }),
  };
};

/**
 * By reading a stream that does not exist, so that the first command need not wait for a line that is opened. Whether the event store is away is told
 * to who asks it for something.
 */
const openLine = (client: EventStoreDBClient): void => {
  load(client)('nothing', { reads: [], decode: () => ({ type: 'nothing' }) }).catch(() => undefined);
};

/**
 * EventStoreDB, KurrentDB or the embedded server, by connection string (`esdb://user:password@host:port?tls=…`). `newId` makes event ids
 * (UUIDs). Connects at once; calls made while the server is away throw `EngineAway`.
 */
export const connectEventStore = (
  connectionString: string,
  newId: () => string,
  log: Log,
): Readonly<{ store: EventStore; operations: Operations; close: () => Promise<void> }> => {
  decodeBase64InNode();
  const client = EventStoreDBClient.connectionString(connectionString);
  openLine(client);
  return {
    store: storeOn(client, newId, log),
    operations: operationsOf(client, connectionString),
    close: () => Promise.race([client.dispose(), sleep(DISPOSAL)]),
  };
};
