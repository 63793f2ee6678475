import { type AccountEvent } from '../calendar/account-events.js';
import { calendarFamily } from '../calendar/calendar.codec.js';
import { feedFamily } from '../sync/feed.codec.js';
import { calendars } from '../calendar/calendars.projection.js';
import { schedule } from '../sync/schedule.projection.js';
import { zonesFamily } from '../merged-events/zone-change.codec.js';
import { connectionFamily } from '../connection/connection.codec.js';
import { connections } from '../connection/connections.projection.js';
import { type RebuildProgress, rebuildProjection } from '../infra/postgres/projection.rebuild.js';
import { type Progress, runProjection } from '../infra/postgres/projection.runner.js';
import { type Message } from '../kernel/decider.js';
import { type EventFamily } from '../kernel/event-store.js';
import { type Projection } from '../kernel/projection.js';
import { userCalendarEvents } from '../merged-events/user-calendar-events.projection.js';
import { observedProjection } from './observed.js';
import { preferenceFamily } from '../preference/preference.codec.js';
import { preferences } from '../preference/preferences.projection.js';
import { type Runtime } from './runtime.js';

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
