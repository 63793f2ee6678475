import 'reflect-metadata';
import { AppModule } from './app.module.js';
import { Misconfigured, readConfig } from './config.js';
import { startEngines } from './engines.js';
import { createApp } from './infra/http/http.app.js';
import { healthRegistry } from './infra/http/health.registry.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { prometheusMetrics } from './infra/metrics.prometheus.js';
import { type HealthChecks } from './kernel/health.js';
import { type Log } from './kernel/log.js';
import { openRuntime, type Runtime } from './runtime.js';
import { startSyncThread } from './sync.supervisor.js';
import { welcome } from './welcome.js';
import { startWorkers } from './workers.js';

/** Stops once, in order, on the first signal; a second one changes nothing. */
const stopOnSignals = (log: Log, stop: () => Promise<void>): void => {
  let stopped: Promise<void> | null = null;
  const end = (): void => {
    log.info('stopping');
    stopped ??= stop().then(
      () => {
        log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log.error('stopping failed', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
};

const watchEngines = (health: HealthChecks, { database, store }: Runtime): void => {
  health.add('database', async () => {
    await database.query('select 1');
    return { ok: true };
  });
  health.add('event store', async () => {
    await store.lastRevision('health');
    return { ok: true };
  });
};

const start = async (): Promise<void> => {
  const config = readConfig();
  const logSettings = { level: config.logLevel, format: config.production || !process.stdout.isTTY ? 'json' : 'text' } as const;
  const log = pinoLog(logSettings);
  const engines = await startEngines(config, log);
  const runtime = await openRuntime(config, engines, log);
  const [health, metrics] = [healthRegistry(), prometheusMetrics()];
  watchEngines(health, runtime);
  const stopping = new AbortController();
  const apart = config.roles.has('sync') && config.roles.size > 1;
  const here = new Set([...config.roles].filter((role) => role !== 'sync' || !apart));
  const workers = startWorkers(runtime, here, { health, metrics }, stopping.signal);
  const { databaseUrl, eventStoreUrl, sandbox } = engines;
  const stopSyncs = apart ? startSyncThread({ config, engines: { databaseUrl, eventStoreUrl, sandbox }, logSettings }, log, health) : null;
  const app = await createApp(AppModule.with({ config, runtime, health, metrics }), config, log);
  stopOnSignals(log, async () => {
    stopping.abort();
    await app.close();
    await stopSyncs?.();
    await workers;
    await runtime.close();
    await engines.stop();
  });
  await app.listen(config.http.port, config.http.host);
  log.info('ready', { roles: [...config.roles] });
  if (config.roles.has('api')) process.stdout.write(welcome(config, await app.getUrl(), sandbox));
};

start().catch((error: unknown) => {
  process.stderr.write(
    error instanceof Misconfigured
      ? `${error.message}\n`
      : `The service could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
