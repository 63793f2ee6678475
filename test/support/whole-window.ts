import { DAY } from './calendar-item.js';

/** Midnight in UTC of the day the tests run. */
export const today = Math.floor(Date.now() / DAY) * DAY;

/** Nearly all that the service keeps: whole days, the first and last of them safely inside. */
export const wholeWindow = { from: today - 29 * DAY, to: today + 365 * DAY };

/** `2026-03-01`, in UTC. */
export const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The same as a `range` of the API. */
export const WHOLE_WINDOW = `${dateOf(wholeWindow.from)}/${dateOf(wholeWindow.to)}`;
