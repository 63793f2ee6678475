import { createRequire } from 'node:module';
import { type Config, Misconfigured } from '../config/service.config.js';
import { type ConnectionRuntime } from '../connection/connection.runtime.js';
import { type EngineAddresses } from './engines.js';
import { countedStore } from '../infra/eventstore/counted.store.js';
import { connectEventStore } from '../infra/eventstore/event-store.client.js';
import { type Operations } from '../infra/eventstore/operations.client.js';
import { observedStore } from '../infra/eventstore/observed.store.js';
import { type Postgres, openDatabase } from '../infra/postgres/database.postgres.js';
import { requestBudget } from '../infra/postgres/request-budget.postgres.js';
import { systemClock } from '../infra/system.clock.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { masterKeyFile } from '../infra/vault/master-key.file.js';
import { admitMasterKeys, type MasterKeys } from '../infra/vault/master-keys.postgres.js';
import { vault } from '../infra/vault/vault.postgres.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';
import { type Metrics } from '../kernel/metrics.js';
import { observedProviders } from './observed.js';
import { operatorMistakes, type OperatorMistakes } from './operator-mistakes.js';
import { type Budget } from '../provider/budget.js';
import { type Providers } from '../provider/calendar-provider.js';
import { type WebhookOf } from '../watch/webhook-address.js';
import { webhooksOf } from './webhooks.js';

/** Everything the roles of one process share. */
export type Runtime = Omit<ConnectionRuntime, 'database'> &
  Readonly<{
    database: Postgres;
    store: EventStore;
    operations: Operations;
    masterKey: Buffer;
    log: Log;
    metrics: Metrics;
    mistakes: OperatorMistakes;
    pollWithin: number;
    /** Of the program, as its package has it. */
    version: string;
    kafka: Config['kafka'];
    mostListed: number;
    webhookOf: WebhookOf;
    close: () => Promise<void>;
  }>;

/** Connections of a thread that answers requests or syncs. */
export const CONNECTIONS = 20;

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** The master keys a process is given; a file of them is made when it may be. */
export const masterKeysOf = ({ masterKey, masterKeyPrevious }: Config): MasterKeys => ({
  current: masterKey.from === 'value' ? Buffer.from(masterKey.key) : masterKeyFile(masterKey.path, masterKey.create),
  previous: masterKeyPrevious === null ? null : Buffer.from(masterKeyPrevious),
});

/** Calendar services as a role calls them, each account within its budget; `close` ends what it holds open to them. */
export type OpenProviders = (
  config: Config,
  engines: EngineAddresses,
  budget: Budget,
) => Readonly<{ providers: Providers; close: () => Promise<void> }>;

type Means = Readonly<{ log: Log; metrics: Metrics; connections: number; openProviders: OpenProviders }>;

/** Opens the engines and brings the tables up to date; `connections`: how many to the database at most. */
export const openRuntime = async (
  config: Config,
  engines: EngineAddresses,
  { log, metrics, connections, openProviders }: Means,
): Promise<Runtime> => {
  const masterKeys = masterKeysOf(config);
  const database = await openDatabase(engines.databaseUrl, log, connections);
  const mistake = await admitMasterKeys(database, masterKeys);
  if (mistake !== null) throw new Misconfigured([mistake]);
  const { store, operations, close: closeStore } = connectEventStore(engines.eventStoreUrl, systemEntropy.uuid, log);
  const keys = vault(database, masterKeys.current, masterKeys.previous);
  const { providers, close } = openProviders(config, engines, requestBudget(database, keys.serviceMarker));
  const mistakes = operatorMistakes(providers, log);
  return {
    store: countedStore(observedStore(store, metrics), database, systemClock),
    operations,
    database,
    vault: keys,
    providers: observedProviders(mistakes.providers, metrics),
    mistakes,
    clock: systemClock,
    entropy: systemEntropy,
    masterKey: masterKeys.current,
    log,
    metrics,
    pollWithin: config.pollWithin,
    version,
    kafka: config.kafka,
    mostListed: config.mostListed,
    webhookOf: webhooksOf(config, engines),
    close: async () => {
      await close();
      await closeStore();
      await database.close();
    },
  };
};
