import { type Config } from './config.js';
import { type ConnectionRuntime } from './connection/connection.runtime.js';
import { calendarCodec } from './calendar/calendar.codec.js';
import { type EngineAddresses } from './engines.js';
import { connectEventStore } from './infra/eventstore/event-store.client.js';
import { type Postgres, openDatabase } from './infra/postgres/database.typeorm.js';
import { systemClock } from './infra/system.clock.js';
import { systemEntropy } from './infra/system.entropy.js';
import { masterKeyFile } from './infra/vault/master-key.file.js';
import { vault } from './infra/vault/vault.postgres.js';
import { type EventStore } from './kernel/event-store.js';
import { type Log } from './kernel/log.js';
import { caldavProvider, ICLOUD } from './provider/caldav/caldav.provider.js';
import { type Providers } from './provider/calendar-provider.js';
import { guardedHttp } from './provider/http/guarded.http.js';

/** Everything the roles of one process share. */
export type Runtime = Omit<ConnectionRuntime, 'database'> &
  Readonly<{ database: Postgres; store: EventStore; masterKey: Buffer; log: Log; close: () => Promise<void> }>;

const providersOf = ({ caldav }: Config, { sandbox }: EngineAddresses): Readonly<{ providers: Providers; close: () => Promise<void> }> => {
  const http = guardedHttp({
    clock: systemClock,
    random: systemEntropy.fraction,
    allowPrivate: caldav.allowPrivate,
    allowedOrigins: [new URL(caldav.appleUrl).origin, ...(sandbox?.origins ?? [])],
  });
  const common = { http, clock: systemClock };
  const providers = new Map([
    ['caldav', caldavProvider(common)],
    ['apple', caldavProvider({ ...common, service: { ...ICLOUD, serverUrl: caldav.appleUrl } })],
  ]);
  return { providers, close: http.close };
};

/** Opens the engines and brings the tables up to date. */
export const openRuntime = async (config: Config, engines: EngineAddresses, log: Log): Promise<Runtime> => {
  const masterKey =
    config.masterKey.from === 'value' ? Buffer.from(config.masterKey.key) : masterKeyFile(config.masterKey.path, config.masterKey.create);
  const database = await openDatabase(engines.databaseUrl, log);
  const { store, close: closeStore } = connectEventStore(engines.eventStoreUrl, systemEntropy.uuid, log);
  const { providers, close } = providersOf(config, engines);
  return {
    store,
    database,
    vault: vault(database, masterKey),
    providers,
    clock: systemClock,
    entropy: systemEntropy,
    calendarCodec,
    masterKey,
    log,
    close: async () => {
      await close();
      await closeStore();
      await database.close();
    },
  };
};
