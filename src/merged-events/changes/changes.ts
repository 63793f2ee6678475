import { type OccurrenceRow } from '../placed-series.js';

/** An occurrence as far as somebody who reads it can tell it from another. */
export type Shown = Omit<OccurrenceRow, 'component' | 'generation' | 'copy'>;

/** What happened to one occurrence; of a removed one what it was. */
export type EventChange = Readonly<{ change: 'added' | 'changed' | 'removed'; occurrence: Shown }>;

/** More changes of one fact than this are not told one by one: a reader is told to read the calendar again, which costs both sides less. */
export const MOST_TOLD = 1_000;

const keyOf = ({ series, original }: Shown): string => `${series} ${original}`;

/** Everything but the reference to its object, which says nothing to a reader. */
const looksOf = (occurrence: Shown): string => {
  const { start, end, allDay, floating, localStart, localEnd, zone, status, busy, recurring } = occurrence;
  return JSON.stringify([start, end, allDay, floating, localStart, localEnd, zone, status, busy, occurrence.private, recurring]);
};

const inOrder = ({ occurrence: a }: EventChange, { occurrence: b }: EventChange): number =>
  a.series === b.series ? (a.original < b.original ? -1 : 1) : a.series < b.series ? -1 : 1;

/**
 * The real differences between the occurrences of some series before and after a delta, in an order that replaying repeats. `changed` holds the
 * references of objects whose content differs, which the occurrences alone may not show. What ended before `from` (RFC 3339, UTC) has aged out
 * of the window and is no removal.
 */
export const changesOf = (
  before: readonly Shown[],
  after: readonly Shown[],
  changed: ReadonlySet<string>,
  from: string,
): readonly EventChange[] => {
  const known = new Map(before.map((occurrence) => [keyOf(occurrence), occurrence]));
  const changes: EventChange[] = [];
  for (const occurrence of after) {
    const key = keyOf(occurrence);
    const earlier = known.get(key);
    known.delete(key);
    if (earlier === undefined) changes.push({ change: 'added', occurrence });
    else if (changed.has(occurrence.ref) || looksOf(earlier) !== looksOf(occurrence)) changes.push({ change: 'changed', occurrence });
  }
  const start = Date.parse(from);
  for (const occurrence of known.values()) if (Date.parse(occurrence.end) > start) changes.push({ change: 'removed', occurrence });
  return changes.sort(inOrder);
};
