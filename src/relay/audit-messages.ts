import { idOf, type RawEvent } from '../kernel/event-store.js';
import { type Told } from './told.js';

/**
 * What `juy.calendar.audit.v1` tells of an event of the log: who did what to whose data, and never what stands in it. Null is what its writer did not say.
 * `purpose`, `outcome`: of a `DataAccessed` alone.
 */
export type AuditMessage = Readonly<{
  eventId: string;
  stream: Readonly<{ category: string; id: string }>;
  type: string;
  actor: string | null;
  subject: string | null;
  via: string | null;
  at: string;
  commandId: string | null;
  correlationId: string | null;
  purpose: string | null;
  outcome: 'granted' | 'refused' | null;
}>;

export const AUDIT_TYPE = 'juy.calendar.audit.recorded.v1';

/** What is told of an access to somebody's data. */
const ACCESSED = 'DataAccessed.v';

/** A member of an object of JSON when it is a text; of anything else null. */
const textOf = (value: unknown, name: string): string | null => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
  const member = (value as Readonly<Record<string, unknown>>)[name];
  return typeof member === 'string' && member !== '' ? member : null;
};

const outcomeOf = (data: unknown): AuditMessage['outcome'] => {
  const outcome = textOf(data, 'outcome');
  return outcome === 'granted' || outcome === 'refused' ? outcome : null;
};

/**
 * Every event has one, of any stream, version and writer, because nothing but its names and its metadata is read. Its key is the person it is about, else who
 * caused it, else its stream.
 */
export const toldOfEvent = (event: RawEvent): Told => {
  const { id, stream, type, metadata, recordedAt: at } = event;
  const accessed = type.startsWith(ACCESSED) ? event.data : null;
  const actor = textOf(metadata, 'actor');
  const subject = textOf(metadata, 'subject') ?? textOf(accessed, 'subject');
  const dash = stream.indexOf('-');
  const data: AuditMessage = {
    eventId: id,
    stream: dash < 0 ? { category: stream, id: '' } : { category: stream.slice(0, dash), id: idOf(stream) },
    ...{ type, actor, subject, via: textOf(metadata, 'via'), at },
    commandId: textOf(metadata, 'commandId'),
    correlationId: textOf(metadata, 'correlationId') ?? textOf(metadata, '$correlationId'),
    purpose: textOf(accessed, 'purpose'),
    outcome: outcomeOf(accessed),
  };
  return { id, type: AUDIT_TYPE, key: subject ?? actor ?? stream, time: at, data };
};
