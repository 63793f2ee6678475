import { type Clock, MINUTE, SECOND } from '../../kernel/clock.js';

/** What is left after a request, and in how many seconds there is more. */
export type Verdict = Readonly<{ allowed: boolean; remaining: number; resetSeconds: number }>;

/** Counts requests by a key: so many a minute, all of them at once if one likes, then as they come back. Each process counts by itself. */
export type RateLimit = Readonly<{ perMinute: number; take: (key: string) => Verdict }>;

type Bucket = { tokens: number; at: number };

/** Beyond this many keys those that have been quiet longest are forgotten, which gives them a fresh start. */
const KEYS = 50_000;

/** `perMinute` 0 counts nothing and is null. */
export const rateLimit = (perMinute: number, clock: Clock): RateLimit | null => {
  if (perMinute === 0) return null;
  const buckets = new Map<string, Bucket>();
  const rate = perMinute / MINUTE;
  const forget = (): void => {
    for (const key of buckets.keys()) {
      if (buckets.size <= KEYS) return;
      buckets.delete(key);
    }
  };
  return {
    perMinute,
    take: (key) => {
      const now = clock.now();
      const { tokens, at } = buckets.get(key) ?? { tokens: perMinute, at: now };
      const refilled = Math.min(perMinute, tokens + Math.max(0, now - at) * rate);
      const allowed = refilled >= 1;
      const left = allowed ? refilled - 1 : refilled;
      // Deleted first, so that the order of the map is that of the last request.
      buckets.delete(key);
      buckets.set(key, { tokens: left, at: now });
      forget();
      return { allowed, remaining: Math.floor(left), resetSeconds: Math.ceil((Math.floor(left) + 1 - left) / rate / SECOND) };
    },
  };
};
