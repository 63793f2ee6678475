import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock } from '../kernel/clock.js';

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
 * Whether other programs took less than a quarter of the machine's processors since the question before. What this process does itself does not
 * count, and the load average is no answer: it speaks of the last minute.
 */
export const spareTime = (spent: () => Spent = spentNow): (() => boolean) => {
  let [last, isSpare] = [spent(), true];
  return () => {
    const now = spent();
    const all = now.all - last.all;
    if (all < LEAST) return isSpare;
    const others = all - (now.idle - last.idle) - (now.own - last.own);
    [last, isSpare] = [now, others < all / 4];
    return isSpare;
  };
};

/** Enough for nearly all of what a first sync runs to be compiled. */
const ROUNDS = 20;

const pause = (milliseconds: number, signal: AbortSignal): Promise<unknown> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** How long real work is waited for before the first round, in milliseconds: who connects at once is not kept waiting for a made-up calendar. */
const BEFORE = 250;

/** How long a busy machine is watched, in milliseconds. */
const WATCH = 200;

/** A machine that is busy so many times it is looked at stays so. */
const LOOKS = 50;

/** `isAtWork`: whether the thread has had real work since it began, which warms it as well. */
export type WarmUp = Readonly<{ clock: Clock; signal: AbortSignal; isAtWork: () => boolean }>;

/**
 * Runs round after round until real work comes, when other programs leave the machine time for it: on a busy one a warm-up would slow down what is
 * asked of the service now for what may be asked later.
 */
export const inSpareTime = async (
  { signal, isAtWork }: WarmUp,
  round: () => Promise<unknown>,
  isSpare: () => boolean = spareTime(),
): Promise<void> => {
  let [rounds, looks] = [0, 0];
  await pause(BEFORE, signal);
  while (rounds < ROUNDS && looks < LOOKS && !signal.aborted && !isAtWork()) {
    const spare = isSpare();
    if (spare) rounds += 1;
    else looks += 1;
    await (spare ? round() : pause(WATCH, signal));
  }
};
