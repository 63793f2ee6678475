// Begins a run of suites that need engines: a folder that everything temporary of the run is in, and one PostgreSQL for all of its suites.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('keeper.mjs', import.meta.url));

/** Where what need not outlive the machine is written without waiting for a disk. */
const MEMORY = '/dev/shm';

/** Searchable by others, because PostgreSQL of a root user runs as another. */
const folderIn = (parent) => {
  const folder = mkdtempSync(join(parent, 'juy-run-'));
  chmodSync(folder, 0o711);
  return folder;
};

export default async () => {
  const folder = folderIn(tmpdir());
  const memory = existsSync(MEMORY) ? folderIn(MEMORY) : folder;
  // What the suites start inherits these, and the keeper recognises it by them.
  Object.assign(process.env, { TMPDIR: folder, TEST_MEMORY: memory });
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
