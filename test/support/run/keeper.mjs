// Runs the PostgreSQL of a run, and clears up after it. Standard input is the life line: its end means that the run is over, however it ended, also
// by `kill -9`, which leaves services, engines and folders of the suites behind.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = new URL('../../../dist/embedded/postgres.process.js', import.meta.url);
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
  for (const each of new Set([folder, process.env.TEST_MEMORY]))
    rmSync(each, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
};

const start = async () => {
  if (!existsSync(PROGRAM)) throw new Error('the engines are not built: npm run build');
  const { startPostgres } = await import(PROGRAM);
  return startPostgres({ dataDir: join(folder, 'shared'), databases: [], durable: false, log: () => undefined });
};

try {
  const postgres = await start();
  process.stdin.once('end', clearUp(postgres)).resume();
  say(process.stdout, postgres.url('postgres'));
} catch (error) {
  say(process.stderr, `PostgreSQL for the tests cannot start: ${error.message}`);
  await clearUp(null)();
}
