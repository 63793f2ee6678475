import { type Clock, MINUTE, SECOND } from '../../kernel/clock.js';
import { type Budget } from '../budget.js';

/** Milliseconds and bytes. */
export type GuardedHttpOptions = Readonly<{
  clock: Clock;
  /** In [0, 1); spreads retries. */
  random: () => number;
  /** The budgets of accounts, out of which every request is taken, redirects and repetitions among them. */
  spend: Budget['spend'];
  /** Places for the requests of accounts that may have few under way at a time. */
  enter: Budget['enter'];
  /** Calls private addresses, and plain http, as well: a server on one's own network. Links and cloud metadata are never called. */
  allowPrivate?: boolean;
  /** Origins that are called at private addresses and over plain http too. */
  allowedOrigins?: readonly string[];
  connectTimeout?: number;
  headersTimeout?: number;
  /** Longest silence within an answer. */
  bodyTimeout?: number;
  /** For one try from connecting to the last byte; later than that after the first try began, there is no other. */
  totalTimeout?: number;
  /** Longest time spent waiting between tries; a server that asks for more is left to the caller. */
  waitBudget?: number;
  /** First wait after 429 and 503; doubles. */
  throttleFloor?: number;
  /** First wait after a broken connection, 502 and 504; doubles. */
  faultFloor?: number;
  retries?: number;
  maxBytes?: number;
  perLane?: number;
}>;

/** What holds where an option is not given. */
export const DEFAULTS = {
  allowPrivate: false,
  allowedOrigins: [] as readonly string[],
  connectTimeout: 10 * SECOND,
  headersTimeout: MINUTE,
  bodyTimeout: 30 * SECOND,
  totalTimeout: 3 * MINUTE,
  waitBudget: 15 * SECOND,
  throttleFloor: 2 * SECOND,
  faultFloor: 500,
  retries: 3,
  maxBytes: 64 * 1024 * 1024,
  perLane: 4,
};

/** Every option, given or not. */
export type Settings = Required<GuardedHttpOptions>;
