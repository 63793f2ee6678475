import { FEED } from '../../sync/feed.js';
import { type Clock, instant } from '../../kernel/clock.js';
import { type EventStore } from '../../kernel/event-store.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { UNHURRIED } from '../postgres/unhurried.sql.js';
import { type LogStanding } from './scavenge-due.js';

/** What an event takes beside its data: names, ids and metadata. */
const OVERHEAD = 400;

const isFeed = (stream: string): boolean => stream.startsWith(`${FEED}-`);

/** What feeds are hidden before a revision, from now on. */
const hide = async (database: Database, stream: string, before: bigint, at: string): Promise<void> => {
  await database.query('update log_chunk set hidden_at = $3 where stream = $1 and revision < $2 and hidden_at is null', [
    stream,
    before,
    at,
  ]);
};

const COUNT = `
  insert into log_chunk (stream, revision, bytes) select $1, $2::bigint, $3::bigint from ${UNHURRIED} on conflict do nothing`;

/**
 * The same store, which counts in `log_chunk` what is appended to feeds and what of it is hidden: a store tells no sizes, and gives out no hidden
 * events. A death between append and count leaves a part uncounted, which delays a scavenge by that much.
 */
export const countedStore = (store: EventStore, database: Database, clock: Clock): EventStore => ({
  ...store,
  append: async (stream, expected, events, codec, metadata) => {
    const appended = await store.append(stream, expected, events, codec, metadata);
    if (isFeed(stream)) {
      const size = events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(codec.encode(event).data)) + OVERHEAD, 0);
      await database.query(COUNT, [stream, appended.revision, size]);
    }
    return appended;
  },
  truncateBefore: async (stream, revision) => {
    await store.truncateBefore(stream, revision);
    if (isFeed(stream)) await hide(database, stream, revision, instant(clock.now()));
  },
  clear: async (stream, expected) => {
    await store.clear(stream, expected);
    if (isFeed(stream)) await hide(database, stream, expected + 1n, instant(clock.now()));
  },
});

/** What has been counted of the log, and when a scavenge was last begun. */
export const logStanding = async (sql: Sql): Promise<LogStanding> => {
  const [row] = await sql.query<{ bytes: string; hidden: string; since: Date | null; started: Date | null }>(
    `select coalesce(sum(bytes), 0) as bytes, coalesce(sum(bytes) filter (where hidden_at is not null), 0) as hidden, min(hidden_at) as since,
       (select max(round_at) from log_scavenge) as started from log_chunk`,
  );
  return {
    bytes: Number(row?.bytes ?? 0),
    hidden: Number(row?.hidden ?? 0),
    hiddenSince: row?.since?.getTime() ?? null,
    startedAt: row?.started?.getTime() ?? null,
  };
};
