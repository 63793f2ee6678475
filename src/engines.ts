import { type Config } from './config.js';
import { type Log } from './kernel/log.js';

/** Where the two engines are, and how to stop those that were started here. */
export type Engines = Readonly<{ databaseUrl: string; eventStoreUrl: string; stop: () => Promise<void> }>;

/** Starts what no variable names; the embedded engines are not even loaded when nobody needs them. */
export const startEngines = async (config: Config, log: Log): Promise<Engines> => {
  const { dataDir } = config;
  const stops: (() => Promise<void>)[] = [];
  const say = (message: string): void => {
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
    return { databaseUrl, eventStoreUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
