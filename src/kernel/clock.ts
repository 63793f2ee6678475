/** The only source of the present; instants in milliseconds since the epoch. */
export type Clock = Readonly<{ now: () => number }>;

/** DI token of the `Clock`. */
export const CLOCK = Symbol('Clock');

/** RFC 3339 in UTC with milliseconds, the form every instant has in events and rows. */
export const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
