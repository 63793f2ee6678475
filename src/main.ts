import 'reflect-metadata';
import { AppModule } from './app.module.js';
import { areZoneRulesOld, zoneRulesInForce } from './calendar/zone-age.js';
import { type Config, Misconfigured, readConfig } from './config.js';
import { type Role } from './config.variables.js';
import { startEngines } from './engines.js';
import { isPortFree } from './infra/http/free-port.check.js';
import { createApp } from './infra/http/http.app.js';
import { healthRegistry } from './infra/http/health.registry.js';
import { portOf, serveOperations, stopServing } from './infra/http/operations.server.js';
import { type LogSettings, pinoLog } from './infra/logging/log.pino.js';
import { prometheusMetrics } from './infra/metrics.prometheus.js';
import { lostEvents } from './infra/postgres/lost-events.postgres.js';
import { rememberLog } from './infra/postgres/log-name.postgres.js';
import { EngineAway } from './kernel/engine-away.js';
import { type HealthChecks } from './kernel/health.js';
import { type Log } from './kernel/log.js';
import { measureLog, measurePool, measureState, measureZoneRules, watchQueues } from './measures.js';
import { startRoleThread } from './role.supervisor.js';
import { CONNECTIONS, openRuntime, type Runtime } from './runtime.js';
import { welcome } from './welcome.js';
import { startWorkers } from './workers.js';

type Stop = () => Promise<void>;

/** Stops once, on the first signal; a second one changes nothing. One that comes during the start waits for its end. */
const stopOnSignals = (log: Log, starting: Promise<Stop>): void => {
  let stopped: Promise<void> | null = null;
  const end = (): void => {
    log.info('stopping');
    stopped ??= starting
      .then((stop) => stop())
      .then(
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

/** Old rules are warned about and stop nothing: most clocks stay as they are. */
const watchZoneRules = (health: HealthChecks, { clock, log }: Runtime): void => {
  health.add('zone rules', () => ({ ok: true, detail: zoneRulesInForce(clock.now()) }));
  if (areZoneRulesOld(clock.now())) log.warn(`zone rules: ${zoneRulesInForce(clock.now())}`);
};

/** A log without events that the read models know would swallow what comes. One that is away is looked at by each projection, before it goes on. */
const checkLog = async (runtime: Runtime): Promise<void> => {
  try {
    const mistake = await lostEvents(runtime.database, runtime.store);
    if (mistake !== null) throw new Misconfigured([mistake]);
    await rememberLog(runtime.database, runtime);
  } catch (error) {
    if (!(error instanceof EngineAway)) throw error;
  }
};

/** Before any engine is started for nothing. */
const checkPorts = async ({ http: { port, operationsPort, host } }: Config): Promise<void> => {
  for (const [name, wanted] of Object.entries({ PORT: port, OPERATIONS_PORT: operationsPort }))
    if (wanted !== null && !(await isPortFree(wanted, host)))
      throw new Misconfigured([`${name} ${wanted} is taken by another program: set ${name} to another, or to 0 for any free one.`]);
};

/**
 * What runs in a thread of its own when the process plays other roles too: reading or projecting thousands of events keeps a core busy for
 * seconds, in which the API must go on. In the order they are started.
 */
const APART: readonly Role[] = ['projector', 'sync'];

type Parts = Readonly<{ config: Config; log: Log; logSettings: LogSettings }>;

/** Starts everything, and puts the way to stop each part onto `stops`. */
const startParts = async ({ config, log, logSettings }: Parts, stops: Stop[]): Promise<void> => {
  const engines = await startEngines(config, log);
  stops.push(engines.stop);
  const [health, metrics] = [healthRegistry(), prometheusMetrics()];
  const runtime = await openRuntime(config, engines, { log, metrics, connections: CONNECTIONS });
  stops.push(runtime.close);
  await checkLog(runtime);
  measureState(runtime, metrics);
  measureLog(runtime, metrics);
  measurePool(runtime, metrics, 'main');
  measureZoneRules(runtime, metrics);
  watchEngines(health, runtime);
  watchZoneRules(health, runtime);
  watchQueues(health, runtime);
  const stopping = new AbortController();
  const apart = config.roles.size === 1 ? [] : APART.filter((role) => config.roles.has(role));
  const here = new Set([...config.roles].filter((role) => !apart.includes(role)));
  const workers = startWorkers(runtime, here, health, stopping.signal);
  stops.push(async () => {
    stopping.abort();
    await workers;
  });
  const { databaseUrl, eventStoreUrl, sandbox } = engines;
  for (const role of apart) {
    const data = { name: role, roles: [role], config, engines: { databaseUrl, eventStoreUrl, sandbox }, logSettings };
    stops.push(startRoleThread(data, log, { health, metrics }));
  }
  const app = await createApp(AppModule.with({ config, runtime, health, metrics }), config, log);
  stops.push(() => app.close());
  const operations = await serveOperations(app, config.http);
  if (operations !== null) stops.push(() => stopServing(operations));
  await app.listen(config.http.port, config.http.host);
  log.info('ready', { roles: [...config.roles], operationsPort: portOf(operations) });
  if (config.roles.has('api')) process.stdout.write(welcome(config, await app.getUrl(), sandbox));
};

/** Answers the way to stop everything, the last part first. When a part does not start, those before it are stopped: no engine is left over. */
const start = async (parts: Parts): Promise<Stop> => {
  const stops: Stop[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse()) await each();
  };
  try {
    await startParts(parts, stops);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
};

const main = async (): Promise<void> => {
  const config = readConfig();
  await checkPorts(config);
  const logSettings: LogSettings = { level: config.logLevel, format: config.production || !process.stdout.isTTY ? 'json' : 'text' };
  const log = pinoLog(logSettings);
  const starting = start({ config, log, logSettings });
  stopOnSignals(log, starting);
  await starting;
};

main().catch((error: unknown) => {
  process.stderr.write(
    error instanceof Misconfigured
      ? `${error.message}\n`
      : `The service could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
