import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testEndings } from '../support/opened.js';
import { eventually } from '../support/store.js';

const PROGRAM = fileURLToPath(new URL('../../dist/programs/main.js', import.meta.url));

describe('The service', () => {
  let dataDir: string;
  const atEnd = testEndings();
  let child: ChildProcess;
  let printed: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'juy-start-'));
    printed = '';
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const start = (port: number): Promise<number | null> => {
    const env = { ...process.env, DATA_DIR: dataDir, PORT: String(port), PROVIDERS: 'live' };
    child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (part: Buffer) => {
        printed += part.toString();
      });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    atEnd(() => {
      child.kill('SIGTERM');
      return ended;
    });
    return ended;
  };

  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  /** Nothing of it runs any more. */
  const expectNothingLeft = async (): Promise<void> => {
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
    const store = await readFile(join(dataDir, 'eventstore.pid'), 'utf8').catch(() => '');
    expect(store !== '' && isAlive(Number(store))).toBe(false);
  };

  it('that cannot have its port says which setting to change, and leaves nothing running', async () => {
    const taken = await new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        resolve(server);
      });
    });
    atEnd(() => taken.close());
    const address = taken.address();
    const code = await start(typeof address === 'object' ? (address?.port ?? 0) : 0);
    expect([code, printed]).toEqual([1, expect.stringContaining('set PORT to another')]);
    await expectNothingLeft();
  });

  it('that is told to stop while it starts leaves nothing running', async () => {
    const ended = start(0);
    await eventually('its first engine starts', () => existsSync(join(dataDir, 'postgres', 'postmaster.pid')));
    child.kill('SIGTERM');
    expect([await ended, printed]).toEqual([0, expect.stringContaining('"stopped"')]);
    await expectNothingLeft();
  });
});
