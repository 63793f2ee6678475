import { Misconfigured, readConfig } from './config.js';
import { reachStores } from './engines.js';
import { pinoLog } from './infra/logging/log.pino.js';
import { openDatabase } from './infra/postgres/database.typeorm.js';
import { admitMasterKeys, rotateMasterKeys } from './infra/vault/master-keys.postgres.js';
import { masterKeysOf } from './runtime.js';

// The program behind `npm run keys:rotate`.

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const rotate = async (): Promise<void> => {
  const config = readConfig();
  const { current, previous } = masterKeysOf(config);
  if (previous === null)
    throw new Misconfigured(['MASTER_KEY_PREVIOUS is missing: set MASTER_KEY to the new key and MASTER_KEY_PREVIOUS to the one before.']);
  const log = pinoLog({ level: 'error', format: 'json' });
  const engines = await reachStores(config, log);
  try {
    const database = await openDatabase(engines.databaseUrl, log, 2);
    try {
      const mistake = await admitMasterKeys(database, { current, previous });
      if (mistake !== null) throw new Misconfigured([mistake]);
      const wrapped = await rotateMasterKeys(database, { current, previous }, (count) => {
        say(`${count} keys wrapped by the new master key`);
      });
      say(`Done: ${wrapped} keys were wrapped anew. MASTER_KEY_PREVIOUS is not needed any more: remove it and start the service again.`);
    } finally {
      await database.close();
    }
  } finally {
    await engines.stop();
  }
};

rotate().then(
  () => process.exit(0),
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(error instanceof Misconfigured ? `${reason}\n` : `The keys were not all wrapped anew: ${reason}\nRun it again.\n`);
    process.exit(1);
  },
);
