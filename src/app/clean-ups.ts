import { calendarCleanUps } from '../sync/feeds.cleanup.js';
import { vaultCleanUps } from '../connection/vault.cleanup.js';
import { logCleanUps } from '../infra/eventstore/scavenge.cleanup.js';
import { requestCleanUps } from '../infra/http/requests.cleanup.js';
import { teamCleanUps } from '../infra/postgres/teams.postgres.js';
import { asideCleanUp } from '../infra/postgres/set-aside.postgres.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { occurrenceCleanUps } from '../merged-events/occurrences.cleanup.js';
import { type Runtime } from './runtime.js';

/** Everything that is removed when its time has come. A table whose rows grow old has its clean-up here. */
export const cleanUpsOf = (runtime: Runtime): readonly CleanUp[] => [
  ...occurrenceCleanUps(runtime.database),
  asideCleanUp(runtime.database),
  ...calendarCleanUps(runtime),
  ...vaultCleanUps(runtime),
  ...teamCleanUps(runtime.database),
  ...requestCleanUps(runtime.database),
  ...logCleanUps(runtime),
];
