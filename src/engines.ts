import { type Config } from './config.js';
import { systemClock } from './infra/system.clock.js';
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
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return startSandboxAgain({ dataDir, port, timeZone, clock: systemClock, log });
};

/** Starts what no variable names; the embedded engines are not even loaded when nobody needs them. */
export const startEngines = async (config: Config, log: Log): Promise<Engines> => {
  const { dataDir } = config;
  const stops: (() => Promise<void>)[] = [];
  const say: Say = (message) => {
    log.info(message);
  };
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse()) await each();
  };
  try {
    if (config.databaseUrl === null || config.eventStoreUrl === null) {
      const { ownFolder } = await import('./embedded/owner.file.js');
      stops.push(await ownFolder(dataDir));
    }
    let { databaseUrl } = config;
    if (databaseUrl === null) {
      const { startPostgres } = await import('./embedded/postgres.process.js');
      const postgres = await startPostgres({ dataDir, databases: ['juy'], log: say });
      stops.push(postgres.stop);
      databaseUrl = postgres.url('juy');
    }
    let eventStoreUrl = config.eventStoreUrl;
    if (eventStoreUrl === null) {
      const { startEventStore } = await import('./embedded/eventstore.process.js');
      const { databaseBeside } = await import('./embedded/postgres.database.js');
      // The log must not share a database with the read models.
      const store = await startEventStore({ dataDir, databaseUrl: await databaseBeside(databaseUrl, 'eventstore'), log: say });
      stops.push(store.stop);
      eventStoreUrl = store.connectionString;
    }
    if (config.providers === 'live') return { databaseUrl, eventStoreUrl, sandbox: null, stop };
    const { url, origins, stop: stopSandbox } = await startSandbox(config, say);
    stops.push(stopSandbox);
    return { databaseUrl, eventStoreUrl, sandbox: { url, origins }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
