import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Log } from '../engine.js';
import { copyEvents } from './log.copy.js';
import { type StoredEvent } from './stored-event.js';

/**
 * One row per event, written by one process at a time. `created` is in 100 ns since 1970. A plain index on `id` finds repeated events;
 * names compare by their bytes, in every locale of the database. What is large is kept as it is: it is sealed, and sealed bytes do not get
 * smaller.
 */
const SCHEMA = `
  create table if not exists event (
    position bigint primary key,
    stream text collate "C" not null,
    revision bigint not null,
    id uuid not null,
    type text collate "C" not null,
    json boolean not null,
    data bytea not null,
    metadata bytea not null,
    created bigint not null
  );
  alter table event alter column data set storage external, alter column metadata set storage external;
  create unique index if not exists event_of_stream on event (stream, revision);
  create index if not exists event_by_id on event (id);
  create index if not exists event_that_ends on event (stream) where revision = 9223372036854775807;
`;

/** Names the lock that makes a process the log's only writer; the number is arbitrary and permanent. */
const WRITER_LOCK = 7_201_426_001;

const INT8 = 20;

/** Positions and revisions are bigint; pg gives text. Its `binary` option would be faster, but 8.23 decodes the bytes as UTF-8. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? BigInt : (pg.types.getTypeParser as (oid: number, format?: string) => unknown)(oid, format),
};

/** True when the statement itself was refused, so that sending it again cannot help; false when the server went away. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && typeof error.code === 'string' && !/^(08|53|57P|55006)/.test(error.code);

/** In milliseconds; without it a connection to a server that was killed in the middle of a handshake would wait without end. */
const CONNECT_LIMIT = 5_000;

/** Reads from the log; each outlives a restart of the database. */
export type Reading = Readonly<{
  query: <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;
  /** The events a statement without parameters selects: all `COLUMNS` of `log.copy`. */
  events: (select: string) => Promise<readonly StoredEvent[]>;
  close: () => Promise<void>;
}>;

const READERS = 6;
const ATTEMPTS = 40;

export const openReading = (url: string): Reading => {
  const pool = new pg.Pool({ connectionString: url, max: READERS, ssl: false, types, connectionTimeoutMillis: CONNECT_LIMIT });
  pool.on('error', () => undefined);
  const insist = async <T>(read: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await read();
      } catch (error) {
        if (isRefusal(error) || attempt === ATTEMPTS || pool.ending) throw error;
        await pause(Math.min(25 * attempt, 500));
      }
    }
  };
  return {
    query: <Row>(text: string, values: readonly unknown[]) => insist(async () => (await pool.query(text, [...values])).rows as Row[]),
    events: (select) => insist(() => copyEvents(pool, select)),
    close: () => pool.end(),
  };
};

/** The connection of the log's only writer. Losing the connection is losing the right to write: the lock lives and dies with it. */
export const openWriting = async (url: string, log: Log): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: url, ssl: false, types, connectionTimeoutMillis: CONNECT_LIMIT });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('set synchronous_commit = on');
    const lock = async (): Promise<boolean> =>
      (await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [WRITER_LOCK])).rows[0]?.locked === true;
    for (let attempt = 1; !(await lock()); attempt += 1) {
      if (attempt === 10) log('waiting for another process to let go of the log');
      await pause(50);
    }
    await client.query(SCHEMA);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
};
