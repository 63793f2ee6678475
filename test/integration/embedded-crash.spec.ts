import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type EventData, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres } from '../../src/embedded/postgres.process.js';
import { type Engines, startEngines } from '../support/engines.js';

const pidIn = async (dataDir: string, file: string): Promise<number> =>
  Number((await readFile(join(dataDir, file), 'utf8')).split('\n')[0]);

const killStore = async (dataDir: string): Promise<void> => {
  process.kill(await pidIn(dataDir, 'eventstore.pid'), 'SIGKILL');
};

const killPostgres = async (dataDir: string): Promise<void> => {
  process.kill(await pidIn(dataDir, 'postgres/postmaster.pid'), 'SIGKILL');
};

const noted = (text: string): EventData => jsonEvent({ type: 'Noted', data: { text } });

/** Does it again until it succeeds: a client finds its engine again by itself, but not within the call that was cut off. */
const insist = async <T>(act: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (attempt === 100) throw error;
      await pause(100);
    }
  }
};

const textsOf = async (client: EventStoreDBClient, stream: string): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const { event } of client.readStream(stream)) texts.push((event?.data as { text: string }).text);
  return texts;
};

describe('When an engine is killed', () => {
  let engines: Engines;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    engines = await startEngines({ own: true });
    client = EventStoreDBClient.connectionString(engines.eventStoreUrl);
  });

  afterAll(async () => {
    await client.dispose();
    await engines.stop();
  });

  /** Appends one event after the other, each until it is acknowledged, while engines are killed under it. */
  const appendThrough = async (
    stream: string,
    count: number,
    kill: ReadonlyMap<number, () => Promise<void>>,
  ): Promise<readonly string[]> => {
    const texts = Array.from({ length: count }, (_, index) => String(index));
    for (const [index, text] of texts.entries()) {
      const event = noted(text);
      const appended = insist(() =>
        client.appendToStream(stream, event, { expectedRevision: index === 0 ? 'no_stream' : BigInt(index - 1) }),
      );
      await kill.get(index)?.();
      await appended;
    }
    return texts;
  };

  it('the event store comes back with every event it acknowledged, once and in order', async () => {
    const kill = (): Promise<void> => killStore(engines.dataDir);
    const texts = await appendThrough(
      'note-1',
      60,
      new Map([
        [15, kill],
        [40, kill],
      ]),
    );
    expect(await insist(() => textsOf(client, 'note-1'))).toEqual(texts);
  });

  it('PostgreSQL comes back under the event store, and appends wait for it instead of failing', async () => {
    const texts = await appendThrough('note-2', 60, new Map([[20, () => killPostgres(engines.dataDir)]]));
    expect(await insist(() => textsOf(client, 'note-2'))).toEqual(texts);
  });

  it('a subscription is taken up again where it stopped, without a gap', async () => {
    const seen: string[] = [];
    const count = 60;
    const follow = async (): Promise<void> => {
      const options = seen.length === 0 ? {} : { fromRevision: BigInt(seen.length - 1) };
      for await (const { event } of client.subscribeToStream('note-3', options)) {
        seen.push((event?.data as { text: string }).text);
        if (seen.length === count) return;
      }
      throw new Error('the subscription ended');
    };
    const following = insist(follow);
    const texts = await appendThrough(
      'note-3',
      count,
      new Map([
        [20, () => killStore(engines.dataDir)],
        [40, () => killPostgres(engines.dataDir)],
      ]),
    );
    await following;
    expect(seen).toEqual(texts);
  });

  it('PostgreSQL serves again under the same address, with what was committed', async () => {
    const url = engines.databaseUrl('juy');
    const run = async (sql: string): Promise<readonly unknown[]> => {
      const connection = new pg.Client({ connectionString: url });
      connection.on('error', () => undefined);
      await connection.connect();
      try {
        return (await connection.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await connection.end();
      }
    };
    await run('create table kept as select 1 as one');
    await killPostgres(engines.dataDir);
    expect(await insist(() => run('select one from kept'))).toEqual([{ one: 1 }]);
  });
});

const SERVICE = `
  const [postgresModule, storeModule, dataDir] = process.argv.slice(1);
  const { startPostgres } = await import(postgresModule);
  const { startEventStore } = await import(storeModule);
  const log = () => undefined;
  const postgres = await startPostgres({ dataDir, databases: ['juy', 'eventstore'], durable: false, log });
  const store = await startEventStore({ dataDir, databaseUrl: postgres.url('eventstore'), log });
  process.stdout.write(store.connectionString + '\\n');
  process.stdin.on('end', () => void store.stop().then(() => postgres.stop())).resume();
`;

const built = (path: string): string => new URL(`../../dist/embedded/${path}`, import.meta.url).href;

/** Starts the engines from a process of its own, as the service does, and answers when they run. */
const startService = async (dataDir: string): Promise<Readonly<{ eventStoreUrl: string; kill: () => void; stop: () => Promise<void> }>> => {
  const args = ['--input-type=module', '-e', SERVICE, built('postgres.process.js'), built('eventstore.process.js'), dataDir];
  const service = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => service.once('exit', resolve));
  const line = await new Promise<Buffer>((resolve) => service.stdout.once('data', resolve));
  return {
    eventStoreUrl: line.toString().trim(),
    kill: () => service.kill('SIGKILL'),
    stop: async () => {
      service.stdin.end();
      await ended;
    },
  };
};

describe('When the service itself is killed', () => {
  it('the next one finds everything, under the same addresses', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'juy-crash-'));
    const first = await startService(dataDir);
    const client = EventStoreDBClient.connectionString(first.eventStoreUrl);
    await client.appendToStream('note-1', noted('a'));
    first.kill();
    const second = await startService(dataDir);
    expect(second.eventStoreUrl).toBe(first.eventStoreUrl);
    expect(await insist(() => textsOf(client, 'note-1'))).toEqual(['a']);
    await client.dispose();
    await second.stop();
    await rm(dataDir, { recursive: true });
  });
});

describe('PostgreSQL', () => {
  it('starts in a folder only its owner can enter, keeps its password to itself, and starts again with its data', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'juy-postgres-'));
    const options = { dataDir: join(closed, 'data'), databases: ['juy'], durable: false, log: () => undefined };
    const first = await startPostgres(options);
    const url = first.url('juy');
    await expect(new pg.Client({ connectionString: url.replace(/:[^:@]*@/, ':guessed@') }).connect()).rejects.toMatchObject({
      code: '28P01',
    });
    await first.stop();
    const second = await startPostgres(options);
    expect(second.url('juy')).toBe(url);
    await second.stop();
    await rm(closed, { recursive: true });
  });
});
