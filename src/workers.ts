import { type AccountEvent } from './calendar/account-events.js';
import { calendarFamily, feedFamily } from './calendar/calendar.codec.js';
import { calendars } from './calendar/calendars.projection.js';
import { schedule } from './calendar/schedule.projection.js';
import { syncCalendar } from './calendar/sync.run.js';
import { tellRuns } from './calendar/sync.state.js';
import { zonesFamily } from './calendar/zone-change.codec.js';
import { keepBringingZoneRules } from './calendar/zone-change.handler.js';
import { serverOf } from './connection/account.door.js';
import { connectionFamily } from './connection/connection.codec.js';
import { type ConnectionRow } from './connection/connection.record.js';
import { faultReporter, keyGoneReporter, recoveryReporter, tendConnection } from './connection/connection.worker.js';
import { connections } from './connection/connections.projection.js';
import { cleanUpsOf } from './clean-ups.js';
import { runCleanUps } from './infra/postgres/clean-up.postgres.js';
import { type DueRuntime, workOff } from './infra/postgres/due-work.postgres.js';
import { solitude } from './infra/postgres/solitude.js';
import { type RebuildProgress, rebuildProjection } from './infra/postgres/projection.rebuild.js';
import { type Progress, runProjection, unstarted } from './infra/postgres/projection.runner.js';
import { asideByCode } from './infra/postgres/set-aside.postgres.js';
import { type Message } from './kernel/decider.js';
import { type DueTask } from './kernel/due-work.js';
import { type EventFamily } from './kernel/event-store.js';
import { type HealthChecks } from './kernel/health.js';
import { type Projection } from './kernel/projection.js';
import { type PlacementRow } from './merged-events/placement.rows.js';
import { placeDue } from './merged-events/placement.worker.js';
import { userCalendarEvents } from './merged-events/user-calendar-events.projection.js';
import { preferenceFamily } from './preference/preference.codec.js';
import { preferences } from './preference/preferences.projection.js';
import { type Role } from './config.variables.js';
import { measureProjections } from './measures.js';
import { observedProjection, observedTask } from './observed.js';
import { type Runtime } from './runtime.js';
import { supervised, type Work } from './supervised.js';
import { warmUpProjection, warmUpSync } from './warm-up.js';

/** A projection with the type of its events closed in, so that all of them fit one list. */
const runnable = <E extends Message>(projection: Projection<E>) => ({
  name: projection.name,
  families: projection.families.map(({ category }) => ({ category })),
  tables: projection.tables,
  run: (runtime: Runtime, progress: Progress, signal: AbortSignal): Promise<void> =>
    runProjection(runtime, observedProjection(projection, runtime.metrics), progress, signal),
  rebuild: (stores: Pick<Runtime, 'database' | 'store'>, report: (progress: RebuildProgress) => void, signal: AbortSignal): Promise<void> =>
    rebuildProjection(stores, projection, report, signal),
});

const accounts: readonly EventFamily<AccountEvent>[] = [connectionFamily, calendarFamily];

/** Every read model there is; a name takes part in locks and checkpoints, and is permanent. */
export const PROJECTIONS = [
  runnable(connections),
  runnable(calendars(accounts)),
  runnable(schedule(accounts)),
  runnable(preferences),
  runnable(userCalendarEvents([...accounts, feedFamily, preferenceFamily, zonesFamily])),
] as const;

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

/** One at a time: each holds the projection up for moments, and none is more urgent than what the log brings. */
const placing = (runtime: DueRuntime & Runtime): Work => {
  const task = observedTask('placement', placeDue(runtime), runtime.clock.now, runtime.metrics);
  return (signal) => workOff<PlacementRow>(runtime, { table: 'placement', key: 'name', order: 'due_at', concurrency: 1, task }, signal);
};

/** Runs what a process does besides answering requests, until aborted; resolves when all of it has come to rest. A worker that fails ends no other. */
export const startWorkers = (runtime: Runtime, roles: ReadonlySet<Role>, health: HealthChecks, signal: AbortSignal): Promise<unknown> => {
  const { metrics } = runtime;
  const together = { ...runtime, solitude: solitude() };
  const workers = new Map<string, Work>();
  const first: Promise<void>[] = [];
  if (roles.has('projector')) {
    workers.set('clean_up', (stopped) => runCleanUps(together, cleanUpsOf(runtime), metrics, stopped));
    workers.set('placement', placing(together));
    first.push(keepBringingZoneRules(runtime, signal));
    const all = PROJECTIONS.map((projection) => {
      const progress = unstarted(projection.name);
      health.add(`projection ${projection.name}`, () => standing(progress));
      workers.set(`projection ${projection.name}`, (stopped) => projection.run(runtime, progress, stopped));
      return progress;
    });
    measureProjections(runtime, metrics, all);
    health.add('calendars set aside', async () => aside(await asideByCode(runtime.database)));
  }
  if (roles.has('projector')) first.push(warmUpProjection(runtime.clock, signal));
  if (roles.has('sync')) {
    first.push(warmUpSync(runtime.clock, signal));
    workers.set('sync_state', syncing(together));
    workers.set('connection_state', tending(together));
  }
  const failed = (error: unknown): void => {
    runtime.log.error('what is done once at the start failed', error);
  };
  return Promise.all([
    ...[...workers].map(([name, work]) => supervised({ log: runtime.log, metrics, health }, name, work, signal)),
    ...first.map((work) => work.catch(failed)),
  ]);
};

/** Everybody else's calendars are well: for operators to look into. */
const aside = (byCode: Awaited<ReturnType<typeof asideByCode>>) => {
  const told = byCode.map(({ code, count }) => `${count} (${code})`).join(', ');
  return { ok: true, detail: told === '' ? 'none' : told };
};

/** Standing by is healthy: another process holds the lock. */
const standing = ({ failure, running, live, rebuilt, outdated }: Progress) => {
  if (rebuilt !== null)
    return { ok: true, detail: `rebuilding, ${Math.floor(rebuilt * 100)} % of the log; the older rows are shown meanwhile` };
  if (outdated && failure === null) return { ok: true, detail: 'standing by for a newer version of the service' };
  if (failure !== null) return { ok: false, detail: `stopped (${failure.code}): ${failure.sentence}` };
  return { ok: true, detail: running ? (live ? 'live' : 'catching up') : 'standing by' };
};
