// Runs the PostgreSQL of a run, and clears up after it. Standard input is the life line: its end means that the run is over, however it ended, also
// by `kill -9`, which leaves services, engines and folders of the suites behind.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const built = (name) => new URL(`../../../dist/${name}`, import.meta.url);
const folder = process.env.TMPDIR;
const say = (stream, line) => stream.write(`${line}\n`);

const read = (pid, file) => {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8');
  } catch {
    return '';
  }
};

/** What was told of the run's folder by its environment or its command line; PostgreSQL writes over the former. */
const isOfRun = (pid) => ['environ', 'cmdline'].some((file) => read(pid, file).includes(folder));

const endLeftOver = () => {
  const pids = existsSync('/proc/self') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  for (const pid of pids.filter((each) => Number(each) !== process.pid && isOfRun(each))) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
};

const clearUp = (postgres) => async () => {
  await postgres?.stop();
  endLeftOver();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
};

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Makes a PostgreSQL with the tables of the service and no rows, once for all of the run: the greater part of a first start. */
const prepare = async (startPostgres, dataDir) => {
  const { openDatabase } = await import(built('infra/postgres/database.postgres.js'));
  const postgres = await startPostgres({ dataDir, databases: ['juy'], durable: false, log: () => undefined });
  await (await openDatabase(postgres.url('juy'), SILENT)).close();
  await postgres.stop();
  rmSync(join(dataDir, 'postgres.port'));
};

const start = async () => {
  const program = built('embedded/postgres.process.js');
  if (!existsSync(program)) throw new Error('the engines are not built: npm run build');
  const { startPostgres } = await import(program);
  const [prepared, dataDir] = [process.env.TEST_PREPARED, join(folder, 'shared')];
  await prepare(startPostgres, prepared);
  spawnSync('cp', ['-pR', prepared, dataDir]);
  return startPostgres({ dataDir, databases: [], durable: false, log: () => undefined });
};

try {
  const postgres = await start();
  process.stdin.once('end', clearUp(postgres)).resume();
  say(process.stdout, postgres.url('postgres'));
} catch (error) {
  say(process.stderr, `PostgreSQL for the tests cannot start: ${error.message}`);
  await clearUp(null)();
}
