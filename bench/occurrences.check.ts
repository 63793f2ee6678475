import { type EventView } from '../src/merged-events/events.contract.js';
import { differences, type Span } from './expected.ical.js';
import { keysOf, type Paged } from './ours.service.js';

const DAY = 86_400_000;

export const textOf = ({ start, end }: Span): string => `${new Date(start).toISOString()}/${new Date(end).toISOString()}`;

/** The spans the service is asked for: its window, whole days; and the next 30 days. */
export const spansAt = (now: number): Readonly<{ whole: Span; soon: Span }> => {
  const today = Math.floor(now / DAY) * DAY;
  const minute = Math.floor(now / 60_000) * 60_000;
  return { whole: { start: today - 30 * DAY, end: today + 365 * DAY }, soon: { start: minute, end: minute + 30 * DAY } };
};

/** What `found` has wrong, for people; null when it is exactly what was expected. */
const wrongIn = (what: string, expected: readonly string[], found: readonly string[]): string | null => {
  const { missing, surplus } = differences(expected, found);
  if (missing.length === 0 && surplus.length === 0) return null;
  const some = [...missing.slice(0, 3).map((key) => `  missing: ${key}`), ...surplus.slice(0, 3).map((key) => `  too much: ${key}`)];
  return [
    `${what}: ${expected.length} expected, ${found.length} found, ${missing.length} missing, ${surplus.length} too much.`,
    ...some,
  ].join('\n');
};

/** What was read of a calendar, and what it must have been. */
export type Read = Readonly<{
  soon: readonly EventView[];
  soonExpected: readonly string[];
  whole: Paged;
  wholeExpected: readonly string[];
  /** After the changes. */
  after: Paged;
  afterExpected: readonly string[];
}>;

/** Everything that is wrong with what was read, for people. */
export const wrongWith = ({ soon, soonExpected, whole, wholeExpected, after, afterExpected }: Read): readonly string[] => {
  const ids = new Set(whole.events.map(({ id, calendarId }) => `${calendarId} ${id}`));
  const twice = whole.events.length - ids.size;
  return [
    wrongIn('The whole range', wholeExpected, keysOf(whole.events)),
    wrongIn('The next 30 days', soonExpected, keysOf(soon)),
    wrongIn('The whole range after the changes', afterExpected, keysOf(after.events)),
    twice === 0 ? null : `${twice} occurrences came twice.`,
  ].filter((each) => each !== null);
};
