import { type EventStoreConfig, Misconfigured, readEventStoreConfig } from '../config/service.config.js';
import { startInOrder, type Stops } from '../app/stops.js';
import { startEventStore } from '../embedded/eventstore.process.js';
import { leaveEnvironment, ownFolder, quoted } from '../embedded/owner.file.js';
import { databaseBeside } from '../embedded/postgres.database.js';
import { startPostgres } from '../embedded/postgres.process.js';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const startWith = async ({ dataDir, databaseUrl, port }: EventStoreConfig, stops: Stops): Promise<readonly string[]> => {
  stops.push(await ownFolder(dataDir));
  let database = databaseUrl;
  if (database === null) {
    const postgres = await startPostgres({ dataDir, databases: ['juy'], log: say });
    stops.push(postgres.stop);
    database = postgres.url('juy');
  }
  const store = await startEventStore({ dataDir, databaseUrl: await databaseBeside(database, 'eventstore'), port, log: say });
  stops.push(store.stop);
  const addresses = { ...(databaseUrl === null ? { DATABASE_URL: database } : {}), EVENTSTORE_URL: store.connectionString };
  const environment = await leaveEnvironment(dataDir, addresses);
  return [
    '',
    'The event store speaks EventStoreDB’s protocol. Its log is in PostgreSQL, in the database "eventstore".',
    '',
    `  password     ${store.passwordFile} (user admin)`,
    `  certificate  ${store.certificateFile}`,
    '',
    'Processes on this machine share it when the shell that starts them has read its addresses:',
    '',
    `  . ${quoted(environment)}`,
    '',
    'Ctrl-C stops it.',
  ];
};

const fail = (error: unknown): void => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(error instanceof Misconfigured ? `${reason}\n` : `The event store could not start: ${reason}\n`);
  process.exit(1);
};

const main = async (): Promise<void> => {
  const config = readEventStoreConfig();
  const starting = startInOrder((stops) => startWith(config, stops));
  let stopped: Promise<void> | null = null;
  const end = (): void => {
    stopped ??= starting.then(({ stop }) => stop()).then(() => process.exit(0), fail);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  say((await starting).started.join('\n'));
};

main().catch(fail);
