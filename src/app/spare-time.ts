import { cpus } from 'node:os';

/** What the processors of the machine have done so far, and what of it was this process; milliseconds, of all processors together. */
export type Spent = Readonly<{ all: number; idle: number; own: number }>;

const spentNow = (): Spent => {
  const { user, system } = process.cpuUsage();
  let [all, idle] = [0, 0];
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { all, idle, own: (user + system) / 1_000 };
};

/** Less is too coarse to be judged: the system counts in steps of ten milliseconds. */
const LEAST = 100;

/**
 * Whether other programs left more than a quarter of the machine's processors free since the question before. What this process does itself does not
 * count, and the load average is no answer: it speaks of the last minute.
 */
export const spareTime = (spent: () => Spent = spentNow): (() => boolean) => {
  let [last, isSpare] = [spent(), true];
  return () => {
    const now = spent();
    const all = now.all - last.all;
    if (all < LEAST) return isSpare;
    const others = all - (now.idle - last.idle) - (now.own - last.own);
    [last, isSpare] = [now, others < (all * 3) / 4];
    return isSpare;
  };
};
