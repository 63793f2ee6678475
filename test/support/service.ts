import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { type SyncView } from '../../src/sync/sync.contract.js';
import { type EventPage, type EventView } from '../../src/merged-events/events.contract.js';
import { freePort } from '../../src/embedded/free.port.js';

const PROGRAM = fileURLToPath(new URL('../../dist/programs/main.js', import.meta.url));
const START_LIMIT = 180_000;

export type Answer<T = unknown> = Readonly<{ status: number; headers: Headers; body: T }>;

/** One person's view of the service. */
export type Client = Readonly<{
  request: <T = unknown>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer<T>>;
  connect: (account: Readonly<{ url: string; user: string; password: string }>) => Promise<ConnectionView>;
  /** All occurrences of a range, by following the pages. */
  events: (range: string, limit?: number) => Promise<readonly EventView[]>;
  /** Asks for a sync and waits until what it read can be read. */
  sync: (scope?: Readonly<Record<string, unknown>>) => Promise<SyncView>;
  /** Waits until every calendar has been read to its end. */
  settled: (milliseconds?: number) => Promise<void>;
}>;

/** The whole built service, as `npm start` runs it, in a throw-away data folder. */
export type Service = Readonly<{
  url: string;
  dataDir: string;
  pid: () => number;
  /** Everything it has printed in all its lives. */
  output: () => string;
  /** A person, in the teams named. */
  as: (userId: string, teams?: readonly string[]) => Promise<Client>;
  /** A bearer token for somebody. */
  token: (userId: string) => Promise<string>;
  /** `kill -9`, engines left to themselves. */
  kill: () => Promise<void>;
  /** Starts again in the same data folder; resolves when it is ready. */
  restart: () => Promise<void>;
  /** Stops as Ctrl-C does and keeps the data folder, for a restart or a look at it. */
  halt: () => Promise<void>;
  /** Rows of the service's own database, read behind its back. */
  rows: <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** Process id of an engine the service runs, for those who want to kill it. */
  engine: (name: 'postgres' | 'event store') => Promise<number>;
  /** How clients reach the embedded event store. */
  eventStoreUrl: () => Promise<string>;
  /** Stops, also what a `kill` left over, and removes the data folder. */
  stop: () => Promise<void>;
}>;

/** Tests of people of their own, at a service that others are tested at as well. */
export type PlainSuite = Readonly<{ title: string; suite: (plain: () => Service) => void }>;

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) =>
        child.once('exit', () => {
          resolve();
        }),
      );

const until = async (isSo: () => Promise<boolean>, what: string, milliseconds: number): Promise<void> => {
  const end = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${milliseconds} ms`);
    await sleep(50);
  }
};

/** The embedded PostgreSQL that a killed service leaves running. */
const endLeftOver = async (dataDir: string): Promise<void> => {
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGINT');
  await until(() => Promise.resolve(!existsSync(pidFile)), 'PostgreSQL ended', 10_000);
};

/** Asks a service's own database; the connection stays open for a moment, since a look that is repeated would otherwise cost most by it. */
const databaseOf = (dataDir: string) => {
  let pool: pg.Pool | null = null;
  const open = async (): Promise<pg.Pool> => {
    const [port, password] = await Promise.all(['postgres.port', 'postgres.password'].map((name) => readFile(join(dataDir, name), 'utf8')));
    const address = { host: '127.0.0.1', port: Number(port), user: 'juy', password: password?.trim() ?? '', database: 'juy' };
    const opened = new pg.Pool({ ...address, max: 2, idleTimeoutMillis: 1_000, allowExitOnIdle: true });
    // Its server may be killed under it.
    opened.on('error', () => undefined);
    return opened;
  };
  return {
    rows: async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> =>
      (await (pool ??= await open()).query<Row>(sql, [...values])).rows,
    close: async (): Promise<void> => {
      await pool?.end();
      pool = null;
    },
  };
};

const PID_FILES = { postgres: 'postgres/postmaster.pid', 'event store': 'eventstore.pid' } as const;

const storeUrlOf = async (dataDir: string): Promise<string> => {
  const [port, password] = await Promise.all(
    ['eventstore.port', 'eventstore.password'].map((name) => readFile(join(dataDir, name), 'utf8')),
  );
  const trust = encodeURIComponent(join(dataDir, 'eventstore.crt'));
  return `esdb://admin:${password ?? ''}@localhost:${port ?? ''}?tls=true&tlsCAFile=${trust}`;
};

const clientOf = (url: string, token: string): Client => {
  const request: Client['request'] = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === '' ? null : JSON.parse(text)) as T };
  };
  const expected = async <T>(status: number, ...asked: Parameters<Client['request']>): Promise<T> => {
    const answer = await request<T>(...asked);
    if (answer.status !== status) throw new Error(`${asked[0]} ${asked[1]} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    request,
    connect: async ({ url: serverUrl, user: username, password }) => {
      const credentials = { serverUrl, username, password };
      const made = await request<ConnectionView>('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
      if (made.status === 201) return made.body;
      if (made.status !== 202) throw new Error(`POST /v1/calendar/connections answered ${made.status}: ${JSON.stringify(made.body)}`);
      // On a machine with other things to do the read models may lag behind the command.
      let seen = made.body;
      await until(
        async () => {
          seen = await expected<ConnectionView>(200, 'GET', `/v1/calendar/connections/${seen.connectionId}`);
          return seen.calendars.length > 0;
        },
        'the calendars of the connection were shown',
        60_000,
      );
      return seen;
    },
    events: async (range, limit = 500) => {
      const items: EventView[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: EventPage = await expected(
          200,
          'GET',
          `/v1/calendar/events?range=${range}&limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        items.push(...page.items);
        cursor = page.nextCursor;
      }
      return items;
    },
    sync: async (scope = {}) => {
      const { syncId } = await expected<{ syncId: string }>(202, 'POST', '/v1/calendar/sync', scope);
      let seen = await expected<SyncView>(200, 'GET', `/v1/calendar/sync/${syncId}`);
      await until(
        async () => {
          seen = await expected<SyncView>(200, 'GET', `/v1/calendar/sync/${syncId}`);
          return seen.state === 'done' || seen.state === 'failed';
        },
        'the sync ended',
        120_000,
      );
      return seen;
    },
    settled: (milliseconds = 120_000) =>
      until(
        async () => {
          const { items } = await expected<{ items: ConnectionView[] }>(200, 'GET', '/v1/calendar/connections');
          return items.every(({ status }) => status !== 'syncing');
        },
        'every calendar was read',
        milliseconds,
      ),
  };
};

const tokenOf = async (url: string, userId: string, teams: readonly string[] = []): Promise<string> => {
  const answer = await fetch(`${url}/v1/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, teams }),
  });
  return ((await answer.json()) as { token: string }).token;
};

/** A data folder; prepared, it has a PostgreSQL with tables and no rows, which a service would otherwise make at its first start. */
const newFolder = async (isPrepared: boolean): Promise<string> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'juy-service-'));
  const prepared = process.env['TEST_PREPARED'];
  if (isPrepared && prepared !== undefined) await promisify(execFile)('cp', ['-pR', `${prepared}/.`, dataDir]);
  return dataDir;
};

/**
 * Starts the service. Extra settings go into its environment; manual syncs may follow each other at once. `fresh`: in an empty data folder, as
 * at a stranger's first start.
 */
export const startService = async (
  settings: Readonly<Record<string, string>> = {},
  { fresh = false }: Readonly<{ fresh?: boolean }> = {},
): Promise<Service> => {
  if (!existsSync(PROGRAM)) throw new Error('The service is not built: npm run build');
  const dataDir = await newFolder(!fresh && settings['DATABASE_URL'] === undefined);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const database = databaseOf(dataDir);
  let printed = '';
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [PROGRAM], {
      env: {
        ...process.env,
        DATA_DIR: dataDir,
        PORT: String(port),
        PROVIDERS: 'live',
        CALDAV_ALLOW_PRIVATE: 'true',
        MANUAL_SYNC_SECONDS: '0',
        FULL_SYNC_SECONDS: '0',
        RATE_LIMIT: '0',
        RATE_LIMIT_ANONYMOUS: '0',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (part: Buffer) => {
        printed += part.toString();
      });
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the service ended at its start:\n${printed.slice(-3000)}`);
        return fetch(`${url}/health/ready`).then(
          (answer) => answer.ok,
          () => false,
        );
      },
      'the service was ready',
      START_LIMIT,
    );
  };
  const halt = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited(child);
  };
  const stop = async (): Promise<void> => {
    await database.close();
    await halt();
    await endLeftOver(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    dataDir,
    pid: () => child.pid ?? 0,
    output: () => printed,
    as: async (userId, teams = []) => clientOf(url, await tokenOf(url, userId, teams)),
    token: (userId) => tokenOf(url, userId),
    kill: async () => {
      child.kill('SIGKILL');
      await exited(child);
    },
    restart: start,
    halt,
    rows: (sql, values = []) => database.rows(sql, values),
    engine: async (name) => Number.parseInt(await readFile(join(dataDir, PID_FILES[name]), 'utf8'), 10),
    eventStoreUrl: () => storeUrlOf(dataDir),
    stop,
  };
};
