import pg from 'pg';
import { COLUMNS } from './log.copy.js';
import { type Reading } from './log.database.js';
import { firstVisible, NEWEST_ONLY, type Retention, retentionOf } from './retention.js';
import { describedBy, type StoredEvent, TOMBSTONE } from './stored-event.js';

export type Direction = 'forwards' | 'backwards';

/** A stream as its readers see it now. `first`: the first revision to be seen. */
export type View = Readonly<{ newest: bigint; first: bigint; retention: Retention }>;

/** Events in the order of a read; `done` when there are no more in that direction, as far as is known. */
export type Page = Readonly<{ events: readonly StoredEvent[]; done: boolean }>;

/** The next events of a read from `from` on: at least one while there are any, at most `limit`, and about `PAGE_BYTES` altogether. */
type ReadPage = (from: bigint, limit: number) => Promise<Page>;

export type Reader = Readonly<{
  /** Events of all streams after a position, or before it when reading backwards; `head` is where the log ended when it was last looked at. */
  all: (direction: Direction, head: () => bigint) => ReadPage;
  /** null: nothing was ever written, or all of it is deleted. */
  view: (stream: string) => Promise<View | 'tombstoned' | null>;
  /** Visible events of a stream from a revision on, itself included. */
  stream: (stream: string, view: View, direction: Direction) => ReadPage;
}>;

/** What is fetched at a time: enough to keep a fast reader busy, little enough that many slow ones may hold two each. */
export const PAGE_EVENTS = 1_000;
const PAGE_BYTES = 256 * 1_024;

/**
 * Page after page of a read from `from` on; `next` says where to go on after an event. The next page is fetched while the caller is busy with
 * this one.
 */
export async function* pages(
  read: ReadPage,
  from: bigint,
  next: (last: StoredEvent) => bigint,
  limit = PAGE_EVENTS,
): AsyncGenerator<readonly StoredEvent[]> {
  for (let coming: ReturnType<ReadPage> | null = read(from, limit); coming !== null;) {
    const { events, done }: Page = await coming;
    const last = events.at(-1);
    coming = last === undefined || done ? null : read(next(last), limit);
    // A caller that stops here never sees the next page, nor its failure.
    coming?.catch(() => undefined);
    yield events;
  }
}

/** Larger than any position or revision. */
export const END = 9_223_372_036_854_775_807n;

const order = (direction: Direction): string => (direction === 'forwards' ? 'asc' : 'desc');

/** A name no stream can have: PostgreSQL stores no NUL. */
const impossible = (stream: string): boolean => stream.includes('\0');

const all =
  (reading: Reading): Reader['all'] =>
  (direction, head) =>
  async (position, limit) => {
    const known = head();
    // Positions grow by the bytes of events: a range of positions is a limit of bytes.
    const events = await reading.events(
      direction === 'forwards'
        ? `select ${COLUMNS} from event where position > ${position}
            and position <= (select min(position) from event where position > ${position}) + ${PAGE_BYTES} order by position limit ${limit}`
        : `select ${COLUMNS} from event where position < ${position}
            and position >= (select max(position) from event where position < ${position}) - ${PAGE_BYTES} order by position desc limit ${limit}`,
    );
    const last = events.at(-1);
    return { events, done: last === undefined || (direction === 'forwards' && last.position >= known) };
  };

const view =
  (reading: Reading): Reader['view'] =>
  async (stream) => {
    if (impossible(stream)) return null;
    const described = describedBy(stream);
    const [found] = await reading.query<{ newest: bigint | null; settings: Buffer | null; ended: boolean }>(
      `select (select max(revision) from event where stream = $1) as newest,
        (select data from event where stream = '$$' || $1 order by revision desc limit 1) as settings,
        exists (select 1 from event where stream = any($2::text[]) and revision = ${TOMBSTONE}) as ended`,
      [stream, described === null ? [stream] : [stream, described]],
    );
    if (found?.ended === true) return 'tombstoned';
    const retention = described === null ? retentionOf(found?.settings ?? null) : NEWEST_ONLY;
    if (found?.newest === undefined || found.newest === null || retention.deleted) return null;
    return { newest: found.newest, first: firstVisible(retention, found.newest), retention };
  };

const stream =
  (reading: Reading): Reader['stream'] =>
  (name, { newest, first, retention }, direction) =>
  async (from, limit) => {
    if (impossible(name)) return { events: [], done: true };
    const youngerThan = retention.maxAge === null ? '' : `and created > (extract(epoch from now()) - ${retention.maxAge}) * 10000000`;
    const events = await reading.events(
      `select ${COLUMNS} from (
          select *, sum(octet_length(data) + octet_length(metadata)) over (order by revision ${order(direction)} rows unbounded preceding)
            - octet_length(data) - octet_length(metadata) as before
          from event where stream = ${pg.escapeLiteral(name)} and revision ${direction === 'forwards' ? '>=' : '<='} ${from}
            and revision >= ${first} ${youngerThan}
          order by revision ${order(direction)} limit ${limit}) as page
        where before < ${PAGE_BYTES} order by revision ${order(direction)}`,
    );
    const last = events.at(-1);
    return { events, done: last === undefined || (direction === 'forwards' ? last.revision >= newest : last.revision <= first) };
  };

export const createReader = (reading: Reading): Reader => ({
  all: all(reading),
  view: view(reading),
  stream: stream(reading),
});
