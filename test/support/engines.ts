import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { selfSigned } from '../../src/embedded/eventstore/certificate.der.js';
import { startServer } from '../../src/embedded/eventstore/server.grpc.js';
import { startEventStore } from '../../src/embedded/eventstore.process.js';
import { freePort } from '../../src/embedded/free.port.js';
import { startPostgres } from '../../src/embedded/postgres.process.js';
import { openDatabase } from '../../src/infra/postgres/database.postgres.js';

/** The engines of one test file, in a throw-away folder. `databaseUrl` knows `juy` and `eventstore`; the latter is the event store's own. */
export type Engines = Readonly<{
  databaseUrl: (database: 'juy' | 'eventstore') => string;
  eventStoreUrl: string;
  dataDir: string;
  stop: () => Promise<void>;
}>;

type Databases = Readonly<{ url: Engines['databaseUrl']; stop: () => Promise<void> }>;

/** Compiled, since the event store is a process of its own and Node runs no TypeScript. */
export const PROGRAM = fileURLToPath(new URL('../../dist/programs/eventstore/eventstore.main.js', import.meta.url));

/** Has the tables of the service and no rows. */
const TEMPLATE = 'template_juy';

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const urlOn = (server: string, database: string): string => {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
};

/** Made by the first suite of a run, of the migrations as they are in the sources. */
const makeTemplate = async (client: pg.Client, server: string): Promise<void> => {
  if ((await client.query('select 1 from pg_database where datname = $1', [TEMPLATE])).rowCount !== 0) return;
  const draft = `draft_${randomBytes(6).toString('hex')}`;
  await client.query(`create database ${draft}`);
  await (await openDatabase(urlOn(server, draft), silent)).close();
  await client.query(`alter database ${draft} rename to ${TEMPLATE}`);
};

const onServer = async (server: string, work: (client: pg.Client) => Promise<void>): Promise<void> => {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
};

/** Two databases of a suite's own on the server that all suites of a run share. */
const sharedDatabases = async (server: string): Promise<Databases> => {
  const mark = randomBytes(6).toString('hex');
  const names = { juy: `juy_${mark}`, eventstore: `eventstore_${mark}` };
  await onServer(server, async (client) => {
    // Two suites begin at once, and a template that is copied may have no connection.
    await client.query('select pg_advisory_lock(1)');
    await makeTemplate(client, server);
    await client.query(`create database ${names.juy} template ${TEMPLATE}`);
    await client.query(`create database ${names.eventstore}`);
  });
  return {
    url: (database) => urlOn(server, names[database]),
    stop: () =>
      onServer(server, async (client) => {
        for (const name of Object.values(names)) await client.query(`drop database ${name} with (force)`);
      }),
  };
};

export type EngineOptions = Readonly<{
  /** A PostgreSQL of the suite's own in its folder, for tests that kill it. */
  own?: boolean;
  /** Keeps fsync on, for tests that are about it; the PostgreSQL is the suite's own then. */
  durable?: boolean;
  /** The event store is in the suite's own process, which spares a start of one; not for tests that kill it or look into its folder. */
  inProcess?: boolean;
}>;

type Store = Readonly<{ connectionString: string; stop: () => Promise<void> }>;

/** Made once for all suites of a worker. */
let identity: ReturnType<typeof selfSigned> | null = null;

/** The same server as the service's, over gRPC as well. */
const storeWithin = async (dataDir: string, databaseUrl: string): Promise<Store> => {
  identity ??= selfSigned('The event store of a suite');
  const [user, password, port] = ['admin', randomBytes(16).toString('hex'), await freePort()];
  const authority = join(dataDir, 'eventstore.crt');
  await writeFile(authority, identity.certificate);
  const { stop } = await startServer({ databaseUrl, port, user, password, ...identity }, nothing);
  return { connectionString: `esdb://${user}:${password}@localhost:${port}?tls=true&tlsCAFile=${encodeURIComponent(authority)}`, stop };
};

/** Starts the embedded event store, on databases of its own; they are on the run's PostgreSQL where there is one. */
export const startEngines = async ({ durable = false, own = durable, inProcess = false }: EngineOptions = {}): Promise<Engines> => {
  if (!existsSync(PROGRAM)) throw new Error('The embedded event store is not built: npm run build');
  const dataDir = await mkdtemp(join(tmpdir(), 'juy-engines-'));
  const server = process.env['TEST_DATABASE_URL'];
  const postgres =
    own || server === undefined
      ? await startPostgres({ dataDir, databases: ['juy', 'eventstore'], durable, log: nothing })
      : await sharedDatabases(server);
  const databaseUrl = postgres.url('eventstore');
  const starting: Promise<Store> = inProcess
    ? storeWithin(dataDir, databaseUrl)
    : startEventStore({ dataDir, databaseUrl, program: PROGRAM, log: nothing });
  const store = await starting.catch(async (error: unknown) => {
    await postgres.stop();
    throw error;
  });
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
