import { DAY } from '../kernel/clock.js';

/**
 * Occurrences that ended before this instant (milliseconds since the epoch) are not kept: whole UTC days, 30 of them, so that nothing that a new
 * generation asks for is missing.
 */
export const keptFrom = (now: number): number => (Math.floor(now / DAY) - 30) * DAY;
