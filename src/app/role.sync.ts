import { grantsOf } from '../connection/account.grant.js';
import { crowdOf, secretOnce } from '../connection/account.proof.js';
import { connectionRuns } from '../connection/connection.runs.js';
import { faultReporter, keyGoneReporter, recoveryReporter } from '../connection/connection.worker.js';
import { reached } from '../infra/postgres/read-models.postgres.js';
import { solitude } from '../infra/postgres/solitude.js';
import { type HealthChecks } from '../kernel/health.js';
import { type Pace, pace } from '../sync/feed.pace.js';
import { sweepOf } from '../sync/sweep.sql.js';
import { syncRuns } from '../sync/sync.runs.js';
import { watchRuns } from '../watch/watch.runs.js';
import { openProviders } from './providers.js';
import { workerOf } from './queue.js';
import { type RoleBody, type Works } from './role.body.js';
import { CONNECTIONS, type Runtime } from './runtime.js';
import { warmUpSync } from './warm-up.js';

/** The projection that everybody's feeds wait for. */
const OCCURRENCES = 'user_calendar_events';

// Loaded with the thread, while the engines are started.
const [syncing, tending, watching, lookAgain] = await Promise.all([
  syncRuns.queue(),
  connectionRuns.queue(),
  watchRuns.queue(),
  watchRuns.lookAgain(),
]);

/** The same pace, and whether anything was given room: real calendars are read. */
const noticingWork = ({ enter }: Pace) => {
  let isAtWork = false;
  const room: Pace = {
    enter: (...chunk) => {
      isAtWork = true;
      return enter(...chunk);
    },
  };
  return { room, isAtWork: () => isAtWork };
};

const worksOf = (runtime: Runtime, health: HealthChecks): Works => {
  runtime.mistakes.addChecks(health, 'calendars');
  const { database, store, vault, providers, clock, entropy, log, mostListed, pollWithin, webhookOf } = runtime;
  const connection = { store, database, vault, providers, clock, entropy };
  const secretOf = secretOnce(vault);
  const grantOf = grantsOf(connection, secretOf);
  const sweep = sweepOf(database, pollWithin);
  const together = { ...runtime, solitude: solitude() };
  const { room, isAtWork } = noticingWork(pace(() => reached(database, OCCURRENCES)));
  const calendars = syncing({
    ...{ database, store, vault, providers, clock, entropy, log, mostListed, sweep },
    pace: room,
    reportFault: faultReporter(connection),
    reportRecovery: recoveryReporter(connection),
    reportKeyGone: keyGoneReporter(connection),
    grantOf,
    crowdOf: crowdOf(secretOf),
  });
  const channels = watching({ database, store, vault, providers, clock, entropy, grantOf, webhookOf, sweep });
  const webhooks = new Map<string, string>();
  for (const name of providers.keys()) {
    const address = webhookOf(name);
    if (address !== null) webhooks.set(name, address);
  }
  return {
    lasting: new Map([
      ['sync_state', workerOf(together, calendars)],
      ['watch_state', workerOf(together, channels)],
      ['connection_state', workerOf(together, tending(connection))],
    ]),
    first: [(signal) => warmUpSync({ clock, signal, isAtWork }), () => lookAgain(database, clock, webhooks)],
  };
};

/** Reads calendars from their services, and tends the accounts they belong to. */
export const sync: RoleBody = { connections: CONNECTIONS, openProviders, worksOf };
