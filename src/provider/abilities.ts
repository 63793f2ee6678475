import { DAY, HOUR, MINUTE } from '../kernel/clock.js';
import { type ProviderName } from './names.js';

/** What a kind of calendar service can do, as far as sweeping its calendars depends on it. */
export type Abilities = Readonly<{
  /** Milliseconds within which each of its calendars is read again by itself; null: as the operator says (`POLL_SECONDS`). */
  polled: number | null;
  /** Requests a day that the service answers to this program, for all people together; null where it counts for each account apart. */
  requestsADay: number | null;
}>;

/** Google: quotas of the Calendar API, 1,000,000 a day and project since May 2026. Graph: 10,000 in ten minutes for each mailbox. */
export const ABILITIES: Readonly<Record<ProviderName, Abilities>> = {
  google: { polled: 5 * MINUTE, requestsADay: 1_000_000 },
  microsoft: { polled: 5 * MINUTE, requestsADay: null },
  apple: { polled: null, requestsADay: null },
  caldav: { polled: null, requestsADay: null },
};

/** The longest that a calendar waits for its next reading. */
const LONGEST = DAY - HOUR;

/** A calendar waits between half of its interval and all of it (`nextPollAt`). */
const MEAN_WAIT = 0.75;

/** The share of a service's day that sweeps take. */
const SHARE = 0.5;

/**
 * Milliseconds within which each of `fleet` calendars of a service is read again. A sweep that finds nothing takes one request; sweeps take half of
 * the service's day, and leave the other half to first readings, changes and what people ask for.
 */
export const sweepWithin = ({ polled, requestsADay }: Abilities, operators: number, fleet: number): number => {
  const wished = polled ?? operators;
  if (requestsADay === null) return wished;
  return Math.min(LONGEST, Math.max(wished, Math.ceil((fleet * DAY) / (requestsADay * SHARE * MEAN_WAIT))));
};
