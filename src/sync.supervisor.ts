import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Config } from './config.js';
import { type EngineAddresses } from './engines.js';
import { type LogSettings } from './infra/logging/log.pino.js';
import { type HealthChecks } from './kernel/health.js';
import { type Log } from './kernel/log.js';

/** What the thread is given; it makes everything else itself. */
export type SyncThreadData = Readonly<{
  config: Config;
  engines: EngineAddresses;
  logSettings: LogSettings;
}>;

const PAUSE = 1_000;

/**
 * Syncs in a thread of their own: reading thousands of events keeps a core busy for seconds, in which the API and the projections must go on.
 * A thread that ends by itself is started again. Answers the way to stop it, which waits for running syncs to let go.
 */
export const startSyncThread = (data: SyncThreadData, log: Log, health: HealthChecks): (() => Promise<void>) => {
  const stopping = new AbortController();
  let thread: Worker | null = null;
  const live = (): Promise<void> =>
    new Promise((resolve) => {
      thread = new Worker(new URL('./sync.thread.js', import.meta.url), {
        workerData: data,
        // Much is read and soon forgotten: a large nursery spares most of the collector's work.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
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
  health.add('sync', () => (thread === null ? { ok: false, detail: 'the sync thread is being started again' } : { ok: true }));
  return async () => {
    stopping.abort();
    thread?.postMessage('stop');
    await alive;
  };
};
