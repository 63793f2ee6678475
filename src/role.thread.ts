import { parentPort, workerData } from 'node:worker_threads';
import { healthRegistry } from './infra/http/health.registry.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { prometheusMetrics } from './infra/metrics.prometheus.js';
import { measurePool } from './measures.js';
import { type FromMain, type FromThread, type RoleThreadData } from './role.supervisor.js';
import { CONNECTIONS, openRuntime } from './runtime.js';
import { startWorkers } from './workers.js';

/** One for each projection, and some for what cleans up beside them. */
const CONNECTIONS_OF_PROJECTOR = 12;

// The body of the thread that `startRoleThread` starts: some roles, with connections of their own, until it is told to stop.
const { name, roles, config, engines, logSettings } = workerData as RoleThreadData;
const log = pinoLog(logSettings);
const [metrics, health] = [prometheusMetrics(name), healthRegistry()];
const runtime = await openRuntime(config, engines, {
  log,
  metrics,
  connections: roles.includes('sync') ? CONNECTIONS : CONNECTIONS_OF_PROJECTOR,
});
measurePool(runtime, metrics, name);
const stopping = new AbortController();
const answers = { health: health.run, metrics: metrics.snapshot };
parentPort?.on('message', (from: FromMain) => {
  if (from.tell === 'stop') stopping.abort();
  else
    void answers[from.tell]().then((answer) => {
      parentPort?.postMessage({ question: from.question, answer } satisfies FromThread);
    });
});
await startWorkers(runtime, new Set(roles), health, stopping.signal);
await runtime.close();
// Ends this thread alone; channels of the event store's client would keep it.
process.exit(0);
