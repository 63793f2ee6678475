import { type RecordedEvent } from '@eventstore/db-client';
import { type Message } from '../../kernel/decider.js';
import { type EventFamily, type Metadata, type Place, type RawEvent, type Recorded, UnknownEvent } from '../../kernel/event-store.js';

/** How an event's metadata is stored: EventStoreDB's own names for the two it knows (`$`), ours beside them. Older events have no optional ones. */
type StoredMetadata = {
  $correlationId: string;
  $causationId: string;
  commandId: string;
  actor: string;
  subject?: string | null;
  via?: string | null;
  origin?: string | null;
  schema: string;
};

/** Metadata as it is stored beside an event of the named schema. */
export const toStored = (metadata: Metadata, schema: string): StoredMetadata => ({
  $correlationId: metadata.correlationId,
  $causationId: metadata.causationId,
  commandId: metadata.commandId,
  actor: metadata.actor,
  subject: metadata.subject,
  via: metadata.via,
  origin: metadata.origin,
  schema,
});

/** Where an event of any kind stands. */
export const placeOf = (event: RecordedEvent): Place => ({
  position: event.position?.commit ?? 0n,
  recordedAt: event.created.toISOString(),
});

/** A recorded event in our words. Throws `UnknownEvent` when the codec does not read its name, and what the codec throws. */
export const toRecorded = <E extends Message>(event: RecordedEvent, codec: EventFamily<E>['codec']): Recorded<E> => {
  if (!codec.reads.includes(event.type)) throw new UnknownEvent(event.type);
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
      subject: stored.subject ?? null,
      via: stored.via ?? null,
      origin: stored.origin ?? null,
    },
    event: codec.decode(event.type, event.data),
  };
};

/** A recorded event as it is stored. */
export const toRaw = (event: RecordedEvent): RawEvent => ({
  ...placeOf(event),
  stream: event.streamId,
  revision: event.revision,
  id: event.id,
  type: event.type,
  data: event.data,
  metadata: event.metadata,
});
