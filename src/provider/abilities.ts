import { DAY, HOUR } from '../kernel/clock.js';

/**
 * How changes of a calendar become known: `pushed` its service tells of them; `polled` it is asked again and again, because the service tells of none, or
 * not at the moment; `unwatchable` the service tells of changes in other calendars and never in this one.
 */
export const WATCH_MODES = ['pushed', 'polled', 'unwatchable'] as const;
export type WatchMode = (typeof WATCH_MODES)[number];

/** What a kind of calendar service can do, as far as sweeping its calendars depends on it. */
export type Abilities = Readonly<{
  /** Milliseconds within which each of its calendars is read again by itself; null: it tells of no changes, and is asked as the operator says (`POLL_SECONDS`). */
  sweeps: Readonly<Record<WatchMode, number>> | null;
  /** Requests a day that the service answers to this program, for all people together; null where it counts for each account apart. */
  requestsADay: number | null;
}>;

/** The longest that a calendar waits for its next reading. */
export const LONGEST_WAIT = DAY - HOUR;

/** A calendar waits between half of its interval and all of it (`nextPollAt`). */
const MEAN_WAIT = 0.75;

/** The share of a service's day that sweeps take. */
const SHARE = 0.5;

/** `operators`: milliseconds, where the service has no interval of its own. `fleet`: how many calendars of the service are swept. */
export type Sweeping = Readonly<{ mode: WatchMode; operators: number; fleet: number }>;

/**
 * Milliseconds within which a calendar of a service is read again by itself. A sweep that finds nothing takes one request; sweeps take half of the
 * service's day, and leave the other half to first readings, changes and what people ask for. The fleet stretches the interval of every mode, because
 * a hundred thousand pushed calendars that are each read once an hour are more than a day allows, too.
 */
export const sweepWithin = ({ sweeps, requestsADay }: Abilities, { mode, operators, fleet }: Sweeping): number => {
  const wished = sweeps?.[mode] ?? operators;
  if (requestsADay === null) return wished;
  return Math.min(LONGEST_WAIT, Math.max(wished, Math.ceil((fleet * DAY) / (requestsADay * SHARE * MEAN_WAIT))));
};
