import pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { type Log } from '../../kernel/log.js';
import { reaching } from '../../kernel/engine-away.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { isDatabaseAway } from './away.postgres.js';
import { Mend1764150000000 } from './migrations/mend.migration.js';
import { Schema1763800000000 } from './migrations/schema.migration.js';
import { bePresent, type Presence } from './presence.postgres.js';
import { standingSession } from './standing-session.postgres.js';

/** A connection of its own, for what must live as long as a session: an advisory lock and the rows written under it. */
export type Session = Sql & Readonly<{ transaction: Database['transaction']; release: () => Promise<void> }>;

export type Postgres = Database &
  Readonly<{
    session: () => Promise<Session>;
    presence: (onNumber: () => void) => Presence;
    /** Connections of the pool that are at work or not, and requests that wait for one. */
    pool: () => Readonly<{ busy: number; idle: number; waiting: number }>;
    close: () => Promise<void>;
  }>;

const STATEMENT_TIMEOUT = 60_000;
const CONNECT_TIMEOUT = 5_000;
/** For a server that no longer answers at all; one that does has ended the statement before. */
const ANSWER_TIMEOUT = STATEMENT_TIMEOUT + 5_000;

const sqlOn = (runner: QueryRunner): Sql => ({
  query: <Row>(text: string, values: readonly unknown[] = []) =>
    reaching('database', isDatabaseAway, async () => {
      const result = (await runner.query(text, [...values], true)) as { records?: Row[] };
      return result.records ?? [];
    }),
});

const transactionOn = <T>(runner: QueryRunner, work: (sql: Sql) => Promise<T>): Promise<T> =>
  reaching('database', isDatabaseAway, async () => {
    await runner.startTransaction();
    try {
      const result = await work(sqlOn(runner));
      await runner.commitTransaction();
      return result;
    } catch (error) {
      // A connection that died cannot roll back, and need not.
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  });

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

/** Several processes may start at once; one brings the tables up to date, the others wait for it. */
const migrate = async (source: DataSource, runner: QueryRunner): Promise<void> => {
  await runner.query('select pg_advisory_lock(490)');
  try {
    await source.runMigrations();
  } finally {
    await runner.query('select pg_advisory_unlock(490)');
  }
};

/** TypeORM's own pool. */
const poolOf = (source: DataSource): pg.Pool => (source.driver as unknown as { master: pg.Pool }).master;

/** Most work is a single statement, which needs nothing of what a query runner is: no transaction, no connection that outlives it. */
const sqlOnPool = (pool: pg.Pool): Sql => ({
  query: <Row>(text: string, values: readonly unknown[] = []) =>
    reaching('database', isDatabaseAway, async () => (await pool.query<Row & pg.QueryResultRow>(text, [...values])).rows),
});

const sourceOf = (url: string, log: Log, poolSize: number): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    migrations: [Schema1763800000000, Mend1764150000000],
    migrationsTransactionMode: 'each',
    poolErrorHandler: (error: Error) => {
      log.error('a pooled database connection was lost', error);
    },
    connectTimeoutMS: CONNECT_TIMEOUT,
    extra: {
      max: poolSize,
      statement_timeout: STATEMENT_TIMEOUT,
      query_timeout: ANSWER_TIMEOUT,
      keepAlive: true,
      options: '-c timezone=UTC',
    },
  });

/** Opens the pool and brings the tables up to date; several processes may do so at once. `url`: `postgres://…`. */
export const openDatabase = async (url: string, log: Log, poolSize = 20): Promise<Postgres> => {
  const source = sourceOf(url, log, poolSize);
  await source.initialize();
  const withRunner = async <T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> => {
    const runner = source.createQueryRunner();
    try {
      return await work(runner);
    } finally {
      await runner.release().catch(() => undefined);
    }
  };
  await withRunner((runner) => migrate(source, runner));
  return {
    query: sqlOnPool(poolOf(source)).query,
    transaction: (work) => withRunner((runner) => transactionOn(runner, work)),
    session: async () => {
      const runner = source.createQueryRunner();
      await reaching('database', isDatabaseAway, () => runner.connect());
      return { ...sqlOn(runner), transaction: (work) => transactionOn(runner, work), release: () => runner.release() };
    },
    listen: listener(url, log),
    presence: (onNumber) => bePresent(url, onNumber, log),
    pool: () => {
      const { totalCount, idleCount, waitingCount } = poolOf(source);
      return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
    },
    close: () => source.destroy(),
  };
};
