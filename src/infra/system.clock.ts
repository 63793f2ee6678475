import { type Clock } from '../kernel/clock.js';

/** The machine's own time. */
export const systemClock: Clock = { now: () => Date.now() };
