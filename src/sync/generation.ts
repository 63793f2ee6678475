import { DAY, HOUR, instant, MINUTE, SECOND } from '../kernel/clock.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type GenerationReason } from '../calendar/calendar.js';

/** What `sync_state` says of a calendar when it is claimed. */
export type Standing = Readonly<{
  generation: number;
  hasCursor: boolean;
  generationDueAt: number | null;
  fullRequested: boolean;
  held: boolean;
  /** As long as a generation of this calendar lives at most, in milliseconds. */
  life: number;
}>;

const BACK = 30 * DAY;
const AHEAD = 365 * DAY;

/** Why the calendar must be read whole now; null when reading on from the cursor will do. */
export const newGenerationFor = (standing: Standing, now: number): GenerationReason | null => {
  if (standing.generation === 0) return 'first';
  if (standing.held) return 'held';
  if (!standing.hasCursor) return 'resumed';
  if (standing.fullRequested) return 'requested';
  // Due later than any generation lives: the clock has gone back, and the window is not about these days.
  const due = standing.generationDueAt;
  return due !== null && (due <= now || due > now + standing.life) ? 'scheduled' : null;
};

/** Half-open, from whole UTC days: 30 days back, to 365 days after the moment the next generation is due at the latest. */
export const windowAt = (now: number, life: number): TimeRange => {
  const today = Math.floor(now / DAY) * DAY;
  return { start: instant(today - BACK), end: instant(today + DAY + life + AHEAD) };
};

/** Jitter spreads the renewals of calendars that were connected together over the last seventh of their life. */
export const nextGenerationAt = (now: number, life: number, fraction: number): number => now + life - Math.floor((fraction * life) / 7);

/**
 * When a calendar is read whole because another mapping reads it now: `share`, in [0, 1) and always the same for a calendar, spreads all of them
 * over a day. Counted from the first look, since a later one comes to a later time.
 */
export const remappedAt = (now: number, share: number): number => now + Math.floor(share * DAY);

/** Everything of a calendar is listed by name once a day. */
export const nextListingAt = (now: number, fraction: number): number => now + DAY - Math.floor(fraction * 2 * HOUR);

/** Due later than any listing is put off: the clock has gone back. */
export const isListingDue = (dueAt: number | null, now: number): boolean => dueAt !== null && (dueAt <= now || dueAt > now + DAY);

/** The days a person looks at first. */
export const soonAt = (now: number): TimeRange => ({ start: instant(now - DAY), end: instant(now + 30 * DAY) });

/** Without push a calendar is read again after half of `within` to all of it (milliseconds), so that those connected together spread out. */
export const nextPollAt = (now: number, within: number, fraction: number): number => now + Math.ceil((within / 2) * (1 + fraction));

/** 5 minutes doubling to 6 hours with a fifth of jitter, never before the provider's own wish (seconds). */
export const retryAt = (now: number, failures: number, retryAfter: number | null, fraction: number): number => {
  const backOff = Math.min(5 * MINUTE * 2 ** Math.max(0, failures - 1), 6 * HOUR);
  return now + Math.max(backOff * (0.8 + 0.4 * fraction), (retryAfter ?? 0) * SECOND);
};

/** The mass-change breaker: more than half of what is known, and more than 20 occurrences, would go in one sync. */
export const isMassRemoval = (removed: number, known: number): boolean => removed > 20 && removed * 2 > known;

/** Milliseconds within which a calendar is read again because a scan left something to be asked for; null when it left nothing. */
export const againIn = ({ again, within }: Readonly<{ again: boolean; within?: number }>): number | null => (again ? 0 : (within ?? null));
