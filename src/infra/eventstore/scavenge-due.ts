import { DAY, HOUR } from '../../kernel/clock.js';

/** Bytes of feeds in the log, and how many of them no reader of a feed sees; times in milliseconds since the epoch, null for never. */
export type LogStanding = Readonly<{ bytes: number; hidden: number; hiddenSince: number | null; startedAt: number | null }>;

/** At most nightly: less than a day, because the hour at which one begins varies. */
const PAUSE = 20 * HOUR;

/** What was hidden goes from the log within a week, however little it is: contents may not outlive their time there. */
const LONGEST = 7 * DAY;

/** Sooner, once it is an eighth of the log and worth the reading. */
const LEAST = 16 * 1_048_576;
const SHARE = 1 / 8;

/** Whether it is time to remove from the log what is hidden in it. */
export const isScavengeDue = ({ bytes, hidden, hiddenSince, startedAt }: LogStanding, now: number): boolean => {
  if (hiddenSince === null || (startedAt !== null && now - startedAt < PAUSE)) return false;
  return now - hiddenSince >= LONGEST || (hidden >= LEAST && hidden >= bytes * SHARE);
};
