import { Misconfigured, readConfig } from './config.js';
import { reachStores } from './engines.js';
import { connectEventStore } from './infra/eventstore/event-store.client.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { openDatabase } from './infra/postgres/database.typeorm.js';
import { type RebuildProgress } from './infra/postgres/projection.rebuild.js';
import { systemEntropy } from './infra/system.entropy.js';
import { PROJECTIONS } from './workers.js';

// The program behind `npm run projections:rebuild -- <name>`.

/** Milliseconds between two lines of progress. */
const INTERVAL = 2_000;
const CONNECTIONS = 4;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What can be built anew: rows that are operational outlive a replay, and have no tables of the projection's own. */
const rebuildable = PROJECTIONS.filter(({ tables }) => tables.length > 0);

const reporter = (name: string): ((progress: RebuildProgress) => void) => {
  let next = 0;
  return ({ events, share }) => {
    if (performance.now() < next) return;
    next = performance.now() + INTERVAL;
    say(`${name}: ${events} events applied, ${Math.floor(share * 100)} % of the log`);
  };
};

const rebuild = async (projection: (typeof PROJECTIONS)[number], signal: AbortSignal): Promise<void> => {
  const config = readConfig();
  const log = pinoLog({ level: 'error', format: config.production || !process.stdout.isTTY ? 'json' : 'text' });
  const engines = await reachStores(config, log);
  try {
    const database = await openDatabase(engines.databaseUrl, log, CONNECTIONS);
    const { store, close } = connectEventStore(engines.eventStoreUrl, systemEntropy.uuid, log);
    try {
      const began = performance.now();
      await projection.rebuild({ database, store }, reporter(projection.name), signal);
      say(`${projection.name} is rebuilt and in its place, after ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
    } finally {
      await close();
      await database.close();
    }
  } finally {
    await engines.stop();
  }
};

const main = async (): Promise<number> => {
  const [name] = process.argv.slice(2);
  const projection = rebuildable.find((each) => each.name === name);
  if (projection === undefined) {
    const names = rebuildable.map((each) => `  ${each.name}\n`).join('');
    process.stderr.write(`Usage: npm run projections:rebuild -- <name>, which is one of\n${names}`);
    return 2;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopping.abort();
    });
  await rebuild(projection, stopping.signal);
  return 0;
};

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(error instanceof Misconfigured ? `${reason}\n` : `Nothing was changed: ${reason}\n`);
    process.exit(1);
  },
);
