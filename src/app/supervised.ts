import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../kernel/clock.js';
import { type HealthChecks } from '../kernel/health.js';
import { type Log } from '../kernel/log.js';
import { type Metrics } from '../kernel/metrics.js';

/** A worker runs until its signal is aborted. */
export type Work = (signal: AbortSignal) => Promise<unknown>;

type Runtime = Readonly<{ log: Log; metrics: Pick<Metrics, 'counter'>; health: Pick<HealthChecks, 'add'>; firstPause?: number }>;

const LONGEST_PAUSE = MINUTE;

/** A worker that has run this long is well again. */
const SETTLED = MINUTE;

/**
 * Runs a worker until aborted, and never rejects: one that ends by itself is logged, counted, shown on health and started again, after pauses
 * that grow from a second to a minute. Nothing else of the process ends with it.
 */
export const supervised = async (
  { log, metrics, health, firstPause = SECOND }: Runtime,
  name: string,
  work: Work,
  signal: AbortSignal,
): Promise<void> => {
  let [failures, startedAt] = [0, performance.now()];
  const ended = metrics.counter('worker_ends_total', 'Workers that ended by themselves and were started again', ['worker']);
  const isSettled = (): boolean => performance.now() - startedAt > SETTLED;
  health.add(`worker ${name}`, () =>
    failures === 0 || isSettled() ? { ok: true } : { ok: false, detail: `ended ${failures} times, and is started again` },
  );
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    startedAt = performance.now();
    try {
      await work(signal);
      if (isOver()) return;
      log.error('a worker ended and is started again', new Error('it was not told to'), { worker: name });
    } catch (error) {
      log.error('a worker failed and is started again', error, { worker: name });
      if (isOver()) return;
    }
    failures = isSettled() ? 1 : failures + 1;
    ended({ worker: name });
    await sleep(Math.min(firstPause * 2 ** (failures - 1), LONGEST_PAUSE), undefined, { signal }).catch(() => undefined);
  }
};
