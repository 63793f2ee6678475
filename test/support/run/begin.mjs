// Begins a run of suites that need engines: a folder that everything temporary of the run is in, one PostgreSQL for all of its
// suites, and a data folder for services to begin with.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('keeper.mjs', import.meta.url));

/** Where nothing waits for a disk, which the engines do at every commit. What is killed leaves the same behind as on a disk. */
const MEMORY = '/dev/shm';

/** Of a run, in bytes; a container may have less there. */
const NEEDED = 4 * 2 ** 30;

const hasRoom = (parent) => {
  if (!existsSync(parent)) return false;
  const { bavail, bsize } = statfsSync(parent);
  return bavail * bsize > NEEDED;
};

export default async () => {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), 'juy-run-'));
  // Searchable by others, because PostgreSQL of a root user runs as another.
  chmodSync(folder, 0o711);
  // What the suites start inherits the former, and the keeper recognises it by that.
  Object.assign(process.env, { TMPDIR: folder, TEST_PREPARED: join(folder, 'prepared') });
  const keeper = spawn(process.execPath, [KEEPER], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  process.env.TEST_DATABASE_URL = await new Promise((resolve, reject) => {
    createInterface({ input: keeper.stdout }).once('line', resolve);
    void ended.then(() => reject(new Error('PostgreSQL for the tests did not start.')));
  });
  globalThis.endRun = () => {
    keeper.stdin.end();
    return ended;
  };
};
