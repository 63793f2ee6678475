import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A vendor's simulator in a process of its own; `url` has a slash at the end. */
export type Simulator = Readonly<{ url: string; stop: () => Promise<void> }>;

const addressOf = async (child: ChildProcess): Promise<string> => {
  if (child.stdout === null) throw new Error('The simulator prints nothing.');
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('The simulator ended at its start.'))),
  ])) as [string];
  return line;
};

/** Starts a simulator by the name of its program, 40 ms a request, with one calendar of so many events around `from`. */
export const startSimulator = async (program: string, events: number, from: Date): Promise<Simulator> => {
  const path = fileURLToPath(new URL(`./${program}.main.js`, import.meta.url));
  const child = spawn(process.execPath, [path, '--events', String(events), '--from', from.toISOString()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    url: await addressOf(child),
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
};
