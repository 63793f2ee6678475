import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Engine, type Log } from './engine.js';
import { type Identity, isAuthority, selfSigned } from './eventstore/certificate.der.js';
import { type ServerOptions } from './eventstore/server.grpc.js';
import { readIfThere, rememberedPassword, rememberedPort, writePrivately } from './remembered.file.js';
import { endOf, gone, isAlive, isRunning, type Life, supervise } from './supervisor.process.js';

export type EventStoreOptions = Readonly<{
  dataDir: string;
  /** The database the log is in; nothing else may be in it. One that is still being started is waited for while the server loads its program. */
  databaseUrl: string | Promise<string>;
  /** null or left out: the port of last time, at first any free one. */
  port?: number | null;
  /** The server's compiled program; the one beside this module unless a test runs from the sources. */
  program?: string;
  log: Log;
}>;

/** `connectionString` is for `@eventstore/db-client`; it stays the same over restarts, so that clients reconnect. */
export type LocalEventStore = Engine & Readonly<{ connectionString: string; passwordFile: string; certificateFile: string }>;

const USER = 'admin';
const PROGRAM = fileURLToPath(new URL('./eventstore/eventstore.main.js', import.meta.url));

const identityIn = async (dataDir: string): Promise<Identity> => {
  const keyFile = join(dataDir, 'eventstore.key');
  const certificateFile = join(dataDir, 'eventstore.crt');
  const [key, certificate] = [await readIfThere(keyFile), await readIfThere(certificateFile)];
  if (key !== null && certificate !== null && !isAuthority(certificate)) return { key, certificate };
  const made = selfSigned('Smart Calendar Integration, embedded event store');
  await writePrivately(keyFile, made.key);
  await writePrivately(certificateFile, made.certificate);
  return made;
};

/** A server whose service was killed ends by itself, unless it hangs. */
const endLeftOver = async (pidFile: string): Promise<void> => {
  const pid = Number(await readIfThere(pidFile));
  if (pid > 0 && (await isRunning(pid, 'eventstore.main')) && !(await gone(pid, 5_000))) process.kill(pid, 'SIGKILL');
};

/** A process of its own keeps the log fast while the service is busy; its standard input is its life line. */
const launch = (program: string, pidFile: string, options: Promise<ServerOptions>, log: Log): Promise<Life> => {
  // A session of its own: Ctrl-C reaches the service alone, which stops its engines in order.
  const child = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const { pid = 0 } = child;
  // Writing to a server that has just died is an error of the pipe; its end tells the story.
  child.stdin.on('error', () => undefined);
  options.then(
    (line) => child.stdin.write(`${JSON.stringify(line)}\n`),
    () => child.stdin.end(),
  );
  const ended = endOf(child);
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (isAlive(pid) && !(await gone(pid, 10_000))) child.kill('SIGKILL');
    await ended;
  };
  return new Promise((ready, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line !== 'ready') {
        log(`event store: ${line}`);
        return;
      }
      writePrivately(pidFile, String(pid)).then(() => {
        ready({ ended, stop });
      }, fail);
    });
    void ended.then((reason) => {
      fail(new Error(`the event store ended at its start (${reason})`));
    });
  });
};

/**
 * Starts the embedded event store: EventStoreDB's protocol on 127.0.0.1, its log in Postgres. Password, port and certificate are made once and
 * kept in `dataDir`. One left over by a killed service ends by itself; this waits for it.
 */
export const startEventStore = async (settings: EventStoreOptions): Promise<LocalEventStore> => {
  const { dataDir, program = PROGRAM, log } = settings;
  const database = Promise.resolve(settings.databaseUrl);
  // Its failure is told by the launch, which comes later.
  database.catch(() => undefined);
  const folder = resolve(dataDir);
  const password = await rememberedPassword(folder, 'eventstore');
  const { key, certificate } = await identityIn(folder);
  const pidFile = join(folder, 'eventstore.pid');
  await endLeftOver(pidFile);
  const chosen = (): Promise<number> => rememberedPort(folder, 'eventstore', () => Promise.resolve(false));
  const startAt = (port: number): Promise<Engine> => {
    const options = database.then((url): ServerOptions => ({ databaseUrl: url, port, user: USER, password, certificate, key }));
    return supervise('the event store', () => launch(program, pidFile, options, log), log);
  };
  let port = settings.port ?? (await chosen());
  const engine = await startAt(port).catch(async (error: unknown) => {
    // A port is free when it is chosen, and may be somebody else's when the server gets to it.
    const another = settings.port ?? (await chosen());
    if (another === port) throw error;
    port = another;
    return startAt(port);
  });
  const certificateFile = join(folder, 'eventstore.crt');
  return {
    ...engine,
    connectionString: `esdb://${USER}:${password}@localhost:${port}?tls=true&tlsCAFile=${encodeURIComponent(certificateFile)}`,
    passwordFile: join(folder, 'eventstore.password'),
    certificateFile,
  };
};
