import { type Delivered } from '../../kernel/broker.js';
import { type Sql } from '../../kernel/sql.js';
import { partitionOf, type Place, placesOf } from './partitions.js';

/** The channel on which a topic with new messages is named. */
export const HINTS = 'broker';

/** A message to be appended, with its bytes. */
export type Appended = Readonly<{ key: string | null; value: Uint8Array | null; headers: Readonly<Record<string, string>> }>;

/** Counts the messages of a partition on; until this transaction ends, who else appends to it waits. */
const COUNT_ON = `
  insert into broker_partition as partition (topic, partition, next_offset) values ($1, $2, $3)
  on conflict (topic, partition) do update set next_offset = partition.next_offset + $3
  returning next_offset - $3 as first`;

const APPEND = `
  insert into broker_message (topic, partition, "offset", key, value, headers, published_at)
  select $1, $2, $3::bigint + number - 1, key, value, headers::jsonb, clock_timestamp()
  from unnest($4::text[], $5::bytea[], $6::text[]) with ordinality as message(key, value, headers, number)`;

/** Appends messages in this order; they can be read when the transaction that `sql` runs in has committed. */
export const append = async (sql: Sql, topic: string, messages: readonly Appended[]): Promise<void> => {
  const byPartition = new Map<number, Appended[]>();
  for (const message of messages) {
    const partition = partitionOf(message.key ?? '');
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), message]);
  }
  // In one order everywhere: two that append to the same partitions would otherwise wait for each other.
  for (const [partition, those] of [...byPartition].sort(([a], [b]) => a - b)) {
    const [counted] = await sql.query<{ first: string }>(COUNT_ON, [topic, partition, those.length]);
    const values = those.map(({ value }) => (value === null ? null : Buffer.from(value)));
    const headers = those.map((each) => JSON.stringify(each.headers));
    await sql.query(APPEND, [topic, partition, counted?.first, those.map(({ key }) => key), values, headers]);
  }
  await sql.query('select pg_notify($1, $2)', [HINTS, topic]);
};

type Row = Readonly<{
  offset: string;
  key: string | null;
  value: Buffer | null;
  headers: Readonly<Record<string, string>>;
  published_at: Date;
}>;

const READ = `
  select "offset", key, value, headers, published_at from broker_message
  where topic = $1 and partition = $2 and "offset" >= $3 order by "offset" limit $4`;

/** The next messages of a partition, from an offset on. */
export const readFrom = async (sql: Sql, { topic, partition }: Place, offset: bigint, most: number): Promise<readonly Delivered[]> => {
  const rows = await sql.query<Row>(READ, [topic, partition, offset, most]);
  return rows.map(({ offset: at, key, value, headers, published_at }) => ({
    ...{ topic, partition, key, value, headers },
    offset: BigInt(at),
    at: published_at.toISOString(),
  }));
};

/** Makes a group known as a reader of these topics: from their beginning, or where it stopped. */
export const subscribe = async (sql: Sql, group: string, topics: readonly string[]): Promise<void> => {
  const places = placesOf(topics);
  await sql.query(
    `insert into broker_offset (consumer_group, topic, partition) select $1, topic, partition from unnest($2::text[], $3::smallint[]) as place(topic, partition)
     on conflict do nothing`,
    [group, places.map(({ topic }) => topic), places.map(({ partition }) => partition)],
  );
};

export const committedOf = async (sql: Sql, group: string, { topic, partition }: Place): Promise<bigint> => {
  const [row] = await sql.query<{ committed: string }>(
    'select committed from broker_offset where consumer_group = $1 and topic = $2 and partition = $3',
    [group, topic, partition],
  );
  return BigInt(row?.committed ?? 0);
};

/** `next`: the offset to be read next. */
export const commit = async (sql: Sql, group: string, { topic, partition }: Place, next: bigint): Promise<void> => {
  await sql.query(
    'update broker_offset set committed = $4 where consumer_group = $1 and topic = $2 and partition = $3 and committed < $4',
    [group, topic, partition, next],
  );
};

/** How many messages of each topic a group has not read. */
export const lagsOf = async (sql: Sql, group: string, topics: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const rows = await sql.query<{ topic: string; lag: string }>(
    `select topic, sum(next_offset - coalesce(committed, 0)) as lag
     from broker_partition left join (select * from broker_offset where consumer_group = $1) as read using (topic, partition)
     where topic = any($2) group by topic`,
    [group, topics],
  );
  const lags = new Map(rows.map(({ topic, lag }) => [topic, Number(lag)]));
  return new Map(topics.map((topic) => [topic, lags.get(topic) ?? 0]));
};
