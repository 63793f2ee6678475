import { type Reading } from './log.database.js';
import { firstVisible, type Retention, retentionOf } from './retention.js';
import { type StoredEvent, TOMBSTONE } from './stored-event.js';

export type Direction = 'forwards' | 'backwards';

/** A stream as its readers see it now. `first`: the first revision to be seen. */
export type View = Readonly<{ newest: bigint; first: bigint; retention: Retention }>;

export type Reader = Readonly<{
  /** Up to `limit` events of all streams after `position`, or before it when reading backwards. */
  all: (direction: Direction, position: bigint, limit: number) => Promise<readonly StoredEvent[]>;
  /** null: nothing was ever written, or all of it is deleted. */
  view: (stream: string) => Promise<View | 'tombstoned' | null>;
  /** Up to `limit` visible events of a stream from a revision on, itself included. */
  stream: (stream: string, view: View, direction: Direction, from: bigint, limit: number) => Promise<readonly StoredEvent[]>;
}>;

/** Most events fetched at a time. */
const PAGE = 256;

/** One page of a read: up to `limit` events from `from` on. */
type ReadPage = (from: bigint, limit: number) => Promise<readonly StoredEvent[]>;

/**
 * Page after page of a read, from `from` on until one is not full; `next` says where to go on, `wanted` how many events are asked for in all.
 * The next page is fetched while the caller is busy with this one.
 */
export async function* pages(
  read: ReadPage,
  from: bigint,
  next: (last: StoredEvent) => bigint,
  wanted: bigint,
): AsyncGenerator<readonly StoredEvent[]> {
  const limit = wanted < PAGE ? Number(wanted) : PAGE;
  for (let coming: ReturnType<ReadPage> | null = read(from, limit); coming !== null;) {
    const page: readonly StoredEvent[] = await coming;
    const last = page.at(-1);
    coming = last === undefined || page.length < limit ? null : read(next(last), limit);
    // A caller that stops here never sees the next page, nor its failure.
    coming?.catch(() => undefined);
    yield page;
  }
}

const COLUMNS = 'position, stream, revision, id::text as id, type, json, data, metadata, created';

/** Larger than any position or revision. */
export const END = 9_223_372_036_854_775_807n;

const order = (direction: Direction): string => (direction === 'forwards' ? 'asc' : 'desc');

export const createReader = ({ query }: Reading): Reader => ({
  all: (direction, position, limit) =>
    query<StoredEvent>(
      `select ${COLUMNS} from event where position ${direction === 'forwards' ? '>' : '<'} $1 order by position ${order(direction)} limit $2`,
      [position, limit],
    ),

  view: async (stream) => {
    const [found] = await query<{ newest: bigint | null; settings: Buffer | null }>(
      `select (select max(revision) from event where stream = $1) as newest,
        (select data from event where stream = '$$' || $1 order by revision desc limit 1) as settings`,
      [stream],
    );
    if (found?.newest === TOMBSTONE) return 'tombstoned';
    const retention = retentionOf(found?.settings ?? null);
    if (found?.newest === undefined || found.newest === null || retention.deleted) return null;
    return { newest: found.newest, first: firstVisible(retention, found.newest), retention };
  },

  stream: (stream, { first, retention }, direction, from, limit) => {
    const youngerThan = retention.maxAge === null ? '' : 'and created > (extract(epoch from now()) - $5) * 10000000';
    return query<StoredEvent>(
      `select ${COLUMNS} from event
        where stream = $1 and revision ${direction === 'forwards' ? '>=' : '<='} $2 and revision >= $3 ${youngerThan}
        order by revision ${order(direction)} limit $4`,
      [stream, from, first, limit, ...(retention.maxAge === null ? [] : [retention.maxAge])],
    );
  },
});
