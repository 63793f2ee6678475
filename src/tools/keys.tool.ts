import { Misconfigured, readConfig } from '../config/service.config.js';
import { admitMasterKeys, rotateMasterKeys } from '../infra/vault/master-keys.postgres.js';
import { runTool, say, withStores } from './operator.tool.js';
import { masterKeysOf } from '../app/runtime.js';

// The program behind `npm run keys:rotate`.

const CONNECTIONS = 2;

const rotate = async (): Promise<number> => {
  const config = readConfig();
  const { current, previous } = masterKeysOf(config);
  if (previous === null)
    throw new Misconfigured(['MASTER_KEY_PREVIOUS is missing: set MASTER_KEY to the new key and MASTER_KEY_PREVIOUS to the one before.']);
  await withStores(config, CONNECTIONS, async ({ database }) => {
    const mistake = await admitMasterKeys(database, { current, previous });
    if (mistake !== null) throw new Misconfigured([mistake]);
    const wrapped = await rotateMasterKeys(database, { current, previous }, (count) => {
      say(`${count} keys wrapped by the new master key`);
    });
    say(`Done: ${wrapped} keys were wrapped again. MASTER_KEY_PREVIOUS is not needed any more: remove it and start the service again.`);
  });
  return 0;
};

runTool(rotate, (reason) => `Not all keys were wrapped again: ${reason}\nRun it again.`);
