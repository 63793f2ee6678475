import { Misconfigured, readConfig } from '../config/service.config.js';
import { backUp, restoreInto } from '../embedded/backup.folder.js';
import { reachStores } from '../app/engines.js';
import { systemClock } from '../infra/system.clock.js';
import { instant } from '../kernel/clock.js';
import { runTool, say, toolLog } from './operator.tool.js';

// The program behind `npm run backup -- <folder>` and `npm run restore -- <folder>`.

const backup = async (folder: string): Promise<void> => {
  const config = readConfig();
  if (config.databaseUrl !== null || config.eventStoreUrl !== null)
    throw new Misconfigured([
      'DATABASE_URL or EVENTSTORE_URL is set: engines of their own are backed up by their own tools; see docs/operations.md.',
    ]);
  const engines = await reachStores(config, toolLog(config));
  try {
    const { withKey } = await backUp(config.dataDir, engines.databaseUrl, folder, instant(systemClock.now()));
    say(`${folder} holds everything, as it was a moment ago${withKey ? ', with the master key: keep it as safe as the service' : ''}.`);
    if (!withKey) say('The master key is not in it: keep MASTER_KEY for as long as this back-up, nothing opens without it.');
  } finally {
    await engines.stop();
  }
};

const restore = async (folder: string): Promise<void> => {
  const { dataDir } = readConfig();
  const { at, withKey } = await restoreInto(dataDir, folder);
  say(`${dataDir} holds what was there at ${at}.`);
  say(withKey ? 'Start the service.' : 'Start the service with the MASTER_KEY of that time.');
};

const main = async (): Promise<number> => {
  const [what, folder, ...rest] = process.argv.slice(2);
  if ((what !== 'backup' && what !== 'restore') || folder === undefined || rest.length > 0) {
    process.stderr.write('Usage: npm run backup -- <new folder>, npm run restore -- <folder>\n');
    return 2;
  }
  await (what === 'backup' ? backup(folder) : restore(folder));
  return 0;
};

runTool(main, (reason) => `It did not work: ${reason}`);
