import { parentPort, workerData } from 'node:worker_threads';
import { healthRegistry } from './infra/http/health.registry.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { prometheusMetrics } from './infra/metrics.prometheus.js';
import { measurePool } from './measures.js';
import { openRuntime } from './runtime.js';
import { type FromMain, type SyncThreadData } from './sync.supervisor.js';
import { startWorkers } from './workers.js';

// The body of the thread that `startSyncThread` starts: the role `sync`, with connections of its own, until it is told to stop.
const { config, engines, logSettings } = workerData as SyncThreadData;
const log = pinoLog(logSettings);
const metrics = prometheusMetrics('sync');
const runtime = await openRuntime(config, engines, { log, metrics });
measurePool(runtime, metrics, 'sync');
const stopping = new AbortController();
parentPort?.on('message', (asked: FromMain) => {
  if (asked === 'stop') stopping.abort();
  else void metrics.snapshot().then((snapshot) => parentPort?.postMessage(snapshot));
});
await startWorkers(runtime, new Set(['sync']), healthRegistry(), stopping.signal);
await runtime.close();
// Ends this thread alone; channels of the event store's client would keep it.
process.exit(0);
