import { type Occurrence } from './occurrence.js';

/** Occurrences of one object that are kept at most. Beyond them it keeps what is nearest to now. */
export const MOST_OF_OBJECT = 10_000;

/** Which occurrences are kept: so many at most, those nearest to `now` (milliseconds since the epoch, the time of a fact). */
export type Bound = Readonly<{ now: number; most: number }>;

/** A bound of which less is shown than counted, because the calendar as a whole holds no more. */
export type Share = Bound & Readonly<{ shown?: number }>;

/**
 * What was found of an object: `single` is what repeats nothing, `explicit` what was changed one by one, `generated` what rules and dates say.
 * Every occurrence between `from` and `until` (milliseconds since the epoch; null: no end) is there; beyond them some are missing.
 */
export type Found = Readonly<{
  single: readonly Occurrence[];
  explicit: readonly Occurrence[];
  generated: readonly Occurrence[];
  from: number | null;
  until: number | null;
}>;

export const NOTHING_FOUND: Found = { single: [], explicit: [], generated: [], from: null, until: null };

const narrower = (pick: (...values: number[]) => number, a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : pick(a, b);

/** What two parts of an object have together. */
export const together = (a: Found, b: Found): Found => ({
  single: [...a.single, ...b.single],
  explicit: [...a.explicit, ...b.explicit],
  generated: [...a.generated, ...b.generated],
  from: narrower(Math.max, a.from, b.from),
  until: narrower(Math.min, a.until, b.until),
});

/** Nearest to now first; what is as far away in one order, however it was found. */
const byDistance =
  (now: number) =>
  (a: Occurrence, b: Occurrence): number =>
    Math.abs(a.start - now) - Math.abs(b.start - now) || a.start - b.start || (a.original < b.original ? -1 : 1);

const cut = (occurrences: readonly Occurrence[], { now, most }: Bound) => {
  if (occurrences.length <= most) return { kept: occurrences, dropped: [] };
  const sorted = [...occurrences].sort(byDistance(now));
  return { kept: sorted.slice(0, most), dropped: sorted.slice(most) };
};

/**
 * Keeps what was changed one by one before what rules generate, because each of those is something its owner did, and of either what is nearest
 * to now. What repeats nothing is always kept.
 */
export const keepNearest = (found: Found, { now, most }: Bound): Found => {
  if (found.explicit.length + found.generated.length <= most) return found;
  const explicit = cut(found.explicit, { now, most });
  const generated = cut(found.generated, { now, most: most - explicit.kept.length });
  let { from, until } = found;
  for (const { start, end } of [...explicit.dropped, ...generated.dropped]) {
    if (start < now) from = Math.max(from ?? end, end);
    else until = Math.min(until ?? start, start);
  }
  return { single: found.single, explicit: explicit.kept, generated: generated.kept, from, until };
};
