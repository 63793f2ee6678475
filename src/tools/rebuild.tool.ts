import { readConfig } from '../config/service.config.js';
import { type RebuildProgress } from '../infra/postgres/projection.rebuild.js';
import { runTool, say, withStores } from './operator.tool.js';
import { PROJECTIONS } from '../app/projections.js';

// The program behind `npm run projections:rebuild -- <name>`.

/** Milliseconds between two lines of progress. */
const INTERVAL = 2_000;
const CONNECTIONS = 4;

/** The projections that can be built again: those with tables of their own. Operational rows outlive a replay. */
const rebuildable = PROJECTIONS.filter(({ tables }) => tables.length > 0);

const reporter = (name: string): ((progress: RebuildProgress) => void) => {
  let next = 0;
  return ({ events, share }) => {
    if (performance.now() < next) return;
    next = performance.now() + INTERVAL;
    say(`${name}: ${events} events applied, ${Math.floor(share * 100)} % of the log`);
  };
};

const rebuild = (projection: (typeof PROJECTIONS)[number], signal: AbortSignal): Promise<void> =>
  withStores(readConfig(), CONNECTIONS, async (stores) => {
    const began = performance.now();
    await projection.rebuild(stores, reporter(projection.name), signal);
    say(`${projection.name} is rebuilt and in its place, after ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
  });

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

runTool(main, (reason) => `Nothing was changed: ${reason}`);
