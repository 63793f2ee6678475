import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock } from '../kernel/clock.js';

/** What the processors of the machine have spent so far, and what of it idle; milliseconds, of all processors together. */
export type Spent = Readonly<{ all: number; idle: number }>;

const spentNow = (): Spent => {
  let [all, idle] = [0, 0];
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { all, idle };
};

const pause = (milliseconds: number, signal: AbortSignal): Promise<unknown> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** How long the machine is looked at, in milliseconds; the system counts in steps of ten. */
const WATCH = 200;

/**
 * Looks at the machine for a moment in which the caller rests, and says whether more than a quarter of its processors was idle. What others take while
 * the caller works says nothing: on a busy machine it takes its share from them. The load average is no answer either: it speaks of the last minute.
 */
export const spareTime =
  (signal: AbortSignal, spent: () => Spent = spentNow, rest: () => Promise<unknown> = () => pause(WATCH, signal)) =>
  async (): Promise<boolean> => {
    const before = spent();
    await rest();
    const after = spent();
    return after.idle - before.idle > (after.all - before.all) / 4;
  };

/** Enough for nearly all of what a first sync runs to be compiled. */
const ROUNDS = 20;

/** How many of them follow one look. */
const FEW = 4;

/** A machine that is busy so many times it is looked at stays so. */
const LOOKS = 50;

/** `isAtWork`: whether the thread has had real work since it began, which warms it as well. */
export type WarmUp = Readonly<{ clock: Clock; signal: AbortSignal; isAtWork: () => boolean }>;

/**
 * Runs round after round until real work comes, when the machine has time for it: on a busy one a warm-up would slow down what is asked of the service
 * now for what may be asked later. The look before the first round also keeps it out of the way of who connects at once.
 */
export const inSpareTime = async (
  { signal, isAtWork }: WarmUp,
  round: () => Promise<unknown>,
  isSpare: () => Promise<boolean> = spareTime(signal),
): Promise<void> => {
  const goesOn = (): boolean => !signal.aborted && !isAtWork();
  for (let [rounds, looks] = [0, 0]; rounds < ROUNDS && looks < LOOKS && goesOn(); looks += 1) {
    if (!(await isSpare())) continue;
    for (const few = rounds + FEW; rounds < few && goesOn(); rounds += 1) await round();
  }
};
