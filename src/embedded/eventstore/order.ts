import { type Expected, judge, type Standing } from './expected-revision.js';
import { metadataStreamOf, METADATA_TYPE, type ProposedEvent, TOMBSTONE, TOMBSTONE_TYPE } from './stored-event.js';
import { deletedSettings, revivedSettings } from './retention.js';

/** A change asked of one stream; all of it happens or nothing. `delete` is EventStoreDB's soft one, `tombstone` is final. */
export type Order = Readonly<{
  what: 'append' | 'delete' | 'tombstone';
  stream: string;
  expected: Expected;
  events: readonly ProposedEvent[];
}>;

/** How an order ended. `current`: where the stream stands instead, null when it does not exist. */
export type Outcome =
  | Readonly<{ kind: 'done'; revision: bigint | null; position: bigint | null }>
  | Readonly<{ kind: 'wrong-revision'; current: bigint | null }>
  | Readonly<{ kind: 'tombstoned' | 'timed-out' | 'failed' }>;

/** Where a stream and its settings stand; `describes` is where the stream stands whose settings it holds, null when it holds none. */
export type Head = Standing &
  Readonly<{
    settings: Readonly<{ revision: bigint; data: Uint8Array | null }>;
    describes: Pick<Standing, 'revision' | 'deleted'> | null;
  }>;

/** Events for one stream, the first of them at revision `from`. */
export type Write = Readonly<{ stream: string; from: bigint; events: readonly ProposedEvent[] }>;

/**
 * `write`: what to store. `look`: only if these events are not in the stream already, anywhere (`after` null) or right after a revision.
 * `refuse`: nothing to store.
 */
export type Plan =
  | Readonly<{ kind: 'write'; writes: readonly Write[] }>
  | Readonly<{ kind: 'look'; after: bigint | null; writes: readonly Write[] }>
  | Readonly<{ kind: 'refuse'; outcome: Outcome }>;

const settingsEvent = (id: string, data: Uint8Array): ProposedEvent => ({
  id,
  type: METADATA_TYPE,
  json: true,
  data,
  metadata: new Uint8Array(),
});

/** What an append writes besides its events: settings by which the events of a deleted stream stay hidden. */
const revival = ({ stream, events }: Order, head: Head, id: string): readonly Write[] => {
  const next = head.revision + 1n;
  if (head.deleted) {
    const data = revivedSettings(head.settings.data, next);
    return data === null
      ? []
      : [{ stream: metadataStreamOf(stream), from: head.settings.revision + 1n, events: [settingsEvent(id, data)] }];
  }
  const newest = events.at(-1);
  if (head.describes?.deleted !== true || newest === undefined) return [];
  const data = revivedSettings(newest.data, head.describes.revision + 1n);
  return data === null ? [] : [{ stream, from: next + BigInt(events.length), events: [settingsEvent(id, data)] }];
};

const writesOf = (order: Order, head: Head, id: string): readonly Write[] => {
  const { what, stream, events } = order;
  if (what === 'delete') {
    return [{ stream: metadataStreamOf(stream), from: head.settings.revision + 1n, events: [settingsEvent(id, deletedSettings())] }];
  }
  if (what === 'tombstone') {
    const end = { id, type: TOMBSTONE_TYPE, json: true, data: new TextEncoder().encode('{}'), metadata: new Uint8Array() };
    return [{ stream, from: TOMBSTONE, events: [end] }];
  }
  return [{ stream, from: head.revision + 1n, events }, ...revival(order, head, id)];
};

const wrongRevision = ({ revision }: Head): Plan => ({
  kind: 'refuse',
  outcome: { kind: 'wrong-revision', current: revision === -1n ? null : revision },
});

/** What an order means for a stream that stands at `head`; `id` is for an event of the store's own, if it takes one. */
export const plan = (order: Order, head: Head, id: string): Plan => {
  const verdict = judge(order.expected, head);
  if (verdict.kind === 'tombstoned') return { kind: 'refuse', outcome: { kind: 'tombstoned' } };
  if (verdict.kind === 'wrong') return wrongRevision(head);
  if (order.what === 'delete' && head.revision === -1n && !head.described) return wrongRevision(head);
  if (order.what !== 'append') {
    return verdict.kind === 'repeat-of' ? wrongRevision(head) : { kind: 'write', writes: writesOf(order, head, id) };
  }
  if (order.events.length === 0) {
    if (verdict.kind === 'repeat-of') return wrongRevision(head);
    return { kind: 'refuse', outcome: { kind: 'done', revision: head.revision === -1n ? null : head.revision, position: null } };
  }
  const writes = writesOf(order, head, id);
  if (verdict.kind === 'append') return { kind: 'write', writes };
  return { kind: 'look', after: verdict.kind === 'repeat-of' ? verdict.after : null, writes };
};

/** What is answered for a write that was stored. `positions`: of stored events, by `<revision>/<stream>`. */
export const doneWith = ({ stream, from, events }: Write, positions: ReadonlyMap<string, bigint>): Outcome => {
  const revision = from + BigInt(events.length - 1);
  return { kind: 'done', revision, position: positions.get(`${revision}/${stream}`) ?? null };
};

/** An order that waits for its answer. `since`: when it came, in milliseconds of the process's clock. */
export type Pending = Readonly<{ order: Order; since: number; answer: (outcome: Outcome) => void }>;

/** A transaction in the making: what it stores, what it answers, and what it has to leave to the next one. */
export type Group = {
  readonly writes: Write[];
  readonly answers: (readonly [Pending, Outcome | Write])[];
  readonly later: Pending[];
  readonly ids: Set<string>;
  /** Streams whose standing is known only after the commit. */
  readonly unsettled: Set<string>;
  readonly heads: Map<string, Head>;
};
