import { connectionRuns } from '../connection/connection.runs.js';
import { directoryCleanUps } from '../directory/directory.cleanup.js';
import { brokerCleanUps } from '../embedded/broker/broker.cleanup.js';
import { logCleanUps } from '../infra/eventstore/scavenge.cleanup.js';
import { requestCleanUps } from '../infra/http/requests.cleanup.js';
import { inboxCleanUp } from '../infra/postgres/inbox.postgres.js';
import { asideCleanUp } from '../infra/postgres/set-aside.postgres.js';
import { budgetCleanUp } from '../infra/postgres/request-budget.postgres.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { mergedEventsRuns } from '../merged-events/merged-events.runs.js';
import { syncRuns } from '../sync/sync.runs.js';
import { watchRuns } from '../watch/watch.runs.js';
import { type Runtime } from './runtime.js';

/** Loads everything that is removed when its time has come, slice by slice. A table whose rows grow old has its clean-up in its slice's list. */
export const loadCleanUps = async (): Promise<(runtime: Runtime) => readonly CleanUp[]> => {
  const [mergedEvents, sync, connection, watch] = await Promise.all([
    mergedEventsRuns.cleanUps(),
    syncRuns.cleanUps(),
    connectionRuns.cleanUps(),
    watchRuns.cleanUps(),
  ]);
  return ({ database, store, vault, entropy, operations, clock, log }) => [
    ...mergedEvents(database),
    asideCleanUp(database),
    ...sync({ database, store, entropy }),
    ...connection({ database, store, vault }),
    ...watch(database),
    ...directoryCleanUps(database),
    ...brokerCleanUps(database),
    ...requestCleanUps(database),
    budgetCleanUp(database),
    inboxCleanUp(database),
    ...logCleanUps({ database, operations, clock, log }),
  ];
};
