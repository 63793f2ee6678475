import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, type Engine, type Log } from './engine.js';
import { FIRST_PAUSE, pauseAfter } from './restart-pause.js';

/** One life of an engine: `ended` resolves, with the reason, when it is over. */
export type Life = Readonly<{ ended: Promise<string>; stop: () => Promise<void> }>;

/** After so many milliseconds a life counts as a good one, and the pauses begin with the shortest again. */
const GOOD_LIFE = 30_000;

/** True while a process of that id exists, also another user's. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

/** Resolves when the process is gone, or answers false after `milliseconds`. A wait without a limit does not keep this process running. */
export const gone = async (pid: number, milliseconds = Infinity): Promise<boolean> => {
  const until = performance.now() + milliseconds;
  while (isAlive(pid)) {
    if (performance.now() > until) return false;
    await pause(milliseconds === Infinity ? 100 : 10, undefined, { ref: milliseconds !== Infinity });
  }
  return true;
};

/** True when a process of that id exists and its command line holds `words`: a number remembered from before a reboot may be anyone's. */
export const isRunning = async (pid: number, words: string): Promise<boolean> => {
  if (!isAlive(pid)) return false;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(
    () => spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout,
  );
  return typeof command === 'string' && command.includes(words);
};

/** Resolves, with the reason, when a process started here ends or could not be started. */
export const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  });

/** Launches an engine, and launches it again, with growing pauses, each time it ends by itself. The first launch's failure is the caller's. */
export const supervise = async (name: string, launch: () => Promise<Life>, log: Log): Promise<Engine> => {
  const stopping = new AbortController();
  let life = await launch();

  const relaunch = async (wait: number): Promise<number> => {
    for (let next = wait; ; next = pauseAfter(next)) {
      await pause(next, undefined, { signal: stopping.signal });
      try {
        life = await launch();
        if (stopping.signal.aborted) await life.stop();
        return next;
      } catch (error) {
        log(`${name} did not start: ${String(error)}`);
      }
    }
  };

  const watch = async (): Promise<void> => {
    for (let wait = FIRST_PAUSE; ;) {
      const born = performance.now();
      const reason = await life.ended;
      if (stopping.signal.aborted) return;
      log(`${name} ended (${reason}), starting it again`);
      const steady = performance.now() - born > GOOD_LIFE;
      wait = pauseAfter(await relaunch(steady ? FIRST_PAUSE : wait));
      log(`${name} is back`);
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) log(`${name} is no longer supervised: ${String(error)}`);
  });

  return {
    stop: async () => {
      stopping.abort();
      await life.stop();
      await watching;
    },
  };
};
