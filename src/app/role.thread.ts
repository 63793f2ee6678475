import { parentPort, workerData } from 'node:worker_threads';
import { type EngineAddresses } from './engines.js';
import { healthRegistry } from '../infra/http/health.registry.js';
import { pinoLog } from '../infra/logging/log.pino.js';
import { prometheusMetrics } from '../infra/telemetry/metrics.prometheus.js';
import { measurePool } from './measures.js';
import { type FromMain, type FromThread, type RoleThreadData } from './role.supervisor.js';
import { roleNamed } from './roles.js';
import { openRuntime, type Runtime } from './runtime.js';

// The body of the thread that `startRoleThread` starts: a role, with connections of its own, until it is told to stop.
const { name, role, config, logSettings } = workerData as RoleThreadData;
const log = pinoLog(logSettings);
const [metrics, health] = [prometheusMetrics(name), healthRegistry()];
const stopping = new AbortController();
const tell = (message: FromThread): void => parentPort?.postMessage(message);
const answers = { health: health.run, metrics: metrics.snapshot };

/** Null when the thread is told to stop before the engines have started. */
const told = new Promise<EngineAddresses | null>((resolve) => {
  parentPort?.on('message', (from: FromMain) => {
    if (from.tell === 'begin') resolve(from.engines);
    else if (from.tell === 'stop') {
      stopping.abort();
      resolve(null);
    } else
      void answers[from.tell]().then((answer) => {
        tell({ tell: 'answer', question: from.question, answer });
      });
  });
});
const opened: Runtime[] = [];
const { rested } = await roleNamed(role).start({
  open: async (needs) => {
    const engines = await told;
    if (engines === null) return null;
    const runtime = await openRuntime(config, engines, { ...needs, log, metrics });
    opened.push(runtime);
    measurePool(runtime, metrics, name);
    return runtime;
  },
  health,
  signal: stopping.signal,
});
if (opened.length > 0) tell({ tell: 'begun' });
await rested;
for (const runtime of opened) await runtime.close();
// Ends this thread alone; channels of the event store's client would keep it.
process.exit(0);
