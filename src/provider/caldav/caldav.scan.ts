import { type Change, ProviderFault, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { type Collection, type Ctag, readCtag } from './caldav.collection.js';
import { type Listed, listSync, listWhole, listWindow, type Members, SyncBroken, type SyncListing } from './caldav.listing.js';
import { isMissed, type ParseResource, type Reader, readEverything, readObjects, readRange } from './caldav.objects.js';
import { type Cursor, readCursor, writeCursor } from './cursor.js';
import { asFault, type DavClient, DavRefused, isUnsupported } from './dav.client.js';

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

type Baseline = Readonly<{ members: Members; cursor: Cursor }>;

/**
 * Lists everything, on the highest rung that bears. Sync token and ctag are older than the listing, so that what changes meanwhile comes
 * again with the next scan.
 */
const listBaseline = async ({ dav, calendar }: Scanned, about: Collection, { window }: ScanRequest): Promise<Baseline> => {
  if (about.syncs) {
    try {
      const { changed, token } = await listSync(dav, calendar, '');
      return { members: changed, cursor: { rung: 'sync', token } };
    } catch (error) {
      if (!(error instanceof SyncBroken) && !isUnsupported(error)) throw error;
    }
  }
  const ctag = await readCtag(dav, calendar);
  const { rung, members } = await listWhole(dav, calendar, window);
  return { members, cursor: rung === 'list' ? { rung, ctag } : { rung } };
};

const etagOf = (change: Change): string | null =>
  change.kind === 'object' ? change.object.etag : change.kind === 'unreadable' ? change.etag : null;

const idOf = (change: Change): string => (change.kind === 'object' ? change.object.remoteId : change.remoteId);

/** Where the urgent days alone hold so many objects, or so many are still to be read, one answer with everything beats many with some. */
const MANY = { soon: 50, unread: 200 };

/**
 * The first read of a calendar: the urgent days, in a large calendar everything in one answer, then the list, by which all that was read is
 * judged: what is not on it is gone again, what is on it and was not read with the same etag is fetched. So nothing depends on the big
 * answer being whole, or on what happened between the three; and the server lists while the caller takes in what came.
 */
async function* scanWhole(scanned: Scanned, request: ScanRequest): Pages {
  const about = await scanned.fresh();
  const reader = readerOf(scanned, about);
  const read = new Map<string, string | null>();
  const remember = (changes: readonly Change[]): void => {
    for (const change of changes) read.set(idOf(change), etagOf(change));
  };
  const soon = request.soon === null ? [] : ((await readRange(reader, request.soon)) ?? []);
  remember(soon);
  const isNews = (path: string, etag: string | null): boolean => etag === null || read.get(path) !== etag;
  // Asked for before the urgent days are handed on: the server makes its answer while they are taken in.
  const everything = soon.length >= MANY.soon ? readEverything(reader, isNews) : null;
  yield* pagesOf(soon, null);
  const listing = once(() => listBaseline(scanned, about, request));
  if (everything !== null)
    for await (const changes of everything) {
      listing().catch(() => undefined);
      remember(changes);
      yield* pagesOf(changes, null);
    }
  const { members, cursor } = await listing();
  const expected = members.size;
  yield* pagesOf([...read.keys()].filter((path) => !members.has(path)).map(removal), expected);
  const unread = [...members.values()].filter(({ path, etag }) => (etag === null ? !read.has(path) : read.get(path) !== etag));
  yield* readUnread(reader, unread, expected);
  return { cursor: writeCursor(cursor), whole: true, expected };
}

/** Reads what is listed: many objects in one answer, and whatever did not come that way by name. */
async function* readUnread(reader: Reader, unread: readonly Listed[], expected: number): AsyncGenerator<ScanPage, undefined> {
  const open = new Map(unread.map((object) => [object.path, object]));
  if (open.size >= MANY.unread)
    for await (const changes of readEverything(reader, (path) => open.delete(path))) yield* pagesOf(changes, expected);
  for await (const changes of readObjects(reader, [...open.values()])) yield { changes, expected };
}

/** Begins the work when it is first asked for, and only then. */
const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | null = null;
  return () => (begun ??= work());
};

/** Reads what is listed with another etag than the one known; answers whether all of it was to be had. */
async function* readChanged(
  scanned: Scanned,
  listed: readonly Listed[],
  request: ScanRequest,
  expected: number,
): AsyncGenerator<ScanPage, boolean> {
  const same = ({ path, etag }: Listed): boolean => etag !== null && request.known(path) === etag;
  const unchanged = listed.filter(same).map(({ path }): Change => ({ kind: 'unchanged', remoteId: path }));
  yield* pagesOf(unchanged, expected);
  const changed = listed.filter((object) => !same(object));
  if (changed.length === 0) return true;
  const reader = readerOf(scanned, await scanned.known());
  let complete = true;
  for await (const changes of readObjects(reader, changed)) {
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
  const complete = yield* readChanged(scanned, [...changed.values()], request, changed.size);
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
  const complete = yield* readChanged(scanned, [...changed.values()], request, expected);
  return { cursor: writeCursor({ rung: 'sync', token: complete ? token : since }), whole: false, expected };
}

async function* scanList(scanned: Scanned, before: Ctag, request: ScanRequest): Pages {
  const { dav, calendar } = scanned;
  const ctag = await readCtag(dav, calendar);
  if (ctag !== null && ctag === before) return { cursor: writeCursor({ rung: 'list', ctag }), whole: false, expected: 0 };
  const { rung, members } = await listWhole(dav, calendar, request.window);
  const complete = yield* readChanged(scanned, [...members.values()], request, members.size);
  return {
    cursor: writeCursor(rung === 'list' ? { rung, ctag: complete ? ctag : before } : { rung }),
    whole: true,
    expected: members.size,
  };
}

/**
 * The lowest rung lists only objects with an instance in the window, and says `whole` of it: days outside it need not be known, so an
 * object that left it may go, and one that enters it appears as new. The server answers for series by expanding them (RFC 4791 9.9).
 */
async function* scanQuery(scanned: Scanned, request: ScanRequest): Pages {
  const members = await listWindow(scanned.dav, scanned.calendar, request.window);
  yield* readChanged(scanned, [...members.values()], request, members.size);
  return { cursor: writeCursor({ rung: 'query' }), whole: true, expected: members.size };
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
