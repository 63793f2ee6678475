import { DAY, HOUR, SECOND } from './clock.js';

/** Why a row of due work is tried only once a day: it failed for unforeseen reasons, or processes died while it ran alone. */
export type SetAside = 'failed' | 'crashed';

/** What has happened to a row of due work since it last succeeded: unforeseen failures, and deaths of the process that held it. */
export type Trouble = Readonly<{ unforeseen: number; crashes: number; setAside: SetAside | null }>;

/** `pause`: milliseconds until the row is tried again by itself. */
export type Verdict = Readonly<{ trouble: Trouble; pause: number }>;

/** From this failure on, people are told that a row is in trouble. */
export const TOLD_AFTER = 3;

const MOST_FAILURES = 6;

/** The first crash says nothing, because other rows ran too; from the second on the row ran alone. */
const MOST_CRASHES = 4;

const FIRST_PAUSE = 5 * SECOND;
const GROWTH = 6;
const LONGEST_PAUSE = 6 * HOUR;

const pauseAfter = (times: number, fraction: number): number =>
  Math.min(FIRST_PAUSE * GROWTH ** Math.max(0, times - 1), LONGEST_PAUSE / (0.8 + 0.4 * fraction)) * (0.8 + 0.4 * fraction);

const verdict = (trouble: Omit<Trouble, 'setAside'>, lasting: boolean, pause: number, fraction: number): Verdict => {
  const setAside = trouble.unforeseen >= MOST_FAILURES ? 'failed' : trouble.crashes >= MOST_CRASHES ? 'crashed' : null;
  if (setAside === null || lasting) return { trouble: { ...trouble, setAside: null }, pause };
  return { trouble: { ...trouble, setAside }, pause: DAY * (0.8 + 0.4 * fraction) };
};

/**
 * What becomes of a row whose work failed for an unforeseen reason. `lasting`: the work may never be left undone (a revocation, a clean-up),
 * so it backs off and goes on. `fraction` is chance in [0, 1).
 */
export const afterFailure = ({ unforeseen, crashes }: Trouble, lasting: boolean, fraction: number): Verdict =>
  verdict({ unforeseen: unforeseen + 1, crashes }, lasting, pauseAfter(unforeseen + 1, fraction), fraction);

/** What becomes of a row that was held when its process died. A first death proves nothing about it: it is tried again at once, alone. */
export const afterCrash = ({ unforeseen, crashes }: Trouble, lasting: boolean, fraction: number): Verdict =>
  verdict({ unforeseen, crashes: crashes + 1 }, lasting, crashes === 0 ? 0 : pauseAfter(crashes, fraction), fraction);
