import { type TimeRange } from '../kernel/time-range.js';

/** Half-open span of time `[start, end)`, milliseconds since the epoch; never empty. */
export type Interval = Readonly<{ start: number; end: number }>;

export const intervalOf = ({ start, end }: TimeRange): Interval => ({ start: Date.parse(start), end: Date.parse(end) });

/** The parts of intervals that lie inside `[start, end)`. */
export const within = (intervals: readonly Interval[], { start, end }: Interval): readonly Interval[] =>
  intervals.flatMap((each) => {
    const cut = { start: Math.max(each.start, start), end: Math.min(each.end, end) };
    return cut.start < cut.end ? [cut] : [];
  });

/** The time that any of the intervals takes: in order, and none touching the next. Empty ones take none. */
export const merged = (intervals: readonly Interval[]): readonly Interval[] => {
  const inOrder = intervals.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of inOrder) {
    const last = result.at(-1);
    if (last === undefined || start > last.end) result.push({ start, end });
    else last.end = Math.max(last.end, end);
  }
  return result;
};

/** What is left of some intervals without others; both merged, and so is the answer. */
export const without = (intervals: readonly Interval[], others: readonly Interval[]): readonly Interval[] => {
  const left: Interval[] = [];
  let next = 0;
  for (const { start, end } of intervals) {
    let from = start;
    while (next < others.length && (others[next]?.end ?? 0) <= from) next += 1;
    for (let at = next; at < others.length; at += 1) {
      const other = others[at];
      if (other === undefined || other.start >= end) break;
      if (other.start > from) left.push({ start: from, end: other.start });
      from = Math.max(from, other.end);
    }
    if (from < end) left.push({ start: from, end });
  }
  return left;
};
