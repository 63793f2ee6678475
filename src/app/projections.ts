import { calendarRuns } from '../calendar/calendar.runs.js';
import { connectionRuns } from '../connection/connection.runs.js';
import { type RebuildProgress, rebuildProjection } from '../infra/postgres/projection.rebuild.js';
import { type Progress, runProjection } from '../infra/postgres/projection.runner.js';
import { type Message } from '../kernel/decider.js';
import { type Projection } from '../kernel/projection.js';
import { mergedEventsRuns } from '../merged-events/merged-events.runs.js';
import { preferenceRuns } from '../preference/preference.runs.js';
import { syncRuns } from '../sync/sync.runs.js';
import { observedProjection } from './observed.js';
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

/** Every read model there is, slice by slice; a name takes part in locks and checkpoints, and is permanent. */
export const PROJECTIONS = [
  runnable(connectionRuns.projection),
  runnable(calendarRuns.projection),
  runnable(syncRuns.projection),
  runnable(preferenceRuns.projection),
  runnable(mergedEventsRuns.projection),
] as const;
