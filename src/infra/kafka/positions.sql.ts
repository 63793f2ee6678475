import { type Database } from '../../kernel/sql.js';
import { type Outside, type Place } from './offsets.js';

/** How far groups of consumers have read topics, noted beside the broker, which forgets it when it is emptied (sync-rule 35). */
export type Positions = Readonly<{
  /** The next offset of each `topic/partition`. */
  of: (group: string) => Promise<ReadonlyMap<string, bigint>>;
  /** Notes what the group has committed. */
  remember: (group: string, places: readonly Place[]) => Promise<void>;
  /** Takes the first message that each partition has for the next. */
  accept: (group: string, outside: readonly Outside[]) => Promise<void>;
}>;

type Row = Readonly<{ topic: string; partition: number; next: string }>;

const NOTE = `insert into topic_position (consumer_group, topic, partition, next)
  select $1, topic, partition, next from unnest($2::text[], $3::integer[], $4::bigint[]) as read (topic, partition, next)
  on conflict (consumer_group, topic, partition) do update set next = excluded.next where topic_position.next <> excluded.next`;

export const positionsIn = (database: Pick<Database, 'query'>): Positions => {
  const note = async (
    group: string,
    places: readonly (Pick<Place, 'topic' | 'partition'> & Readonly<{ next: bigint }>)[],
  ): Promise<void> => {
    const columns = [places.map(({ topic }) => topic), places.map(({ partition }) => partition), places.map(({ next }) => String(next))];
    if (places.length > 0) await database.query(NOTE, [group, ...columns]);
  };
  return {
    of: async (group) => {
      const rows = await database.query<Row>('select topic, partition, next from topic_position where consumer_group = $1', [group]);
      return new Map(rows.map(({ topic, partition, next }) => [`${topic}/${partition}`, BigInt(next)]));
    },
    remember: (group, places) =>
      note(
        group,
        places.flatMap(({ committed, ...place }) => (committed === null ? [] : [{ ...place, next: committed }])),
      ),
    accept: (group, outside) =>
      note(
        group,
        outside.map(({ low, ...place }) => ({ ...place, next: low })),
      ),
  };
};
