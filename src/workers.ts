import { type AccountEvent } from './calendar/account-events.js';
import { calendarCodec, feedCodec } from './calendar/calendar.codec.js';
import { calendars } from './calendar/calendars.projection.js';
import { schedule } from './calendar/schedule.projection.js';
import { syncCalendar } from './calendar/sync.run.js';
import { connectionCodec } from './connection/connection.codec.js';
import { faultReporter, recoveryReporter, tendConnection } from './connection/connection.worker.js';
import { connections } from './connection/connections.projection.js';
import { anyOf } from './infra/codec.zod.js';
import { cleanUpsOf } from './clean-ups.js';
import { runCleanUps } from './infra/postgres/clean-up.postgres.js';
import { workOff } from './infra/postgres/due-work.postgres.js';
import { type RebuildProgress, rebuildProjection } from './infra/postgres/projection.rebuild.js';
import { type Progress, runProjection } from './infra/postgres/projection.runner.js';
import { type Message } from './kernel/decider.js';
import { type HealthChecks } from './kernel/health.js';
import { type Metrics } from './kernel/metrics.js';
import { type Projection } from './kernel/projection.js';
import { type MergedEvent, userCalendarEvents } from './merged-events/user-calendar-events.projection.js';
import { preferenceCodec } from './preference/preference.codec.js';
import { preferences } from './preference/preferences.projection.js';
import { type Role } from './config.variables.js';
import { type Runtime } from './runtime.js';
import { warmUp } from './warm-up.js';

/** A projection with the type of its events closed in, so that all of them fit one list. */
const runnable = <E extends Message>(projection: Projection<E>) => ({
  name: projection.name,
  follows: projection.follows,
  tables: projection.tables,
  run: (runtime: Runtime, progress: Progress, signal: AbortSignal): Promise<void> => runProjection(runtime, projection, progress, signal),
  rebuild: (stores: Pick<Runtime, 'database' | 'store'>, report: (progress: RebuildProgress) => void, signal: AbortSignal): Promise<void> =>
    rebuildProjection(stores, projection, report, signal),
});

const accountCodec = anyOf<AccountEvent>(connectionCodec, calendarCodec);

/** Every read model there is; a name takes part in locks and checkpoints, and never changes its meaning. */
export const PROJECTIONS = [
  runnable(connections),
  runnable(calendars(accountCodec)),
  runnable(schedule(accountCodec)),
  runnable(preferences),
  runnable(userCalendarEvents(anyOf<MergedEvent>(connectionCodec, calendarCodec, feedCodec, preferenceCodec))),
] as const;

const CONNECTIONS_AT_ONCE = 4;
const CALENDARS_AT_ONCE = 4;

/** Runs what a process does besides answering requests, until aborted; resolves when all of it has come to rest. */
export const startWorkers = (
  runtime: Runtime,
  roles: ReadonlySet<Role>,
  { health, metrics }: Readonly<{ health: HealthChecks; metrics: Metrics }>,
  signal: AbortSignal,
): Promise<unknown> => {
  const work: Promise<void>[] = [];
  if (roles.has('projector')) {
    work.push(runCleanUps(runtime, cleanUpsOf(runtime), metrics, signal));
    for (const projection of PROJECTIONS) {
      const progress: Progress = { name: projection.name, running: false, live: false, position: null, failure: null };
      health.add(`projection ${projection.name}`, () => standing(progress));
      work.push(projection.run(runtime, progress, signal));
    }
  }
  if (roles.has('sync') || roles.has('projector')) work.push(warmUp(runtime.clock.now(), signal));
  if (roles.has('sync')) {
    const sync = syncCalendar({ ...runtime, reportFault: faultReporter(runtime), reportRecovery: recoveryReporter(runtime) });
    const oldest = `lane <> 'hot', due_at`;
    work.push(
      workOff(runtime, { table: 'sync_state', key: 'calendar_id', order: oldest, concurrency: CALENDARS_AT_ONCE, task: sync }, signal),
      workOff(
        runtime,
        {
          table: 'connection_state',
          key: 'connection_id',
          order: 'due_at',
          concurrency: CONNECTIONS_AT_ONCE,
          task: tendConnection(runtime),
        },
        signal,
      ),
    );
  }
  return Promise.all(work);
};

/** Standing by is healthy: another process holds the lock. */
const standing = ({ failure, running, live }: Progress) => {
  if (failure !== null) return { ok: false, detail: `stopped by ${failure}, trying again` };
  return { ok: true, detail: running ? (live ? 'live' : 'catching up') : 'standing by' };
};
