import type pg from 'pg';
import { AttemptPassword1764219000000 } from './attempt-password.migration.js';
import { AttemptSteps1764215000000 } from './attempt-steps.migration.js';
import { ChannelAddress1764217000000 } from './channel-address.migration.js';
import { Broker1764224000000 } from './broker.migration.js';
import { ChangesPosition1764160000000 } from './changes-position.migration.js';
import { ClaimedRows1764200000000 } from './claimed-rows.migration.js';
import { ConnectionAttempts1764211000000 } from './connection-attempts.migration.js';
import { Directory1764222000000 } from './directory.migration.js';
import { FocusTime1764216000000 } from './focus-time.migration.js';
import { FreeBusy1764194000000 } from './free-busy.migration.js';
import { FreshUntil1764210000000 } from './fresh-until.migration.js';
import { GrantRenewal1764210500000 } from './grant-renewal.migration.js';
import { Inbox1764223000000 } from './inbox.migration.js';
import { Mend1764150000000 } from './mend.migration.js';
import { RequestBudget1764218000000 } from './request-budget.migration.js';
import { RequestPlaces1764221000000 } from './request-places.migration.js';
import { Schema1763800000000 } from './schema.migration.js';
import { SharedGrant1764214000000 } from './shared-grant.migration.js';
import { SignInHours1764228000000 } from './sign-in-hours.migration.js';
import { Telling1764230000000 } from './telling.migration.js';
import { TopicPosition1764226000000 } from './topic-position.migration.js';
import { Watch1764213000000 } from './watch.migration.js';

const MIGRATIONS = [
  Schema1763800000000,
  Mend1764150000000,
  ChangesPosition1764160000000,
  FreeBusy1764194000000,
  ClaimedRows1764200000000,
  FreshUntil1764210000000,
  GrantRenewal1764210500000,
  ConnectionAttempts1764211000000,
  Watch1764213000000,
  SharedGrant1764214000000,
  AttemptSteps1764215000000,
  FocusTime1764216000000,
  ChannelAddress1764217000000,
  RequestBudget1764218000000,
  AttemptPassword1764219000000,
  RequestPlaces1764221000000,
  Directory1764222000000,
  Inbox1764223000000,
  Broker1764224000000,
  SignInHours1764228000000,
  TopicPosition1764226000000,
  Telling1764230000000,
];

const UNDEFINED_TABLE = '42P01';

const areAllRun = async (pool: pg.Pool): Promise<boolean> => {
  const names = MIGRATIONS.map((each) => new each().name);
  const { rowCount } = await pool.query('select name from migrations where name = any($1)', [names]).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return { rowCount: 0 };
    throw error;
  });
  return rowCount === names.length;
};

/**
 * Brings the tables up to date. Several processes may start at once: one does it, the others wait for it. TypeORM is loaded only when something
 * is to be done, because loading it costs each thread as much time as all else that the database needs. `settings`: of the pool.
 */
export const bringUpToDate = async (pool: pg.Pool, url: string, settings: pg.PoolConfig): Promise<void> => {
  if (await areAllRun(pool)) return;
  const { DataSource } = await import('typeorm');
  const source = new DataSource({ type: 'postgres', url, migrations: MIGRATIONS, migrationsTransactionMode: 'each', extra: settings });
  await source.initialize();
  const runner = source.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock(490)');
    await source.runMigrations();
  } finally {
    // The lock goes with its connection.
    await runner.release();
    await source.destroy();
  }
};
