import { readConfig } from '../config/service.config.js';
import { repairConnections } from '../connection/older-log.repair.js';
import { type Postgres } from '../infra/postgres/database.postgres.js';
import { beginAnew, holdProjections } from '../infra/postgres/lost-events.postgres.js';
import { systemClock } from '../infra/system.clock.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { RELAY_NAMES } from '../relay/relay.runs.js';
import { runTool, say, withStores } from './operator.tool.js';
import { PROJECTIONS } from '../app/projections.js';

// The program behind `npm run log:accept`.

const CONNECTIONS = 2;

const acceptLog = async ({ database, store }: Readonly<{ database: Postgres; store: EventStore }>): Promise<void> => {
  // A store that is away must not be taken for one that knows nothing.
  await store.head();
  const session = await database.session();
  try {
    await holdProjections(session, [...PROJECTIONS.map(({ name }) => name), ...Object.values(RELAY_NAMES)]);
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

const main = async (): Promise<number> => {
  await withStores(readConfig(), CONNECTIONS, acceptLog);
  return 0;
};

runTool(main, (reason) => `The log was not accepted: ${reason}\nRun it again.`);
