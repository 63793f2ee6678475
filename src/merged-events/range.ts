import { DAY, instant } from '../kernel/clock.js';
import { type TimeRange } from '../kernel/time-range.js';
import { Refused } from '../kernel/refused.js';

const LONGEST = 400 * DAY;
const MOMENT = /^(\d{4}-\d{2}-\d{2})(T([01]\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
/** Years that RFC 3339 and Postgres both know, at any offset. */
export const [FIRST_INSTANT, LAST_INSTANT] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')] as const;

const invalid = (detail: string): Refused => new Refused('range.invalid', 400, detail);

/** `Date.parse` takes 30 February for 2 March. */
const isDay = (date: string): boolean => {
  const milliseconds = Date.parse(date);
  return !Number.isNaN(milliseconds) && instant(milliseconds).startsWith(date);
};

const momentOf = (text: string): number => {
  const day = MOMENT.exec(text)?.[1];
  const milliseconds = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN;
  if (!(milliseconds >= FIRST_INSTANT && milliseconds <= LAST_INSTANT))
    throw invalid('Each end of the range is an RFC 3339 time with offset, or a date: 2026-03-01T00:00:00Z/2026-04-01T00:00:00Z.');
  return milliseconds;
};

/** Reads an ISO 8601 interval `start/end` (dates mean midnight UTC), half-open, at most 400 days; throws `range.invalid`. */
export const rangeOf = (text: string): TimeRange => {
  // In a query string a plus sign is a blank, and clients forget to write %2B.
  const [first, last, ...rest] = text.replaceAll(' ', '+').split('/');
  if (first === undefined || last === undefined || rest.length > 0)
    throw invalid('The range is two times with a slash between: start/end.');
  const [start, end] = [momentOf(first), momentOf(last)];
  if (end <= start) throw invalid('The range must end after it starts.');
  if (end - start > LONGEST) throw invalid('The range may span 400 days at most.');
  return { start: instant(start), end: instant(end) };
};
