import { pace } from '../sync/feed.pace.js';
import { syncCalendar } from '../sync/sync.run.js';
import { tellRuns } from '../sync/sync.state.js';
import { serverOf } from '../connection/account.door.js';
import { type ConnectionRow } from '../connection/connection.record.js';
import { faultReporter, keyGoneReporter, recoveryReporter, tendConnection } from '../connection/connection.worker.js';
import { type DueRuntime, workOff } from '../infra/postgres/due-work.postgres.js';
import { reached } from '../infra/postgres/read-models.postgres.js';
import { solitude } from '../infra/postgres/solitude.js';
import { type DueTask } from '../kernel/due-work.js';
import { observedTask } from './observed.js';
import { openProviders } from './providers.js';
import { type RoleBody } from './role.body.js';
import { CONNECTIONS, type Runtime } from './runtime.js';
import { type Work } from './supervised.js';
import { warmUpSync } from './warm-up.js';

/** The projection that everybody's feeds wait for. */
const OCCURRENCES = 'user_calendar_events';

/** Work waits for servers, of which some hang until they time out. Each has few of the places, all that are slow at most half, and everybody else goes on. */
const CALENDARS_AT_ONCE = 20;
const CALENDARS_OF_A_SERVER = 4;
const CONNECTIONS_AT_ONCE = 10;
const CONNECTIONS_OF_A_SERVER = 2;

const observed = <Row extends object>({ clock, metrics }: Runtime, queue: string, task: DueTask<Row>): DueTask<Row> =>
  observedTask(queue, task, clock.now, metrics);

const syncing = (runtime: DueRuntime & Runtime): Work => {
  const due = {
    table: 'sync_state',
    key: 'calendar_id',
    order: `lane <> 'hot', due_at`,
    concurrency: CALENDARS_AT_ONCE,
    crowds: { member: 'connection_id', named: 'provider', width: CALENDARS_OF_A_SERVER, exempt: 'false', groupOf: serverOf(runtime.vault) },
    person: 'user_id',
    onTrouble: tellRuns(runtime),
    task: observed(
      runtime,
      'sync_state',
      syncCalendar({
        ...runtime,
        pace: pace(() => reached(runtime.database, OCCURRENCES)),
        reportFault: faultReporter(runtime),
        reportRecovery: recoveryReporter(runtime),
        reportKeyGone: keyGoneReporter(runtime),
      }),
    ),
  } as const;
  return (signal) => workOff(runtime, due, signal);
};

const tending = (runtime: DueRuntime & Runtime): Work => {
  const server = serverOf(runtime.vault);
  const due = {
    table: 'connection_state',
    key: 'connection_id',
    // Who revokes waits for no server.
    order: `task <> 'revoke', due_at`,
    concurrency: CONNECTIONS_AT_ONCE,
    crowds: {
      member: 'connection_id',
      named: 'provider',
      width: CONNECTIONS_OF_A_SERVER,
      exempt: `task = 'revoke'`,
      groupOf: (row: ConnectionRow) => (row.task === 'revoke' ? Promise.resolve(null) : server(row)),
    },
    person: 'user_id',
    isLasting: ({ task }: ConnectionRow) => task === 'revoke',
    task: observed(runtime, 'connection_state', tendConnection(runtime)),
  } as const;
  return (signal) => workOff(runtime, due, signal);
};

/** Reads calendars from their services, and tends the accounts they belong to. */
export const sync: RoleBody = {
  connections: CONNECTIONS,
  openProviders,
  worksOf: (runtime) => {
    const together = { ...runtime, solitude: solitude() };
    return {
      lasting: new Map([
        ['sync_state', syncing(together)],
        ['connection_state', tending(together)],
      ]),
      first: [(signal) => warmUpSync(runtime.clock, signal)],
    };
  },
};
