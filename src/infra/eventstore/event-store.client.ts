import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  type EventTypeToRecordedEvent,
  type JSONEventType,
  jsonEvent,
  NO_STREAM,
  type RecordedEvent,
  START,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { type Message } from '../../kernel/decider.js';
import { type Appended, type Codec, type EventStore, type Metadata, type Recorded, WrongRevision } from '../../kernel/event-store.js';
import { type Log } from '../../kernel/log.js';
import { follow } from './subscription.client.js';

/** How an event's metadata is stored: EventStoreDB's own names for the two it knows (`$`), ours beside them. */
type StoredMetadata = { $correlationId: string; $causationId: string; commandId: string; actor: string; schema: string };

const toStored = (metadata: Metadata, schema: string): StoredMetadata => ({
  $correlationId: metadata.correlationId,
  $causationId: metadata.causationId,
  commandId: metadata.commandId,
  actor: metadata.actor,
  schema,
});

/** A recorded event in our words. */
export const toRecorded = <E extends Message>(event: RecordedEvent, codec: Codec<E>): Recorded<E> => {
  const stored = event.metadata as unknown as StoredMetadata;
  return {
    stream: event.streamId,
    revision: event.revision,
    position: event.position?.commit ?? 0n,
    id: event.id,
    recordedAt: event.created.toISOString(),
    metadata: {
      commandId: stored.commandId,
      correlationId: stored.$correlationId,
      causationId: stored.$causationId,
      actor: stored.actor,
    },
    event: codec.decode(event.type, event.data),
  };
};

const READ_DEADLINE = 30_000;
const APPEND_DEADLINE = 20_000;

/** EventStoreDB, KurrentDB or the embedded server: the only place that knows the official client. `newId` makes event ids (UUIDs). */
export const eventStoreClient = (client: EventStoreDBClient, newId: () => string, log: Log): EventStore => ({
  load: async <E extends Message>(stream: string, codec: Codec<E>) => {
    const events: E[] = [];
    const handled = new Map<string, Appended>();
    let revision = -1n;
    try {
      for await (const { event } of client.readStream(stream, { fromRevision: START, deadline: READ_DEADLINE })) {
        if (event === undefined) continue;
        const recorded = toRecorded(event as EventTypeToRecordedEvent<JSONEventType>, codec);
        events.push(recorded.event);
        revision = recorded.revision;
        handled.set(recorded.metadata.commandId, { revision, position: recorded.position });
      }
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
    return { events, revision, handled };
  },

  append: async (stream, expected, events, codec, metadata) => {
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
  },

  follow: (prefixes, codec, after, signal) => follow({ client, log }, { prefixes, codec, after, signal }),

  lastRevision: async (stream) => {
    try {
      for await (const { event } of client.readStream(stream, {
        direction: BACKWARDS,
        fromRevision: END,
        maxCount: 1,
        deadline: READ_DEADLINE,
      })) {
        if (event !== undefined) return event.revision;
      }
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
    return -1n;
  },

  truncateBefore: async (stream, revision) => {
    await client.setStreamMetadata(stream, { truncateBefore: Number(revision) }, { deadline: APPEND_DEADLINE });
  },
});

/** Connects by connection string (`esdb://user:password@host:port?tls=false`). Calls before the server answers are retried by their callers. */
export const connectEventStore = (connectionString: string): EventStoreDBClient => EventStoreDBClient.connectionString(connectionString);
