import { type Config, Misconfigured, readConfig } from './config/service.config.js';
import { type Engines, startEngines } from './app/engines.js';
import { isPortFree } from './infra/http/free-port.check.js';
import { healthRegistry } from './infra/http/health.registry.js';
import { type LogSettings, pinoLog } from './infra/logging/log.pino.js';
import { prometheusMetrics } from './infra/telemetry/metrics.prometheus.js';
import { type Log } from './kernel/log.js';
import { type PlayableRole } from './app/role.body.js';
import { startRoleThread } from './app/role.supervisor.js';
import { cast } from './app/roles.js';
import { type Runtime } from './app/runtime.js';
import { startInOrder, type Stops } from './app/stops.js';
import { checkTopics } from './app/topics-check.js';

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

/** Before any engine is started for nothing. */
const checkPorts = async ({ http: { port, operationsPort, host } }: Config): Promise<void> => {
  for (const [name, wanted] of Object.entries({ PORT: port, OPERATIONS_PORT: operationsPort }))
    if (wanted !== null && !(await isPortFree(wanted, host)))
      throw new Misconfigured([`${name} ${wanted} is taken by another program: set ${name} to another, or to 0 for any free one.`]);
};

type Given = Readonly<{ config: Config; log: Log; logSettings: LogSettings }>;

/** Plays a role in this thread. */
const startHere = async (role: PlayableRole, runtime: Runtime, health: ReturnType<typeof healthRegistry>, stops: Stops): Promise<void> => {
  const stopping = new AbortController();
  const { rested } = await role.start({ open: () => Promise.resolve(runtime), health, signal: stopping.signal });
  stops.push(async () => {
    stopping.abort();
    await rested;
  });
};

/** Starts the engines. `launched`: the first of them is on its way, or there is none to wait for; the program is loaded meanwhile. */
const launchEngines = (config: Config, log: Log): Readonly<{ starting: Promise<Engines>; launched: Promise<void> }> => {
  let onLaunched = (): void => undefined;
  const launched = new Promise<void>((resolve) => (onLaunched = resolve));
  const starting = startEngines(config, log, onLaunched);
  starting.then(onLaunched, onLaunched);
  return { starting, launched };
};

/**
 * Starts everything, and puts the way to stop each part onto `stops`. The engines are started while the program is loaded, here and in each thread:
 * together that takes as long as the longest of them. The threads begin when the tables are up to date.
 */
const startParts = async ({ config, log, logSettings }: Given, stops: Stops): Promise<void> => {
  const parts = { config, log, health: healthRegistry(), metrics: prometheusMetrics() };
  const { apart, here } = cast(config.roles, { brokers: config.kafka !== null });
  const { starting, launched } = launchEngines(config, log);
  stops.push(() =>
    starting.then(
      ({ stop }) => stop(),
      () => undefined,
    ),
  );
  const open = async (): Promise<Readonly<{ engines: Engines; runtime: Runtime }>> => {
    // Loading keeps this thread busy for a third of a second, in which nothing would be launched.
    await launched;
    const [engines, { openProcess }] = await Promise.all([starting, import('./app/serving.js')]);
    return { engines, runtime: await openProcess(parts, engines, stops) };
  };
  const opening = open();
  const addresses = async () => {
    const { databaseUrl, eventStoreUrl, sandbox } = (await opening).engines;
    return { databaseUrl, eventStoreUrl, sandbox };
  };
  const threads = apart.map(({ name }) => startRoleThread({ name, role: name, config, logSettings }, addresses(), log, parts));
  // Threads are stopped before what they work with, also when that cannot be opened.
  const { engines, runtime } = await opening.finally(() => stops.push(...threads.map(({ stop }) => stop)));
  for (const role of here.filter(({ late }) => !late)) await startHere(role, runtime, parts.health, stops);
  const { serve } = await import('./app/serving.js');
  await serve(parts, engines, runtime, { stops, ready: Promise.all(threads.map(({ tried }) => tried)) });
  for (const role of here.filter(({ late }) => late)) await startHere(role, runtime, parts.health, stops);
};

const main = async (): Promise<void> => {
  const config = readConfig();
  await checkPorts(config);
  const logSettings: LogSettings = { level: config.logLevel, format: config.production || !process.stdout.isTTY ? 'json' : 'text' };
  const log = pinoLog(logSettings);
  await checkTopics(config, log);
  const starting = startInOrder((stops) => startParts({ config, log, logSettings }, stops)).then(({ stop }) => stop);
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
