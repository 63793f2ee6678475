import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault } from '../calendar-provider.js';
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

/** What has come of an answer that is still arriving. `taken` lets it go on, `come` tells whoever waits for it. */
type Arriving = {
  changes: Change[];
  characters: number;
  over: boolean;
  left: boolean;
  error: Error | null;
  come: () => void;
  taken: () => void;
};

/** What a person would rather wait for by another way than not get at all. */
const isPassing = (error: unknown): boolean => isUnsupported(error) || (error instanceof ProviderFault && PASSING.has(error.fault));
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'throttled', 'malformed']);

const nothing = (): void => undefined;

/** Of the texts of a page. Objects take about three times as much. */
const MOST_CHARACTERS = 1_000_000;

const isFull = ({ changes, characters }: Arriving, page: number): boolean => changes.length >= page || characters >= MOST_CHARACTERS;

/** Reads the answer as fast as it is taken. */
const arrive = ({ dav, calendar, ...reading }: Reader, { range, wants, page, most, maxBytes }: Wanted): Arriving => {
  const arriving: Arriving = { changes: [], characters: 0, over: false, left: false, error: null, come: nothing, taken: nothing };
  let count = 0;
  const body = calendarQuery(range, ['d:getetag', 'c:calendar-data']);
  const ready = async (): Promise<void> => {
    while (isFull(arriving, page) && !arriving.left)
      await new Promise<void>((resolve) => {
        arriving.taken = resolve;
        arriving.come();
      });
    if (arriving.left) throw new Enough();
  };
  const request = { method: 'REPORT', url: calendar, depth: 1, body, maxBytes } as const;
  const answered = dav.multistatus(
    request,
    (row, base) => {
      const found = delivered(row, base);
      if (found === null || found.text === null) return null;
      const path = reading.exact ? found.spelling : found.path;
      if (!wants(path, found.etag)) return null;
      if (count === most) throw new Enough();
      count += 1;
      arriving.characters += found.text.length;
      arriving.changes.push(toChange(reading, path, found.etag, found.text));
      return null;
    },
    ready,
  );
  const over = (error: Error | null): void => {
    Object.assign(arriving, { over: true, error });
    arriving.come();
  };
  void answered.then(() => {
    over(null);
  }, over);
  return arriving;
};

/** An answer that is taken page by page. Whoever does not take it to its end must `leave` it: it would wait for ever. */
export type Answer = Readonly<{
  pages: () => AsyncGenerator<readonly Change[], void>;
  /** Whether all of it has come and been taken. */
  isOver: () => boolean;
  leave: () => void;
}>;

const answerOf = (arriving: Arriving, page: number): Answer => {
  const leave = (): void => {
    arriving.left = true;
    arriving.taken();
  };
  return {
    leave,
    isOver: () => arriving.over && arriving.changes.length === 0,
    pages: async function* () {
      try {
        for (;;) {
          while (!isFull(arriving, page) && !arriving.over)
            await new Promise<void>((resolve) => {
              arriving.come = resolve;
            });
          if (arriving.changes.length === 0) break;
          const changes = arriving.changes.splice(0);
          arriving.characters = 0;
          arriving.taken();
          yield changes;
        }
      } finally {
        leave();
      }
      const { error } = arriving;
      if (error !== null && !(error instanceof Enough) && !isPassing(error)) throw error;
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
export const readEverything = (reader: Reader, wants: Wanted['wants']): Answer =>
  answerOf(arrive(reader, { ...EVERYTHING, wants }), EVERYTHING.page);

/** All objects with an instance in `range`, whole, as far as one answer brings them; nothing when the server does not do that, or not now. */
export const readRange = (reader: Reader, range: TimeRange): Answer =>
  answerOf(arrive(reader, { ...URGENT, range, wants: () => true }), URGENT.page);
