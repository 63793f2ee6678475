import { SECOND } from '../../kernel/clock.js';

/** A day: who asks for more is asked again then. */
const LONGEST = 86_400;

/**
 * Seconds of a `Retry-After` header, which is a number of seconds or an HTTP date (RFC 9110 10.2.3), at most a day; null when absent or
 * senseless.
 */
export const retryAfterSeconds = (header: string | null, now: number): number | null => {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const asked = Number.isNaN(seconds) ? (Date.parse(header) - now) / SECOND : seconds;
  return Number.isNaN(asked) ? null : Math.min(LONGEST, Math.max(0, Math.ceil(asked)));
};

/**
 * Milliseconds to wait before the next try: `floor` doubled for every try made, never less than the server asked for, and up to half as
 * much again by chance, so that many clients do not come back together. Apple's own Retry-After is too short to help, hence the floor.
 */
export const retryDelay = (attempt: number, floor: number, retryAfter: number | null, chance: number): number =>
  Math.round(Math.max(floor * 2 ** attempt, (retryAfter ?? 0) * SECOND) * (1 + chance / 2));
