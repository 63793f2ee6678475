import pg from 'pg';
import { type Log } from '../../kernel/log.js';
import { EngineAway, reaching } from '../../kernel/engine-away.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { isDatabaseAway } from './away.postgres.js';
import { bringUpToDate } from './migrations/migrations.typeorm.js';
import { bePresent, type Presence } from './presence.postgres.js';
import { standingSession } from './standing-session.postgres.js';

/** A connection of its own, for what must live as long as a session: an advisory lock and the rows written under it. */
export type Session = Sql &
  Readonly<{
    transaction: Database['transaction'];
    /** As of `Postgres`. */
    alone: Postgres['alone'];
    release: () => Promise<void>;
  }>;

export type Postgres = Database &
  Readonly<{
    session: () => Promise<Session>;
    /** A transaction that begins when no other of that name is under way, in any process, and then sees what those before it have committed. */
    alone: <T>(name: string, work: (sql: Sql) => Promise<T>) => Promise<T>;
    presence: (onNumber: () => void) => Presence;
    /** Connections of the pool that are at work or not, and requests that wait for one. */
    pool: () => Readonly<{ busy: number; idle: number; waiting: number }>;
    close: () => Promise<void>;
  }>;

const STATEMENT_TIMEOUT = 60_000;
const CONNECT_TIMEOUT = 5_000;
/** For a server that no longer answers at all; one that does has ended the statement before. */
const ANSWER_TIMEOUT = STATEMENT_TIMEOUT + 5_000;

const sqlOn = (target: Pick<pg.Pool, 'query'>): Sql => ({
  query: <Row>(text: string, values: readonly unknown[] = []) =>
    reaching('database', isDatabaseAway, async () => (await target.query<Row & pg.QueryResultRow>(text, [...values])).rows),
});

/** What ends each session that is held. */
type Held = Set<() => void>;

/** A connection taken from the pool. The pool closes it instead of keeping it when it was lost, or when its transaction may still be open. */
const takeFrom = async (pool: pg.Pool, held: Held) => {
  const client = await reaching('database', isDatabaseAway, () => pool.connect());
  let broken = false;
  const spoil = (): void => {
    broken = true;
  };
  const giveBack = (): void => {
    if (!held.delete(end)) return;
    client.off('error', spoil);
    client.release(broken);
  };
  const end = (): void => {
    spoil();
    giveBack();
  };
  client.on('error', spoil);
  held.add(end);
  return { client, spoil, giveBack };
};

const sessionOn = async (pool: pg.Pool, held: Held): Promise<Session> => {
  const { client, spoil, giveBack } = await takeFrom(pool, held);
  const on = sqlOn(client);
  const query: Sql['query'] = async (text, values) => {
    try {
      return await on.query(text, values);
    } catch (error) {
      if (error instanceof EngineAway) spoil();
      throw error;
    }
  };
  const within = async <T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
    try {
      await query(begin);
      const result = await work({ query });
      await query('commit');
      return result;
    } catch (error) {
      // A connection that died cannot roll back, and need not.
      await query('rollback').catch(spoil);
      throw error;
    }
  };
  return {
    query,
    transaction: (work) => within('begin', work),
    // In one round trip. The lock ends with the transaction.
    alone: (name, work) => within(`begin; select pg_advisory_xact_lock(hashtext('claim'), hashtext(${pg.escapeLiteral(name)}))`, work),
    release: () => {
      giveBack();
      return Promise.resolve();
    },
  };
};

const listener =
  (url: string, log: Log): Database['listen'] =>
  (channel, onHint) =>
    standingSession(
      url,
      {
        prepare: async (client) => {
          await client.query(`listen ${pg.escapeIdentifier(channel)}`);
          onHint(null);
        },
        onNotice: onHint,
      },
      log,
    );

/** Opens the pool and brings the tables up to date; several processes may do so at once. `url`: `postgres://…`. */
export const openDatabase = async (url: string, log: Log, poolSize = 20): Promise<Postgres> => {
  const settings: pg.PoolConfig = {
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
    query_timeout: ANSWER_TIMEOUT,
    keepAlive: true,
    options: '-c timezone=UTC',
  };
  const pool = new pg.Pool({ ...settings, connectionString: url });
  pool.on('error', (error) => {
    log.error('a pooled database connection was lost', error);
  });
  await bringUpToDate(pool, url, settings);
  const held: Held = new Set();
  const inSession = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const session = await sessionOn(pool, held);
    try {
      return await work(session);
    } finally {
      await session.release();
    }
  };
  return {
    query: sqlOn(pool).query,
    transaction: (work) => inSession((session) => session.transaction(work)),
    alone: (name, work) => inSession((session) => session.alone(name, work)),
    session: () => sessionOn(pool, held),
    listen: listener(url, log),
    presence: (onNumber) => bePresent(url, onNumber, log),
    pool: () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => {
      // The pool waits for what was taken from it.
      for (const end of held) end();
      return pool.end();
    },
  };
};
