import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Config } from './config.js';
import { type EngineAddresses } from './engines.js';
import { type LogSettings } from './infra/logging/log.pino.js';
import { type MetricsSnapshot, type PrometheusMetrics } from './infra/metrics.prometheus.js';
import { type HealthChecks } from './kernel/health.js';
import { type Log } from './kernel/log.js';

/** What the thread is given; it makes everything else itself. */
export type SyncThreadData = Readonly<{
  config: Config;
  engines: EngineAddresses;
  logSettings: LogSettings;
}>;

/** What the thread is told: to end, or to answer its numbers. */
export type FromMain = 'stop' | 'metrics';

const PAUSE = 1_000;

/** A thread that is busy answers late; until then its last numbers stand. */
const PATIENCE = 1_000;

/** Asks whichever thread lives for its numbers. */
const numbersOf = (current: () => Worker | null): (() => Promise<MetricsSnapshot>) => {
  let last: MetricsSnapshot = [];
  return async () => {
    const thread = current();
    if (thread === null) return last;
    const answered = new AbortController();
    const answer = once(thread, 'message', { signal: answered.signal }).then(([snapshot]: MetricsSnapshot[]) => {
      last = snapshot ?? last;
    });
    thread.postMessage('metrics' satisfies FromMain);
    await Promise.race([answer.catch(() => undefined), sleep(PATIENCE, undefined, { signal: answered.signal }).catch(() => undefined)]);
    answered.abort();
    return last;
  };
};

/**
 * Syncs in a thread of their own: reading thousands of events keeps a core busy for seconds, in which the API and the projections must go on.
 * A thread that ends by itself is started again. Answers the way to stop it, which waits for running syncs to let go.
 */
export const startSyncThread = (
  data: SyncThreadData,
  log: Log,
  { health, metrics }: Readonly<{ health: HealthChecks; metrics: PrometheusMetrics }>,
): (() => Promise<void>) => {
  const stopping = new AbortController();
  let thread: Worker | null = null;
  const live = (): Promise<void> =>
    new Promise((resolve) => {
      thread = new Worker(new URL('./sync.thread.js', import.meta.url), {
        workerData: data,
        // Much is read and soon forgotten: a large nursery spares most of the collector's work. The limit, twice what twenty calendars of a hundred
        // thousand events have in use when they are read at once, makes it look through the rest in time; without one garbage gathers first.
        resourceLimits: { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 768 },
      });
      thread.on('error', (error) => {
        log.error('the sync thread failed', error);
      });
      thread.once('exit', () => {
        thread = null;
        resolve();
      });
    });
  const keepAlive = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await live();
      await sleep(PAUSE, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const alive = keepAlive();
  metrics.include(numbersOf(() => thread));
  health.add('sync', () => (thread === null ? { ok: false, detail: 'the sync thread is being started again' } : { ok: true }));
  return async () => {
    stopping.abort();
    thread?.postMessage('stop' satisfies FromMain);
    await alive;
  };
};
