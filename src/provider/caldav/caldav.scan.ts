import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { type Collection, type Ctag, readCtag } from './caldav.collection.js';
import { listByToken, listSync, listWhole, listWindow, SyncBroken, type SyncListing, type WholeListing } from './caldav.listing.js';
import { type Answer, MOST_AT_ONCE, readEverything, readRange, SOON_PAGE } from './caldav.answer.js';
import { isMissed, type ParseResource, type Reader, readObjects } from './caldav.objects.js';
import { type Cursor, readCursor, writeCursor } from './cursor.js';
import { asFault, type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { type Listed, type PackedList, packedList } from './packed-list.js';

/** One calendar and the way to it. */
export type Scanned = Readonly<{
  dav: DavClient;
  calendar: string;
  parse: ParseResource;
  /** What is known about the calendar. */
  known: () => Promise<Collection>;
  /** The same asked anew. */
  fresh: () => Promise<Collection>;
}>;

type Pages = AsyncGenerator<ScanPage, ScanEnd>;

const PAGE = 250;

const readerOf = ({ dav, calendar, parse }: Scanned, { ownAddresses }: Collection): Reader => ({ dav, calendar, parse, ownAddresses });

function* pagesOf(changes: readonly Change[], expected: number | null): Generator<ScanPage, undefined> {
  for (let start = 0; start < changes.length; start += PAGE) yield { changes: changes.slice(start, start + PAGE), expected };
}

const removal = (remoteId: string): Change => ({ kind: 'removed', remoteId });

type Baseline = WholeListing & Readonly<{ cursor: Cursor }>;

/**
 * Lists everything, on the highest rung that bears. Sync token and ctag are older than the listing, so that what changes meanwhile comes
 * again with the next scan.
 */
const listBaseline = async ({ dav, calendar }: Scanned, about: Collection, { window }: ScanRequest): Promise<Baseline> => {
  if (about.syncs) {
    try {
      const { token, ...listing } = await listByToken(dav, calendar);
      return { ...listing, cursor: { rung: 'sync', token } };
    } catch (error) {
      if (!(error instanceof SyncBroken) && !isUnsupported(error)) throw error;
    }
  }
  const ctag = await readCtag(dav, calendar);
  const { rung, ...listing } = await listWhole(dav, calendar, window);
  return { ...listing, cursor: rung === 'list' ? { rung, ctag } : { rung } };
};

const etagOf = (change: Change): string | null =>
  change.kind === 'object' ? change.object.etag : change.kind === 'unreadable' ? change.etag : null;

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
    for await (const changes of urgent?.pages() ?? []) {
      remember(changes);
      // Asked for before the urgent days are handed on: the server makes its answer while they are taken in.
      if (urgent?.isOver() === true && read.size >= MANY.soon && read.size < SOON_PAGE) everything = readEverything(reader, isNews);
      yield* pagesOf(changes, null);
    }
    for await (const changes of everything?.pages() ?? []) {
      list();
      remember(changes);
      yield* pagesOf(changes, null);
    }
    return everything !== null;
  } finally {
    everything?.leave();
  }
}

/** What of a listing is still to be read, and what was read that is not on it. */
const judged = ({ members, removed }: WholeListing, read: Read): Readonly<{ unread: PackedList; gone: readonly string[] }> => {
  const gone = new Set(read.keys());
  const unread = packedList();
  for (const piece of members.take())
    for (const object of piece) {
      const { path, etag } = object;
      if (removed.has(path)) continue;
      gone.delete(path);
      if (etag === null ? !read.has(path) : read.get(path) !== etag) unread.add(object);
    }
  return { unread, gone: [...gone] };
};

/**
 * The first read of a calendar: the urgent days, in a large calendar everything in one answer, then the list, by which all that was read is
 * judged: what is not on it is gone again, what is on it and was not read with the same etag is fetched. So nothing depends on the big
 * answer being whole, or on what happened between the three; and the server lists while the caller takes in what came.
 */
async function* scanWhole(scanned: Scanned, request: ScanRequest): Pages {
  const about = await scanned.fresh();
  const reader = readerOf(scanned, about);
  const read: Read = new Map();
  const listing = once(() => listBaseline(scanned, about, request));
  const askedForAll = yield* readBeforeListing(reader, request.soon, read, () => {
    listing().catch(() => undefined);
  });
  const listed = await listing();
  const expected = listed.members.size();
  const { unread, gone } = judged(listed, read);
  yield* pagesOf(gone.map(removal), expected);
  // What one answer did not bring, another will not.
  yield* readUnread(reader, unread, expected, !askedForAll);
  return { cursor: writeCursor(listed.cursor), whole: true, expected };
}

/** Reads what is listed: `atOnce` many objects in one answer, and whatever did not come that way by name. */
async function* readUnread(reader: Reader, unread: PackedList, expected: number, atOnce: boolean): AsyncGenerator<ScanPage, undefined> {
  let left = unread;
  if (atOnce && unread.size() >= MANY.unread && unread.size() <= MOST_AT_ONCE) {
    const open = new Map([...unread.take()].flat().map((object) => [object.path, object]));
    for await (const changes of readEverything(reader, (path) => open.delete(path)).pages()) yield* pagesOf(changes, expected);
    left = packedList(open.values());
  }
  for await (const changes of readObjects(reader, left.take())) yield { changes, expected };
}

/** Begins the work when it is first asked for, and only then. */
const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | null = null;
  return () => (begun ??= work());
};

/** Reads what is listed with another etag than the one known; answers whether all of it was to be had. */
async function* readChanged(
  scanned: Scanned,
  listed: PackedList,
  request: ScanRequest,
  expected: number,
): AsyncGenerator<ScanPage, boolean> {
  const changed = packedList();
  for (const piece of listed.take()) {
    const etags = await request.known(piece.map(({ path }) => path));
    const same = ({ path, etag }: Listed): boolean => etag !== null && etags.get(path) === etag;
    const unchanged = piece.filter(same).map(({ path }): Change => ({ kind: 'unchanged', remoteId: path }));
    if (unchanged.length > 0) yield { changes: unchanged, expected };
    for (const object of piece) if (!same(object)) changed.add(object);
  }
  if (changed.size() === 0) return true;
  const reader = readerOf(scanned, await scanned.known());
  let complete = true;
  for await (const changes of readObjects(reader, changed.take())) {
    complete &&= !changes.some(isMissed);
    yield { changes, expected };
  }
  return complete;
}

const expired = (): ProviderFault => new ProviderFault('cursor-expired', 'the server does not know the sync token any more');

/**
 * Servers refuse a token with 403 or 409 and `valid-sync-token`, others with 400, 412 or 415 or a bare 403. Whatever the refusal means, to
 * read the calendar whole is the cure, and shows the true reason if there is another.
 */
const listSince = async ({ dav, calendar }: Scanned, token: string): Promise<SyncListing> => {
  try {
    return await listSync(dav, calendar, token);
  } catch (error) {
    const forbidden = error instanceof DavRefused && error.conditions.includes('d:need-privileges');
    if (!forbidden && (error instanceof SyncBroken || isUnsupported(error))) throw expired();
    throw error;
  }
};

/**
 * Xandikos answers 500 to a token it does not know. Where everything can be listed all the same, the listing is compared by etags, which costs
 * no more than the listing even where a server cannot do better for good; else the failure stays what it was.
 */
async function* scanRelisted(scanned: Scanned, refused: DavRefused, request: ScanRequest): Pages {
  const { changed, token } = await listSync(scanned.dav, scanned.calendar, '').catch((error: unknown) => {
    throw error instanceof DavRefused || error instanceof SyncBroken ? refused : error;
  });
  const complete = yield* readChanged(scanned, packedList(changed.values()), request, changed.size);
  return { cursor: complete ? writeCursor({ rung: 'sync', token }) : request.cursor, whole: true, expected: changed.size };
}

/** The token moves only past what was to be had: an object the server kept back is listed again next time, the others are known then. */
async function* scanSync(scanned: Scanned, since: string, request: ScanRequest): Pages {
  const listed = await listSince(scanned, since).catch((error: unknown) => {
    if (error instanceof DavRefused && error.status === 500) return error;
    throw error;
  });
  if (listed instanceof DavRefused) return yield* scanRelisted(scanned, listed, request);
  const { changed, removed, token } = listed;
  const expected = changed.size + removed.size;
  yield* pagesOf([...removed].map(removal), expected);
  const complete = yield* readChanged(scanned, packedList(changed.values()), request, expected);
  return { cursor: writeCursor({ rung: 'sync', token: complete ? token : since }), whole: false, expected };
}

async function* scanList(scanned: Scanned, before: Ctag, request: ScanRequest): Pages {
  const { dav, calendar } = scanned;
  const ctag = await readCtag(dav, calendar);
  if (ctag !== null && ctag === before) return { cursor: writeCursor({ rung: 'list', ctag }), whole: false, expected: 0 };
  const { rung, members } = await listWhole(dav, calendar, request.window);
  const expected = members.size();
  const complete = yield* readChanged(scanned, members, request, expected);
  return { cursor: writeCursor(rung === 'list' ? { rung, ctag: complete ? ctag : before } : { rung }), whole: true, expected };
}

/**
 * The lowest rung lists only objects with an instance in the window, and says `whole` of it: days outside it need not be known, so an
 * object that left it may go, and one that enters it appears as new. The server answers for series by expanding them (RFC 4791 9.9).
 */
async function* scanQuery(scanned: Scanned, request: ScanRequest): Pages {
  const members = await listWindow(scanned.dav, scanned.calendar, request.window);
  const expected = members.size();
  yield* readChanged(scanned, members, request, expected);
  return { cursor: writeCursor({ rung: 'query' }), whole: true, expected };
}

const scanFrom = (scanned: Scanned, request: ScanRequest): Pages => {
  if (request.cursor === null) return scanWhole(scanned, request);
  const cursor = readCursor(request.cursor);
  switch (cursor?.rung) {
    case 'sync':
      return scanSync(scanned, cursor.token, request);
    case 'list':
      return scanList(scanned, cursor.ctag, request);
    case 'query':
      return scanQuery(scanned, request);
    case undefined:
      throw expired();
  }
};

/** A scan as the port describes it. A ladder: sync-collection, else ctag and listing, else a time-range query over the window. */
export async function* scanCalendar(scanned: Scanned, request: ScanRequest): Pages {
  try {
    return yield* scanFrom(scanned, request);
  } catch (error) {
    throw asFault(error);
  }
}
