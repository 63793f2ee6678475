import { type CleanUp } from '../../kernel/clean-up.js';
import { HOUR, instant } from '../../kernel/clock.js';
import { type DueTask } from '../../kernel/due-work.js';
import { type Metrics } from '../../kernel/metrics.js';
import { type DueRuntime, workOff } from './due-work.postgres.js';

type CleanUpRow = Readonly<{ name: string }>;

/** Of a row another version of the program made. */
const NOT_OURS = HOUR;

const runOne =
  ({ database, clock, log }: DueRuntime, tasks: ReadonlyMap<string, CleanUp>, metrics: Metrics): DueTask<CleanUpRow> =>
  async ({ name }, lease) => {
    const task = tasks.get(name);
    const removed = (await task?.remove(clock.now(), lease)) ?? 0;
    const now = clock.now();
    await database.query('update clean_up set due_at = $3, last_run_at = $4 where name = $1 and epoch = $2', [
      name,
      lease.epoch,
      instant(now + (task?.every ?? NOT_OURS)),
      instant(now),
    ]);
    if (removed === 0) return;
    log.info('what had outlived its time was removed', { task: name, removed });
    metrics.counter('retention_removed_total', 'Rows and feeds removed because their time had passed', ['task'])({ task: name }, removed);
  };

/** Runs the clean-ups when they are due, one at a time, until aborted. Each is a row of `clean_up`, so any number of processes may do this. */
export const runCleanUps = async (runtime: DueRuntime, tasks: readonly CleanUp[], metrics: Metrics, signal: AbortSignal): Promise<void> => {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  await runtime.database.query(
    'insert into clean_up (name, due_at) select name, $2 from unnest($1::text[]) as task(name) on conflict do nothing',
    [[...byName.keys()], instant(runtime.clock.now())],
  );
  const task = runOne(runtime, byName, metrics);
  // What has outlived its time may not stay because removing it fails.
  const isLasting = (): boolean => true;
  await workOff<CleanUpRow>(runtime, { table: 'clean_up', key: 'name', order: 'due_at', concurrency: 1, task, isLasting }, signal);
};
