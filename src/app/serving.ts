import 'reflect-metadata';
import { AppModule } from './app.module.js';
import { areZoneRulesOld, zoneRulesInForce } from '../time/zone-age.js';
import { type Config, Misconfigured } from '../config/service.config.js';
import { type Engines } from './engines.js';
import { createApp } from '../infra/http/http.app.js';
import { portOf, serveOperations, stopServing } from '../infra/http/operations.server.js';
import { type PrometheusMetrics } from '../infra/telemetry/metrics.prometheus.js';
import { lostEvents } from '../infra/postgres/lost-events.postgres.js';
import { rememberLog } from '../infra/postgres/log-name.postgres.js';
import { EngineAway } from '../kernel/engine-away.js';
import { type HealthChecks } from '../kernel/health.js';
import { type Log } from '../kernel/log.js';
import { measureLog, measurePool, measureState, measureWatched, measureZoneRules, watchPush, watchQueues } from './measures.js';
import { openProviders } from './providers.js';
import { CONNECTIONS, openRuntime, type Runtime } from './runtime.js';
import { type Stops } from './stops.js';
import { unheard } from './webhooks.js';
import { polledLine, welcome } from './welcome.js';

/** What a process is made of before its engines have started. */
export type Parts = Readonly<{ config: Config; log: Log; health: HealthChecks; metrics: PrometheusMetrics }>;

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

/** Opens what all routes work with, brings the tables up to date, and checks that the log is the one the read models know. */
export const openProcess = async ({ config, log, health, metrics }: Parts, engines: Engines, stops: Stops): Promise<Runtime> => {
  const runtime = await openRuntime(config, engines, { log, metrics, connections: CONNECTIONS, openProviders });
  stops.push(runtime.close);
  await checkLog(runtime);
  measureState(runtime, metrics);
  measureWatched(runtime, metrics);
  measureLog(runtime, metrics);
  measurePool(runtime, metrics, 'main');
  measureZoneRules(runtime, metrics);
  watchEngines(health, runtime);
  watchZoneRules(health, runtime);
  watchQueues(health, runtime);
  watchPush(health, runtime);
  runtime.mistakes.addChecks(health, 'accounts');
  return runtime;
};

/** `ready`: resolves when it is time to listen, so that the first probe finds all parts at work; health tells which of them failed by then. */
type Serving = Readonly<{ stops: Stops; ready: Promise<unknown> }>;

/** Answers requests, at the operators' own port too when they have one. */
export const serve = async (
  { config, log, health, metrics }: Parts,
  engines: Engines,
  runtime: Runtime,
  serving: Serving,
): Promise<void> => {
  const { stops, ready } = serving;
  const topics = async () => (await import('./topics.js')).describeTopics(config.kafka);
  const app = await createApp(AppModule.with({ config, runtime, health, metrics }), config, log, topics);
  stops.push(() => app.close());
  await ready;
  const operations = await serveOperations(app, config.http);
  if (operations !== null) stops.push(() => stopServing(operations));
  await app.listen(config.http.port, config.http.host);
  log.info('ready', { roles: [...config.roles], operationsPort: portOf(operations) });
  const polled = unheard(config, engines);
  if (polled.length > 0) log.warn(polledLine(polled));
  if (config.roles.has('api')) process.stdout.write(welcome(config, await app.getUrl(), { sandbox: engines.sandbox, unheard: polled }));
};
