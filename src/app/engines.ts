import { type Config } from '../config/service.config.js';
import { machineZone, systemClock } from '../infra/system.clock.js';
import { type Log } from '../kernel/log.js';
import { startInOrder, type Stops } from './stops.js';

/** A CalDAV server with made-up accounts: its address, and the origins it may be called at although they are on this machine. */
export type SandboxAddress = Readonly<{ url: string; origins: readonly string[] }>;

/** Where everything is that a process needs to reach; survives being sent to a thread. */
export type EngineAddresses = Readonly<{ databaseUrl: string; eventStoreUrl: string; sandbox: SandboxAddress | null }>;

/** Where the engines are, and how to stop those that were started here. */
export type Engines = EngineAddresses & Readonly<{ stop: () => Promise<void> }>;

type Say = (message: string) => void;

/** Beside the API's port if that is free: an address to remember. */
const startSandbox = async ({ dataDir, http }: Config, log: Say): Promise<SandboxAddress & Readonly<{ stop: () => Promise<void> }>> => {
  const { startSandboxAgain } = await import('../embedded/caldav.sandbox.js');
  const port = http.port === 0 ? 0 : http.port + 1;
  return startSandboxAgain({ dataDir, port, timeZone: machineZone(), clock: systemClock, log });
};

/** The log must not share a database with the read models. */
const LOG_DATABASE = 'eventstore';

type Stores = Pick<EngineAddresses, 'databaseUrl' | 'eventStoreUrl'>;

const startStores = async (
  { dataDir, databaseUrl, eventStoreUrl }: Config,
  { say, onLaunched = () => undefined }: Readonly<{ say: Say; onLaunched?: () => void }>,
  stops: Stops,
): Promise<Stores> => {
  if (databaseUrl !== null && eventStoreUrl !== null) return { databaseUrl, eventStoreUrl };
  const { ownFolder, leaveAddresses } = await import('../embedded/owner.file.js');
  stops.push(await ownFolder(dataDir));
  const database = async (): Promise<string> => {
    if (databaseUrl !== null) return databaseUrl;
    const { startPostgres } = await import('../embedded/postgres.process.js');
    const postgres = await startPostgres({ dataDir, databases: ['juy'], log: say, onLaunched });
    stops.push(postgres.stop);
    return postgres.url('juy');
  };
  const log = async (beside: Promise<string>): Promise<string> => {
    if (eventStoreUrl !== null) return eventStoreUrl;
    const { startEventStore } = await import('../embedded/eventstore.process.js');
    const { databaseBeside } = await import('../embedded/postgres.database.js');
    const store = await startEventStore({ dataDir, databaseUrl: beside.then((url) => databaseBeside(url, LOG_DATABASE)), log: say });
    stops.push(store.stop);
    return store.connectionString;
  };
  const opening = database();
  const [opened, logged] = await Promise.allSettled([opening, log(opening)]);
  if (opened.status === 'rejected') throw opened.reason;
  if (logged.status === 'rejected') throw logged.reason;
  const stores = { databaseUrl: opened.value, eventStoreUrl: logged.value };
  await leaveAddresses(dataDir, stores);
  return stores;
};

const sayTo =
  (log: Log): Say =>
  (message) => {
    log.info(message);
  };

/**
 * Starts what no variable names; the embedded engines are loaded only when they are needed. `onLaunched`: the embedded PostgreSQL, which all
 * others wait for, is on its way, and needs this process no more for a while.
 */
export const startEngines = async (config: Config, log: Log, onLaunched: () => void = () => undefined): Promise<Engines> => {
  const { started, stop } = await startInOrder(async (stops): Promise<EngineAddresses> => {
    const stores = await startStores(config, { say: sayTo(log), onLaunched }, stops);
    if (config.providers === 'live') return { ...stores, sandbox: null };
    const sandbox = await startSandbox(config, sayTo(log));
    stops.push(sandbox.stop);
    return { ...stores, sandbox: { url: sandbox.url, origins: sandbox.origins } };
  });
  return { ...started, stop };
};

/** For tools: the stores the variables name, else those of the service that runs in this folder, else ones started for the occasion. */
export const reachStores = async (config: Config, log: Log): Promise<Stores & Pick<Engines, 'stop'>> => {
  const { addressesOfOwner } = await import('../embedded/owner.file.js');
  const running = config.databaseUrl === null || config.eventStoreUrl === null ? await addressesOfOwner(config.dataDir) : null;
  if (running === null) {
    const { started, stop } = await startInOrder((stops) => startStores(config, { say: sayTo(log) }, stops));
    return { ...started, stop };
  }
  return {
    databaseUrl: config.databaseUrl ?? running.databaseUrl,
    eventStoreUrl: config.eventStoreUrl ?? running.eventStoreUrl,
    stop: () => Promise.resolve(),
  };
};
