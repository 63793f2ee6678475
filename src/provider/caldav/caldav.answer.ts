import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault } from '../calendar-provider.js';
import { BoundedQueue, type Page } from './bounded-queue.js';
import { delivered, Enough, type Reader, toChange } from './caldav.objects.js';
import { isUnsupported } from './dav.client.js';
import { calendarQuery } from './requests.js';

/** What is wanted of an answer with many objects, and how much of it may be in memory at the same time. */
type Wanted = Readonly<{
  /** Objects with an instance in it; null: all. */
  range: TimeRange | null;
  wants: (path: string, etag: string | null) => boolean;
  /** Objects that are held at once, if their texts are not too long: while so many wait, no more of the answer is read. */
  page: number;
  /** The answer is cut after so many objects, */
  most: number;
  /** or so many bytes: they come as fast as the server sends them. */
  maxBytes: number;
}>;

/** What a person would rather wait for by another way than not get at all. */
const isPassing = (error: unknown): boolean => isUnsupported(error) || (error instanceof ProviderFault && PASSING.has(error.fault));
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'throttled', 'malformed']);

/** Of the texts of a page. Objects take about three times as much. */
const MOST_CHARACTERS = 1_000_000;

/**
 * An answer that is asked for at once and taken page by page. It is read only as fast as it is taken: a consumer that takes no more of it must
 * `leave`, or the request waits until it times out.
 */
export type Answer = Readonly<{ pages: () => AsyncGenerator<Page<Change>, void>; leave: () => void }>;

const ask = ({ dav, calendar, ...reading }: Reader, { range, wants, page, most, maxBytes }: Wanted): Answer => {
  const queue = new BoundedQueue<Change>(page, MOST_CHARACTERS);
  let count = 0;
  const body = calendarQuery(range, ['d:getetag', 'c:calendar-data']);
  const answered = dav.multistatus(
    { method: 'REPORT', url: calendar, depth: 1, body, maxBytes },
    (row, base) => {
      const found = delivered(row, base);
      if (found === null || found.text === null) return null;
      const path = reading.exact ? found.spelling : found.path;
      if (!wants(path, found.etag)) return null;
      if (count === most) throw new Enough();
      count += 1;
      queue.put(toChange(reading, path, found.etag, found.text), found.text.length);
      return null;
    },
    async () => {
      if (!(await queue.room())) throw new Enough();
    },
  );
  void answered.then(
    () => {
      queue.finish(null);
    },
    (error: unknown) => {
      queue.finish(error instanceof Enough || isPassing(error) ? null : (error as Error));
    },
  );
  return {
    pages: () => queue.pages(),
    leave: () => {
      queue.close();
    },
  };
};

const MEGABYTE = 1_048_576;

/** More objects than this are read by name: an answer with all of them would be cut. */
export const MOST_AT_ONCE = 10_000;

/** So many of the urgent days are a page; where they are more, the calendar is too large for one answer. */
export const SOON_PAGE = 1_000;

const EVERYTHING = { range: null, page: 250, most: MOST_AT_ONCE, maxBytes: 16 * MEGABYTE } as const;
const URGENT = { page: SOON_PAGE, most: MOST_AT_ONCE, maxBytes: 8 * MEGABYTE } as const;

/**
 * The whole calendar in one answer, asked for at once and handed on while it arrives: one request instead of one per hundred objects. `wants`
 * picks what is worth reading. Ends early, without a word, when the server does not do this or breaks off, or the calendar is too large: what
 * is missing then is for `readObjects`.
 */
export const readEverything = (reader: Reader, wants: Wanted['wants']): Answer => ask(reader, { ...EVERYTHING, wants });

/** All objects with an instance in `range`, whole, as far as one answer brings them; nothing when the server does not do that, or not now. */
export const readRange = (reader: Reader, range: TimeRange): Answer => ask(reader, { ...URGENT, range, wants: () => true });
