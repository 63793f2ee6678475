import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { type Answer, MOST_AT_ONCE, readEverything, readRange, SOON_PAGE } from './caldav.answer.js';
import { isConfusable, readerOf, type Scanned, watched } from './caldav.known.js';
import { type Reader, readObjects } from './caldav.objects.js';
import { listFirst, listIfPossible, waysOf, type Whole } from './caldav.ways.js';
import { writeCursor } from './cursor.js';
import { type PackedList, packedList } from './packed-list.js';

const PAGE = 250;

export function* pagesOf(changes: readonly Change[], expected: number | null): Generator<ScanPage, undefined> {
  for (let start = 0; start < changes.length; start += PAGE) yield { changes: changes.slice(start, start + PAGE), expected };
}

export const removal = (remoteId: string): Change => ({ kind: 'removed', remoteId });

const etagOf = (change: Change): string | null => (change.kind === 'object' ? change.object.etag : 'etag' in change ? change.etag : null);

const idOf = (change: Change): string => (change.kind === 'object' ? change.object.remoteId : change.remoteId);

/** Where the urgent days alone hold so many objects, or so many are still to be read, one answer with everything beats many with some. */
const MANY = { soon: 50, unread: 200 };

/** What was read before the calendar was listed, by path. */
type Read = Map<string, string | null>;

/**
 * The urgent days and, where they are many but not too many for it, everything in one answer; answers whether that was asked for. `list` is
 * called when the server may begin to list.
 */
async function* readBeforeListing(reader: Reader, soon: TimeRange | null, read: Read, list: () => void): AsyncGenerator<ScanPage, boolean> {
  const remember = (changes: readonly Change[]): void => {
    for (const change of changes) read.set(idOf(change), etagOf(change));
  };
  const isNews = (path: string, etag: string | null): boolean => etag === null || read.get(path) !== etag;
  const urgent = soon === null ? null : readRange(reader, soon);
  let everything: Answer | null = null;
  try {
    for await (const { items: changes, isLast } of urgent?.pages() ?? []) {
      remember(changes);
      // Asked for before the urgent days are handed on: the server makes its answer while they are taken in.
      if (isLast && read.size >= MANY.soon && read.size < SOON_PAGE) everything = readEverything(reader, isNews);
      yield* pagesOf(changes, null);
    }
    for await (const { items: changes } of everything?.pages() ?? []) {
      list();
      remember(changes);
      yield* pagesOf(changes, null);
    }
    return everything !== null;
  } finally {
    everything?.leave();
  }
}

/** What was read, held against what is listed: what is still to be read, what was read and is not listed, and how many of the listed are held. */
class Judgement {
  readonly unread: PackedList = packedList();
  readonly confusable = new Set<string>();
  readonly gone: Set<string>;
  listed = 0;
  held = 0;

  constructor(
    private readonly request: ScanRequest,
    private readonly read: Read,
    readonly exact: boolean,
  ) {
    this.gone = new Set(read.keys());
  }

  async take({ members, removed }: Whole): Promise<void> {
    for (const piece of members.take(this.exact)) {
      if (this.request.held > 0) this.held += (await this.request.known(piece.map(({ path }) => path))).size;
      for (const object of piece) {
        const { path, etag } = object;
        if (removed.has(path)) continue;
        this.listed += 1;
        this.gone.delete(path);
        if (isConfusable(path)) this.confusable.add(path);
        // What was read before it was known that spellings differ may be another object.
        const isRead = !this.exact && (etag === null ? this.read.has(path) : this.read.get(path) === etag);
        if (!isRead) this.unread.add(object);
      }
    }
  }

  lacks(): boolean {
    return this.listed === 0 || this.gone.size > 0 || this.held < this.request.held;
  }
}

/**
 * Judges by the highest rung that bears. What it lacks, although a query brought it or it is held, is asked for by the next: gone is what both
 * lack, and it is the next rung that is stood on when it brought something.
 */
const judge = async (request: ScanRequest, read: Read, { whole, rest }: Awaited<ReturnType<typeof listFirst>>) => {
  const judgement = new Judgement(request, read, whole.members.isAmbiguous());
  await judgement.take(whole);
  const cursor = whole.cursor ?? ({ rung: 'query' } as const);
  const another = judgement.lacks() ? await listIfPossible(rest) : null;
  if (another === null) return { judgement, cursor };
  const [gone, held] = [judgement.gone.size, judgement.held];
  const isNone = judgement.listed === 0;
  const second = isNone ? new Judgement(request, read, another.whole.members.isAmbiguous()) : judgement;
  await second.take(another.whole);
  const brought = isNone ? second.listed > 0 : second.gone.size < gone || second.held > held;
  return { judgement: second, cursor: (brought ? another.whole.cursor : null) ?? cursor };
};

/** Begins the work when it is first asked for, and only then. */
const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | null = null;
  return () => (begun ??= work());
};

/** Reads what is listed: `atOnce` many objects in one answer, and the others by name. */
async function* readUnread(reader: Reader, unread: PackedList, expected: number, atOnce: boolean): AsyncGenerator<ScanPage, undefined> {
  let left = unread;
  if (atOnce && unread.size() >= MANY.unread && unread.size() <= MOST_AT_ONCE) {
    const open = new Map([...unread.take()].flat().map((object) => [object.path, object]));
    for await (const { items: changes } of readEverything(reader, (path) => open.delete(path)).pages()) yield* pagesOf(changes, expected);
    left = packedList(open.values());
  }
  for await (const changes of readObjects(reader, left.take())) yield { changes, expected };
}

/**
 * The first read of a calendar: the urgent days, in a large calendar everything in one answer, then the list, by which all that was read is
 * judged: what is not on it is gone again, what is on it and was not read with the same etag is fetched. So nothing depends on the big
 * answer being whole, or on what happened between the three; and the server lists while the caller takes in what came.
 */
export async function* scanWhole(scanned: Scanned, request: ScanRequest): AsyncGenerator<ScanPage, ScanEnd> {
  const about = await scanned.fresh();
  const reader = readerOf(scanned, about, request, { exact: false, decides: false, confusable: new Set() });
  const read: Read = new Map();
  const { sync, list, query, window } = waysOf(scanned, request.window);
  const ladder = about.syncs ? [sync, list, window] : [list, window];
  const listing = once(() => listFirst(ladder));
  const askedForAll = yield* readBeforeListing(reader, request.soon, read, () => {
    listing().catch(() => undefined);
  });
  const { whole, rest } = await listing();
  // A second opinion on everything is no query of the window.
  const others = whole.cursor?.rung === 'query' ? [] : [...rest.filter((way) => way !== window), query];
  const { judgement, cursor } = await judge(request, read, { whole, rest: others });
  const { exact, confusable, gone, listed: expected, unread } = judgement;
  yield* pagesOf([...gone].map(removal), expected);
  const judging = readerOf(scanned, about, request, { exact, decides: false, confusable });
  // What one answer did not bring, another will not.
  const { doubtful: doubt } = yield* watched(readUnread(judging, unread, expected, !askedForAll));
  return { cursor: writeCursor({ ...cursor, exact, doubt }), whole: true, again: doubt, expected };
}
