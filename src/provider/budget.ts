import { MINUTE } from '../kernel/clock.js';

/**
 * Whose requests are counted together, and how many of them a minute may have, and how many may be under way at a time (null: as many as a process
 * makes). `account`: at its service, the same for all who have it; personal.
 */
export type Lane = Readonly<{ account: string; aMinute: number; atOnce: number | null }>;

/** Takes one request out of an account's budget. Answers the milliseconds after which to ask again, having taken none; 0 when it may be made. */
export type Spend = (lane: Lane) => Promise<number>;

/** A place among the requests of an account that are under way. `lost`: goes off when the place has become free meanwhile, and the request is to end. */
export type Place = Readonly<{ lost: AbortSignal; leave: () => Promise<void> }>;

/** An account whose requests that are under way are counted. */
export type NarrowLane = Lane & Readonly<{ atOnce: number }>;

/**
 * Takes a request out of the budget, and a place for it, at once. Neither is taken without the other: answers the milliseconds after which to ask again
 * while the budget is used up, null when `atOnce` requests are under way already.
 */
export type Enter = (lane: NarrowLane) => Promise<Place | number | null>;

/** What keeps the requests of accounts within their limits, those of all processes together. */
export type Budget = Readonly<{ spend: Spend; enter: Enter }>;

/** `until`: the instant at which the budget is full again; `wait` as `Spend` has it. */
type Spent = Readonly<{ until: number; wait: number }>;

/** By how many milliseconds later a budget is full again for one request more. */
export const costOf = (aMinute: number): number => Math.ceil((2 * MINUTE) / aMinute);

/**
 * Takes one request out of a budget that is full again at `until`. All in milliseconds; `aMinute` is at least two. Half of a minute's requests may be
 * made at once, and the other half comes back over the minute, so that no minute, wherever it begins, has more than `aMinute` of them: a full budget
 * that came back whole would allow twice as many. An instant further ahead than any request leads to was stored before the clock was set back, and
 * counts for nothing, because the account would else wait until the clock is there again.
 */
export const spend = (until: number, now: number, aMinute: number): Spent => {
  const left = until > now + MINUTE ? now : Math.max(until, now);
  const next = left + costOf(aMinute);
  const wait = Math.max(0, next - (now + MINUTE));
  return wait > 0 ? { until, wait } : { until: next, wait: 0 };
};
