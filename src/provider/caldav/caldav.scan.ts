import { ProviderFault, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { readCtag } from './caldav.collection.js';
import { compare, type Had, type Manner, readChanged, type Scanned } from './caldav.known.js';
import { listSync, type SyncListing } from './caldav.listing.js';
import { isNoWay, listFirst, listIfPossible, type Listing, type Way, waysOf } from './caldav.ways.js';
import { pagesOf, removal, scanWhole } from './caldav.whole.js';
import { type Cursor, readCursor, writeCursor } from './cursor.js';
import { asFault, DavRefused } from './dav.client.js';

type Pages = AsyncGenerator<ScanPage, ScanEnd>;

type At<R extends Cursor['rung']> = Extract<Cursor, { rung: R }>;

const expired = (): ProviderFault => new ProviderFault('cursor-expired', 'the server does not know the sync token any more');

/**
 * Servers refuse a token with 403 or 409 and `valid-sync-token`, others with 400, 412 or 415 or a bare 403. In each case, to
 * read the calendar whole is the cure, and shows the true reason if there is another.
 */
const listSince = async (scanned: Scanned, { token, exact = false }: At<'sync'>): Promise<SyncListing> => {
  try {
    return await listSync(scanned, token, exact);
  } catch (error) {
    const forbidden = error instanceof DavRefused && error.conditions.includes('d:need-privileges');
    if (!forbidden && isNoWay(error)) throw expired();
    throw error;
  }
};

const mannerOf = ({ exact = false, doubt = false }: Cursor): Manner => ({ exact, decides: doubt });

/** Addresses that differ in their spelling alone are told apart from when that is seen until the calendar is read whole again. */
const seenIn = (manner: Manner, { whole }: Listing): Manner => ({ ...manner, exact: manner.exact || whole.members.isAmbiguous() });

/**
 * Where the next scan goes on: where this one began when something was kept back or is in doubt. What a second scan in a row does not get is
 * passed: it is told as unreadable, and asked for again with the next listing of everything.
 */
const endOf = (
  before: Cursor,
  after: Cursor,
  { keptBack, doubtful }: Had,
  { exact, decides }: Manner,
): Pick<ScanEnd, 'cursor' | 'again'> => {
  const doubt = doubtful && !decides;
  return { cursor: writeCursor({ ...(keptBack || doubt ? before : after), exact, doubt }), again: doubt };
};

/**
 * Xandikos answers 500 to a token it does not know. Where everything can be listed all the same, the listing is compared by etags, which costs
 * no more than the listing even where a server cannot do better for good; else the failure stays what it was.
 */
async function* scanRelisted(scanned: Scanned, before: At<'sync'>, refused: DavRefused, request: ScanRequest): Pages {
  const { sync, list, query } = waysOf(scanned, request.window);
  const whole = await sync().catch((error: unknown) => {
    throw error instanceof DavRefused || isNoWay(error) ? refused : error;
  });
  const listing = { whole, rest: [list, query] };
  const manner = seenIn(mannerOf(before), listing);
  const expected = whole.members.size();
  const had = yield* compare(scanned, request, listing, manner);
  return { ...endOf(before, whole.cursor ?? before, had, manner), whole: true, expected };
}

/** A delta of so many objects may be a list of everything, by a server that did not know the token and does not say so. */
const MANY_NAMED = 10;

const isSuspicious = ({ named, ambiguous }: SyncListing, { held }: ScanRequest): boolean =>
  ambiguous || named >= MANY_NAMED || (named > 0 && held > 0 && named * 2 >= held);

async function* scanSync(scanned: Scanned, before: At<'sync'>, request: ScanRequest): Pages {
  const listed = await listSince(scanned, before).catch((error: unknown) => {
    if (error instanceof DavRefused && error.status === 500) return error;
    throw error;
  });
  if (listed instanceof DavRefused) return yield* scanRelisted(scanned, before, listed, request);
  const { removed, token } = listed;
  const after = { rung: 'sync', token } as const;
  const { list, sync, query } = waysOf(scanned, request.window);
  const isFollowed = request.list || before.doubt === true || isSuspicious(listed, request);
  const everything = isFollowed ? await listIfPossible([list, sync, query]) : null;
  const manner = everything === null ? mannerOf(before) : seenIn(mannerOf(before), everything);
  const expected = listed.members.size() + removed.size;
  // Named in the one spelling, they may be others than are meant: the listing of everything tells.
  if (manner.exact === (before.exact ?? false)) yield* pagesOf([...removed].map(removal), expected);
  const had =
    everything === null
      ? yield* readChanged(scanned, request, listed, manner, expected)
      : yield* compare(scanned, request, everything, manner, listed);
  return { ...endOf(before, after, had, manner), whole: everything !== null, expected };
}

async function* scanListed(scanned: Scanned, before: Cursor, listing: Listing, request: ScanRequest): Pages {
  const manner = seenIn(mannerOf(before), listing);
  const expected = listing.whole.members.size();
  const had = yield* compare(scanned, request, listing, manner);
  return { ...endOf(before, listing.whole.cursor ?? before, had, manner), whole: true, expected };
}

async function* scanList(scanned: Scanned, before: At<'list'>, request: ScanRequest): Pages {
  if (!request.list && before.doubt !== true) {
    const ctag = await readCtag(scanned.dav, scanned.calendar);
    if (ctag !== null && ctag === before.ctag) return { cursor: writeCursor(before), whole: false, again: false, expected: 0 };
  }
  const { list, window, query } = waysOf(scanned, request.window);
  const { whole } = await listFirst([list, window]);
  return yield* scanListed(scanned, before, { whole, rest: whole.cursor?.rung === 'query' ? [] : [query] }, request);
}

/**
 * The lowest rung lists only objects with an instance in the window, and says `whole` of it: days outside it need not be known, so an
 * object that left it may go, and one that enters it appears as new. The server answers for series by expanding them (RFC 4791 9.9).
 */
async function* scanQuery(scanned: Scanned, before: At<'query'>, request: ScanRequest): Pages {
  const only: readonly Way[] = [waysOf(scanned, request.window).window];
  return yield* scanListed(scanned, before, await listFirst(only), request);
}

const scanFrom = (scanned: Scanned, request: ScanRequest): Pages => {
  if (request.cursor === null) return scanWhole(scanned, request);
  const cursor = readCursor(request.cursor);
  switch (cursor?.rung) {
    case 'sync':
      return scanSync(scanned, cursor, request);
    case 'list':
      return scanList(scanned, cursor, request);
    case 'query':
      return scanQuery(scanned, cursor, request);
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
