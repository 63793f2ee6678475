import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEventStore } from '../../src/embedded/eventstore.process.js';
import { startPostgres } from '../../src/embedded/postgres.process.js';

/** The engines of one test file, in a throw-away folder. `databaseUrl` knows `juy` and `eventstore`; the latter is the event store's own. */
export type Engines = Readonly<{
  databaseUrl: (database: string) => string;
  eventStoreUrl: string;
  dataDir: string;
  stop: () => Promise<void>;
}>;

/** Compiled, since the event store is a process of its own and Node runs no TypeScript. */
const PROGRAM = fileURLToPath(new URL('../../dist/embedded/eventstore/eventstore.main.js', import.meta.url));

/** Starts real PostgreSQL and the embedded event store. `durable` keeps fsync on, for tests that are about it. */
export const startEngines = async ({ durable = false }: Readonly<{ durable?: boolean }> = {}): Promise<Engines> => {
  if (!existsSync(PROGRAM)) throw new Error('The embedded event store is not built: npm run build');
  const dataDir = await mkdtemp(join(tmpdir(), 'juy-engines-'));
  const log = (): void => undefined;
  const postgres = await startPostgres({ dataDir, databases: ['juy', 'eventstore'], durable, log });
  const store = await startEventStore({ dataDir, databaseUrl: postgres.url('eventstore'), program: PROGRAM, log }).catch(
    async (error: unknown) => {
      await postgres.stop();
      throw error;
    },
  );
  return {
    databaseUrl: postgres.url,
    eventStoreUrl: store.connectionString,
    dataDir,
    stop: async () => {
      await store.stop();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
