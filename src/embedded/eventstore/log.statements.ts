import { type Client } from 'pg';
import { named } from '../../kernel/sql.js';
import { type Head, type Outcome, type Write } from './order.js';
import { retentionOf } from './retention.js';
import { describedBy, type ProposedEvent, type StoredEvent, TOMBSTONE } from './stored-event.js';

/** Position of the newest event, 0n in an empty log. */
export const lastPosition = async (client: Client): Promise<bigint> => {
  const { rows } = await client.query<{ position: bigint | null }>('select max(position) as position from event');
  return rows[0]?.position ?? 0n;
};

type HeadRow = Readonly<{ stream: string; revision: bigint | null; settings: bigint | null; data: Buffer | null }>;

/** The settings of a stream end with it. */
const headOf = ({ revision, settings, data }: HeadRow, described: HeadRow | undefined): Head => ({
  revision: described?.revision === TOMBSTONE ? TOMBSTONE : (revision ?? -1n),
  deleted: retentionOf(data).deleted,
  described: settings !== null,
  settings: { revision: settings ?? -1n, data },
  describes: described === undefined ? null : { revision: described.revision ?? -1n, deleted: retentionOf(described.data).deleted },
});

/** Where each of the streams and its settings stand. */
export const headsOf = async (client: Client, streams: readonly string[]): Promise<readonly (readonly [string, Head])[]> => {
  const described = streams.flatMap((stream) => describedBy(stream) ?? []);
  const { rows } = await client.query<HeadRow>({
    name: 'heads',
    text: `select s.stream, newest.revision, described.revision as settings, described.data
      from unnest($1::text[]) as s(stream)
      left join lateral (select revision from event e where e.stream = s.stream order by revision desc limit 1) newest on true
      left join lateral (select revision, data from event e where e.stream = '$$' || s.stream order by revision desc limit 1) described on true`,
    values: [[...new Set([...streams, ...described])]],
  });
  const found = new Map(rows.map((row) => [row.stream, row]));
  return rows.map((row) => [row.stream, headOf(row, found.get(describedBy(row.stream) ?? ''))]);
};

/** Which of the events are stored, as `<stream>/<id>`, with their revisions. */
export const knownAmong = async (client: Client, ids: readonly string[]): Promise<ReadonlyMap<string, bigint>> => {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<{ stream: string; id: string; revision: bigint }>({
    name: 'known',
    text: 'select stream, id::text as id, revision from event where id = any($1::uuid[])',
    values: [ids],
  });
  return new Map(rows.map(({ stream, id, revision }) => [`${stream}/${id}`, revision]));
};

/** The answer an append got the first time, when just these events follow revision `after` of the stream; else null. */
export const repeated = async (
  client: Client,
  stream: string,
  events: readonly ProposedEvent[],
  after: bigint,
): Promise<Outcome | null> => {
  const { rows } = await client.query<{ id: string; revision: bigint; position: bigint }>({
    name: 'repeated',
    text: 'select id::text as id, revision, position from event where stream = $1 and revision > $2 order by revision limit $3',
    values: [stream, after, events.length],
  });
  const same = rows.length === events.length && rows.every(({ id }, index) => id === events[index]?.id);
  const last = rows.at(-1);
  return same && last !== undefined ? { kind: 'done', revision: last.revision, position: last.position } : null;
};

/** Room an event takes beside its data: positions advance by bytes, as a real server's do, so that no client relies on consecutive numbers. */
const OVERHEAD = 64;

/** The events of the writes in order, with their places in the log after `position`; `created` is not known yet. */
export const placed = (writes: readonly Write[], position: bigint): readonly StoredEvent[] => {
  let at = position;
  return writes.flatMap(({ stream, from, events }) =>
    events.map((event, index) => {
      at += BigInt(OVERHEAD + event.data.byteLength + event.metadata.byteLength);
      return { ...event, stream, revision: from + BigInt(index), position: at, created: 0n };
    }),
  );
};

// All data travels as one binary parameter that is cut up on arrival: an array of bytea would be sent as hex.
const INSERT = `
  with stored as (
    insert into event (position, stream, revision, id, type, json, data, metadata, created)
    select position, stream, revision, id, type, json,
      substring(:bytes::bytea, start, data_bytes), substring(:bytes::bytea, start + data_bytes, metadata_bytes),
      (extract(epoch from now()) * 10000000)::bigint
    from unnest(:positions::bigint[], :streams::text[], :revisions::bigint[], :ids::uuid[], :types::text[], :json::boolean[], :starts::int[],
        :dataBytes::int[], :metadataBytes::int[])
      as fresh(position, stream, revision, id, type, json, start, data_bytes, metadata_bytes)
    returning created)
  select min(created) as created from stored`;

/** Stores the events in one transaction and answers them with the time they were stored; they are on disk when it resolves. */
export const insert = async (client: Client, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> => {
  let next = 1;
  const starts = events.map(({ data, metadata }) => {
    const start = next;
    next += data.byteLength + metadata.byteLength;
    return start;
  });
  const [text, values] = named(INSERT, {
    bytes: Buffer.concat(events.flatMap(({ data, metadata }) => [data, metadata])),
    positions: events.map(({ position }) => position),
    streams: events.map(({ stream }) => stream),
    revisions: events.map(({ revision }) => revision),
    ids: events.map(({ id }) => id),
    types: events.map(({ type }) => type),
    json: events.map(({ json }) => json),
    starts,
    dataBytes: events.map(({ data }) => data.byteLength),
    metadataBytes: events.map(({ metadata }) => metadata.byteLength),
  });
  const { rows } = await client.query<{ created: bigint }>({ name: 'insert', text, values: [...values] });
  const created = rows[0]?.created ?? 0n;
  return events.map((event) => ({ ...event, created }));
};
