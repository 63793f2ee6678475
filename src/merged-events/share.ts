import { MOST_OF_OBJECT } from '../time/nearest.js';

/** Repetitions (occurrences of series) that a calendar holds at most. */
export const MOST_OF_CALENDAR = 100_000;

/** What each series of a calendar may hold. Halves, so that a series that comes or goes seldom changes what all others hold. */
export const SHARES: readonly number[] = [MOST_OF_OBJECT, 5_000, 2_500, 1_250, 625, 312, 156, 78, 39, 19, 9, 4, 2, 1];

/** What the series of a calendar hold together under each share. */
export type Totals = ReadonlyMap<number, number>;

/** The largest share under which a calendar holds no more than it may: a function of its series alone, however they came. */
export const shareFor = (totals: Totals): number => SHARES.find((share) => (totals.get(share) ?? Infinity) <= MOST_OF_CALENDAR) ?? 1;
