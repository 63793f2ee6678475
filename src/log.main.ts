import { Misconfigured, readConfig } from './config.js';
import { repairConnections } from './connection/older-log.repair.js';
import { reachStores } from './engines.js';
import { connectEventStore } from './infra/eventstore/event-store.client.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { openDatabase, type Postgres } from './infra/postgres/database.typeorm.js';
import { beginAnew, holdProjections } from './infra/postgres/lost-events.postgres.js';
import { systemClock } from './infra/system.clock.js';
import { systemEntropy } from './infra/system.entropy.js';
import { type EventStore } from './kernel/event-store.js';
import { PROJECTIONS } from './workers.js';

// The program behind `npm run log:accept`.

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const acceptLog = async (database: Postgres, store: EventStore): Promise<void> => {
  // A store that is away must not be taken for one that knows nothing.
  await store.head();
  const session = await database.session();
  try {
    await holdProjections(
      session,
      PROJECTIONS.map(({ name }) => name),
    );
    const tables = PROJECTIONS.flatMap((projection) => projection.tables);
    const { forgotten, revoked } = await beginAnew(session, tables, systemClock.now(), () =>
      repairConnections({ sql: session, store, clock: systemClock, entropy: systemEntropy }),
    );
    say('Start the service: it builds its read models from this log, and reads every calendar whole.');
    say(`Connections made after this log, which their owners have to make again: ${forgotten}.`);
    say(`Connections revoked after this log, which are revoked in it now: ${revoked}.`);
  } finally {
    await session.release();
  }
};

const main = async (): Promise<void> => {
  const config = readConfig();
  const log = pinoLog({ level: 'error', format: config.production || !process.stdout.isTTY ? 'json' : 'text' });
  const engines = await reachStores(config, log);
  try {
    const database = await openDatabase(engines.databaseUrl, log, 2);
    const { store, close } = connectEventStore(engines.eventStoreUrl, systemEntropy.uuid, log);
    try {
      await acceptLog(database, store);
    } finally {
      await close();
      await database.close();
    }
  } finally {
    await engines.stop();
  }
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(error instanceof Misconfigured ? `${reason}\n` : `The log was not accepted: ${reason}\nRun it again.\n`);
    process.exit(1);
  },
);
