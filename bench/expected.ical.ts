import { setImmediate } from 'node:timers/promises';
import ICAL from 'ical.js';

/** A span of instants, milliseconds since the epoch: `[start, end)`. */
export type Span = Readonly<{ start: number; end: number }>;

const BY_CODE_POINT = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** How an occurrence is compared: by when it is and what it is called. */
export const occurrenceKey = (start: number, end: number, title: string): string =>
  `${new Date(start).toISOString()} ${new Date(end).toISOString()} ${title}`;

/** Overrides may bring an instance back from after the span. */
const OVERRIDES_REACH = 62 * 86_400_000;

// Days count as those of UTC, the zone of a calendar that names none.
const instantOf = (time: ICAL.Time): number => (time.isDate ? Date.UTC(time.year, time.month - 1, time.day) : time.toUnixTime() * 1_000);

const overlaps = (start: number, end: number, span: Span): boolean =>
  start < span.end && (end > span.start || (end === start && start >= span.start));

const isCancelled = ({ component }: ICAL.Event): boolean => component.getFirstPropertyValue('status') === 'CANCELLED';

/** As ical.js documents it; its own declaration leads nowhere. */
type Details = Readonly<{ item: ICAL.Event; startDate: ICAL.Time; endDate: ICAL.Time }>;

/** ical.js moves the yearly 29 February of other years to 1 March; there is none in them (RFC 5545 3.3.10, invalid dates are ignored). */
const isRolledOver = ({ startDate }: ICAL.Event, next: ICAL.Time): boolean =>
  startDate.month === 2 && startDate.day === 29 && next.month === 3 && next.day === 1;

function* occurrencesOf(master: ICAL.Event, span: Span): Generator<Readonly<{ item: ICAL.Event; start: number; end: number }>> {
  if (!master.isRecurring()) {
    yield { item: master, start: instantOf(master.startDate), end: instantOf(master.endDate) };
    return;
  }
  const instances = master.iterator();
  for (let next = instances.next() as ICAL.Time | undefined; next !== undefined; next = instances.next() as ICAL.Time | undefined) {
    if (instantOf(next) >= span.end + OVERRIDES_REACH) return;
    if (isRolledOver(master, next)) continue;
    const { item, startDate, endDate } = master.getOccurrenceDetails(next) as Details;
    yield { item, start: instantOf(startDate), end: instantOf(endDate) };
  }
}

type Found = Readonly<{ title: string; start: number; end: number }>;

const inObject = (text: string, span: Span): readonly Found[] => {
  const events = new ICAL.Component(ICAL.parse(text) as unknown[]).getAllSubcomponents('vevent').map((each) => new ICAL.Event(each));
  return events
    .filter((event) => !event.isRecurrenceException())
    .flatMap((master) => [...occurrencesOf(master, span)])
    .filter(({ item }) => !isCancelled(item))
    .map(({ item, start, end }) => ({ title: item.summary, start, end }));
};

/** What a calendar of these iCalendar texts shows within a span, sorted. */
export type Expectation = (texts: Iterable<string>, span: Span) => Promise<readonly string[]>;

/**
 * Expands by ical.js, of which the service uses nothing but the reading of lines. Each text is expanded once; `widest` holds every span that
 * will be asked for.
 */
export const expectationWithin = (widest: Span): Expectation => {
  const known = new Map<string, readonly Found[]>();
  const found = async (text: string): Promise<readonly Found[]> => {
    const before = known.get(text);
    if (before !== undefined) return before;
    // Seconds without a pause would let connections die unnoticed.
    await setImmediate();
    const occurrences = inObject(text, widest);
    known.set(text, occurrences);
    return occurrences;
  };
  return async (texts, span) => {
    const keys: string[] = [];
    for (const text of texts)
      for (const { title, start, end } of await found(text)) if (overlaps(start, end, span)) keys.push(occurrenceKey(start, end, title));
    return keys.sort(BY_CODE_POINT);
  };
};

/** What of `expected` is missing in `found`, and what is there too often or should not be; neither is empty only for equal lists. */
export const differences = (
  expected: readonly string[],
  found: readonly string[],
): Readonly<{ missing: readonly string[]; surplus: readonly string[] }> => {
  const counts = new Map<string, number>();
  for (const key of expected) counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const key of found) counts.set(key, (counts.get(key) ?? 0) - 1);
  return {
    missing: [...counts].flatMap(([key, count]) => Array<string>(Math.max(count, 0)).fill(key)),
    surplus: [...counts].flatMap(([key, count]) => Array<string>(Math.max(-count, 0)).fill(key)),
  };
};
