import { type Config, Misconfigured } from '../config/service.config.js';
import { reachStores } from '../app/engines.js';
import { connectEventStore } from '../infra/eventstore/event-store.client.js';
import { pinoLog } from '../infra/logging/log.pino.js';
import { openDatabase, type Postgres } from '../infra/postgres/database.postgres.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';

/** Prints a message for the operator, on a line of its own. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The log of a tool: only what went wrong. */
export const toolLog = ({ production }: Config): Log =>
  pinoLog({ level: 'error', format: production || !process.stdout.isTTY ? 'json' : 'text' });

/**
 * Does some work with the stores of the service, on so many connections: those the variables name, or of the service that runs in this folder,
 * else started for as long as it takes. The event store is called only when the work calls it.
 */
export const withStores = async (
  config: Config,
  connections: number,
  work: (stores: Readonly<{ database: Postgres; store: EventStore }>) => Promise<void>,
): Promise<void> => {
  const log = toolLog(config);
  const engines = await reachStores(config, log);
  try {
    const database = await openDatabase(engines.databaseUrl, log, connections);
    const { store, close } = connectEventStore(engines.eventStoreUrl, systemEntropy.uuid, log);
    try {
      await work({ database, store });
    } finally {
      await close();
      await database.close();
    }
  } finally {
    await engines.stop();
  }
};

/** Runs a tool and ends the process with the code it answers. A setting that is wrong is named; of any other failure `explain` makes what is told. */
export const runTool = (tool: () => Promise<number>, explain: (reason: string) => string): void => {
  tool().then(
    (code) => process.exit(code),
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(`${error instanceof Misconfigured ? reason : explain(reason)}\n`);
      process.exit(1);
    },
  );
};
