import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STORE = fileURLToPath(new URL('../../dist/programs/eventstore.tool.js', import.meta.url));

export type Addresses = Readonly<{ DATABASE_URL: string; EVENTSTORE_URL: string }>;

/** `npm run eventstore` in a throw-away folder: PostgreSQL and the event store, for processes that have what it leaves in `engines.env`. */
export const startStores = async (): Promise<Readonly<{ addresses: Addresses; stop: () => Promise<void> }>> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'juy-stores-'));
  const child = spawn(process.execPath, [STORE], { env: { ...process.env, DATA_DIR: dataDir }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let printed = '';
  const line = (file: string, name: string): string => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(file)?.[1] ?? '';
  const addresses = await new Promise<Addresses>((resolve, reject) => {
    void ended.then(() => {
      reject(new Error(`the stores did not start: ${printed}`));
    });
    child.stdout.on('data', (part: Buffer) => {
      printed += part.toString();
      if (!printed.includes('Ctrl-C')) return;
      readFile(join(dataDir, 'engines.env'), 'utf8').then((file) => {
        resolve({ DATABASE_URL: line(file, 'DATABASE_URL'), EVENTSTORE_URL: line(file, 'EVENTSTORE_URL') });
      }, reject);
    });
  });
  return {
    addresses,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
