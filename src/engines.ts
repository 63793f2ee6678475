import { type Config } from './config.js';
import { machineZone, systemClock } from './infra/system.clock.js';
import { type Log } from './kernel/log.js';

/** A CalDAV server with made-up accounts: its address, and the origins it may be called at although they are on this machine. */
export type SandboxAddress = Readonly<{ url: string; origins: readonly string[] }>;

/** Where everything is that a process needs to reach; survives being sent to a thread. */
export type EngineAddresses = Readonly<{ databaseUrl: string; eventStoreUrl: string; sandbox: SandboxAddress | null }>;

/** Where the engines are, and how to stop those that were started here. */
export type Engines = EngineAddresses & Readonly<{ stop: () => Promise<void> }>;

type Say = (message: string) => void;

/** Beside the API's port if that is free: an address to remember. */
const startSandbox = async ({ dataDir, http }: Config, log: Say): Promise<SandboxAddress & Readonly<{ stop: () => Promise<void> }>> => {
  const { startSandboxAgain } = await import('./embedded/caldav.sandbox.js');
  const port = http.port === 0 ? 0 : http.port + 1;
  return startSandboxAgain({ dataDir, port, timeZone: machineZone(), clock: systemClock, log });
};

/** The log must not share a database with the read models. */
const LOG_DATABASE = 'eventstore';

type Stops = (() => Promise<void>)[];
type Stores = Pick<EngineAddresses, 'databaseUrl' | 'eventStoreUrl'>;

const startStores = async ({ dataDir, databaseUrl, eventStoreUrl }: Config, say: Say, stops: Stops): Promise<Stores> => {
  if (databaseUrl !== null && eventStoreUrl !== null) return { databaseUrl, eventStoreUrl };
  const { ownFolder, leaveAddresses } = await import('./embedded/owner.file.js');
  stops.push(await ownFolder(dataDir));
  const found = { databaseUrl, eventStoreUrl };
  if (found.databaseUrl === null) {
    const { startPostgres } = await import('./embedded/postgres.process.js');
    const postgres = await startPostgres({ dataDir, databases: ['juy'], log: say });
    stops.push(postgres.stop);
    found.databaseUrl = postgres.url('juy');
  }
  if (found.eventStoreUrl === null) {
    const { startEventStore } = await import('./embedded/eventstore.process.js');
    const { databaseBeside } = await import('./embedded/postgres.database.js');
    const store = await startEventStore({ dataDir, databaseUrl: await databaseBeside(found.databaseUrl, LOG_DATABASE), log: say });
    stops.push(store.stop);
    found.eventStoreUrl = store.connectionString;
  }
  const stores = { databaseUrl: found.databaseUrl, eventStoreUrl: found.eventStoreUrl };
  await leaveAddresses(dataDir, stores);
  return stores;
};

/** Starts one thing after the other; when one fails, those before it are stopped again, the last first. */
const startInOrder = async <T>(start: (stops: Stops) => Promise<T>): Promise<T & Readonly<{ stop: () => Promise<void> }>> => {
  const stops: Stops = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse()) await each();
  };
  try {
    return { ...(await start(stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const sayTo =
  (log: Log): Say =>
  (message) => {
    log.info(message);
  };

/** Starts what no variable names; the embedded engines are not even loaded when nobody needs them. */
export const startEngines = (config: Config, log: Log): Promise<Engines> =>
  startInOrder(async (stops) => {
    const stores = await startStores(config, sayTo(log), stops);
    if (config.providers === 'live') return { ...stores, sandbox: null };
    const { url, origins, stop } = await startSandbox(config, sayTo(log));
    stops.push(stop);
    return { ...stores, sandbox: { url, origins } };
  });

/** For tools: the stores the variables name, else those of the service that runs in this folder, else ones started for the occasion. */
export const reachStores = async (config: Config, log: Log): Promise<Stores & Pick<Engines, 'stop'>> => {
  const { addressesOfOwner } = await import('./embedded/owner.file.js');
  const running = config.databaseUrl === null || config.eventStoreUrl === null ? await addressesOfOwner(config.dataDir) : null;
  if (running === null) return startInOrder((stops) => startStores(config, sayTo(log), stops));
  return {
    databaseUrl: config.databaseUrl ?? running.databaseUrl,
    eventStoreUrl: config.eventStoreUrl ?? running.eventStoreUrl,
    stop: () => Promise.resolve(),
  };
};
