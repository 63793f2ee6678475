import { SECOND } from '../../kernel/clock.js';

/** Seconds of a `Retry-After` header, which is a number of seconds or an HTTP date (RFC 9110 10.2.3); null when absent or senseless. */
export const retryAfterSeconds = (header: string | null, now: number): number | null => {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / SECOND));
};

/**
 * Milliseconds to wait before the next try: `floor` doubled for every try made, never less than the server asked for, and up to half as
 * much again by chance, so that many clients do not come back together. Apple's own Retry-After is too short to help, hence the floor.
 */
export const retryDelay = (attempt: number, floor: number, retryAfter: number | null, chance: number): number =>
  Math.round(Math.max(floor * 2 ** attempt, (retryAfter ?? 0) * SECOND) * (1 + chance / 2));
