import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';

const PROGRAM = fileURLToPath(new URL('../../dist/programs/eventstore.tool.js', import.meta.url));

type Run = Readonly<{ child: ChildProcess; output: () => string; ended: Promise<number | null> }>;

const run = (settings: Readonly<Record<string, string>>): Run => {
  const child = spawn(process.execPath, [PROGRAM], { env: { PATH: process.env['PATH'], ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, ended: new Promise((resolve) => child.once('exit', resolve)) };
};

const started = async ({ output, ended }: Run): Promise<string> => {
  while (!output().includes('Ctrl-C')) {
    const over = await Promise.race([ended.then(() => true), pause(50, false)]);
    if (over) throw new Error(output());
  }
  return output();
};

/** What a shell knows by the name after it has run the line that the program printed. */
const sourced = (output: string, name: string): string => {
  const line = /^ {2}(\. .*)$/m.exec(output)?.[1] ?? 'exit 1';
  return spawnSync('sh', ['-c', `${line}; node -p "process.env.${name}"`], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  }).stdout.trim();
};

/** The command lines of all processes of this machine. */
const commandLines = async (): Promise<string> => {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))).join('\n');
};

describe('npm run eventstore', () => {
  let dataDir: string;
  let first: Run;
  let output: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'juy alone’s '));
    first = run({ DATA_DIR: dataDir });
    output = await started(first);
  });

  afterAll(async () => {
    first.child.kill('SIGTERM');
    await first.ended;
    await rm(dataDir, { recursive: true, force: true });
  });

  it('leaves a file by which several processes share one log and one database, and says how to read it', async () => {
    const [one, other] = [1, 2].map(() => EventStoreDBClient.connectionString(sourced(output, 'EVENTSTORE_URL')));
    await one?.appendToStream('note-1', jsonEvent({ type: 'Noted', data: { text: 'a' } }));
    for await (const { event } of other?.readStream('note-1') ?? []) expect(event?.data).toEqual({ text: 'a' });
    const database = new pg.Client({ connectionString: sourced(output, 'DATABASE_URL') });
    await database.connect();
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await database.end();
    await Promise.all([one?.dispose(), other?.dispose()]);
  });

  it('shows its passwords to the owner of the folder alone: not at the terminal, not in the list of processes', async () => {
    const passwords = await Promise.all(['postgres.password', 'eventstore.password'].map((file) => readFile(join(dataDir, file), 'utf8')));
    const shown = `${first.output()}\n${await commandLines()}`;
    for (const password of passwords) {
      expect(password.length).toBeGreaterThan(20);
      expect(shown.includes(password)).toBe(false);
    }
    expect((await stat(join(dataDir, 'engines.env'))).mode & 0o777).toBe(0o600);
  });

  it('refuses a folder whose engines already run, and says what to do', async () => {
    const second = run({ DATA_DIR: dataDir });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain('set DATA_DIR to another folder, or share its engines by DATABASE_URL and EVENTSTORE_URL');
  });

  it('names a wrong setting', async () => {
    const wrong = run({ DATA_DIR: dataDir, EVENTSTORE_PORT: 'x' });
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toContain('EVENTSTORE_PORT must be a port');
  });

  it('stops on SIGTERM, and starts again at the same addresses with its log', async () => {
    const address = sourced(output, 'EVENTSTORE_URL');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    first = run({ DATA_DIR: dataDir });
    const again = await started(first);
    expect(sourced(again, 'EVENTSTORE_URL')).toBe(address);
    const client = EventStoreDBClient.connectionString(address);
    for await (const { event } of client.readStream('note-1')) expect(event?.data).toEqual({ text: 'a' });
    await client.dispose();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });
});
