import { type TimeRange } from '../../kernel/time-range.js';
import { ProviderFault } from '../calendar-provider.js';
import { type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { canonicalEtag, objectPath } from './hrefs.js';
import { child, type Row, textOf } from './multistatus.wire.js';
import { type Listed, type PackedList, packedList } from './packed-list.js';
import { calendarQuery, propfind, syncCollection } from './requests.js';

/** What changed since a token, by path. */
export type SyncListing = Readonly<{ changed: ReadonlyMap<string, Listed>; removed: ReadonlySet<string>; token: string }>;

/** Every object of a calendar, and what went while the server listed it in parts. */
export type WholeListing = Readonly<{ members: PackedList; removed: ReadonlySet<string> }>;

/** The server's sync-collection cannot be relied on: no token in the answer, or truncated answers that come to no end. */
export class SyncBroken extends Error {
  override readonly name = 'SyncBroken';
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, '');

/** `own`: it is the calendar itself. */
type Named = Readonly<{ path: string; own: boolean; collection: boolean }>;

const named = (row: Row, base: string, calendar: string): Named | null => {
  const path = objectPath(row.href, base);
  if (path === null) return null;
  const own = withoutSlash(path) === withoutSlash(new URL(calendar).pathname);
  const collection = own || path.endsWith('/') || child(row.properties.get('d:resourcetype'), 'd:collection') !== undefined;
  return { path, own, collection };
};

/**
 * What a row of a listing names; null for what is gone meanwhile. A refusal counts for the whole listing when it is about the calendar; an
 * object the server cannot look at is listed all the same, so that it is asked for, and counted when it cannot be had.
 */
const memberOf = (row: Row, base: string, calendar: string): Named | null => {
  const name = named(row, base, calendar);
  if (row.status === null || row.status < 400) return name;
  if (name === null || name.own || row.status === 507) throw new DavRefused(row.status, []);
  return name.collection || row.status === 404 || row.status === 410 ? null : name;
};

/** Tasks and journals share calendars with events; servers that say so spare us reading them. */
const holdsNoEvent = (row: Row): boolean => /component=(vtodo|vjournal)/i.test(textOf(row, 'd:getcontenttype') ?? '');

const listed = (row: Row, path: string): Listed => ({ href: row.href, path, etag: canonicalEtag(textOf(row, 'd:getetag')) });

/** Takes what an answer names while it arrives: a row that comes twice, as in an answer asked for again, must do no harm. */
type Collector = Readonly<{ changed: (object: Listed) => void; removed: (path: string) => void }>;

/** Answers whether the row says that there is more to ask for. */
const collect = (row: Row, base: string, calendar: string, collector: Collector): boolean => {
  if (row.status === 507) return true;
  const name = named(row, base, calendar);
  if (name === null || name.collection) return false;
  if (row.status === 404 || row.status === 410) collector.removed(name.path);
  else if (!holdsNoEvent(row)) collector.changed(listed(row, name.path));
  return false;
};

/** Of one listing. A server that goes on for longer goes on for ever; a calendar that takes more parts is listed in another way. */
const MOST_PARTS = 1_000;

const MOST_LISTED = 500_000;

/** A token is kept for the next scan; no server in use writes one of a tenth of this. */
const LONGEST_TOKEN = 16_384;

/**
 * Everything since `token` (empty: everything), asking on while the server truncates (RFC 6578 3.6). Answers the token to go on from; throws
 * `SyncBroken` when the answer cannot be continued from.
 */
const listParts = async (dav: DavClient, calendar: string, since: string, collector: Collector): Promise<string> => {
  const asked = new Set<string>();
  let listedSoFar = 0;
  for (let token = since; ;) {
    asked.add(token);
    const request = { method: 'REPORT', url: calendar, depth: 0, body: syncCollection(token) } as const;
    let truncations = 0;
    const { syncToken } = await dav.multistatus(request, (row, base) => {
      if (collect(row, base, calendar, collector)) truncations += 1;
      if ((listedSoFar += 1) > MOST_LISTED)
        throw new ProviderFault('malformed', 'the calendar is said to hold more than any calendar does');
      return null;
    });
    if (syncToken === null || syncToken.length > LONGEST_TOKEN) throw new SyncBroken();
    if (truncations === 0) return syncToken;
    if (asked.has(syncToken) || asked.size >= MOST_PARTS) throw new SyncBroken();
    token = syncToken;
  }
};

/** What changed since a token; throws as `listParts`. */
export const listSync = async (dav: DavClient, calendar: string, since: string): Promise<SyncListing> => {
  const changed = new Map<string, Listed>();
  const removed = new Set<string>();
  const token = await listParts(dav, calendar, since, {
    changed: (object) => {
      changed.set(object.path, object);
      removed.delete(object.path);
    },
    removed: (path) => {
      removed.add(path);
      changed.delete(path);
    },
  });
  return { changed, removed, token };
};

/** Every object, and the token to go on from; throws as `listParts`. */
export const listByToken = async (dav: DavClient, calendar: string): Promise<WholeListing & Readonly<{ token: string }>> => {
  const members = packedList();
  const removed = new Set<string>();
  const token = await listParts(dav, calendar, '', {
    changed: (object) => {
      members.add(object);
      removed.delete(object.path);
    },
    removed: (path) => void removed.add(path),
  });
  return { members, removed, token };
};

const NOTHING: ReadonlySet<string> = new Set();

/** Every object of the calendar with its etag. The calendar itself must be in the answer, so that an empty one is told from none. */
const listMembers = async (dav: DavClient, calendar: string): Promise<PackedList> => {
  const body = propfind(['d:getetag', 'd:getcontenttype', 'd:resourcetype']);
  const members = packedList();
  let collections = 0;
  await dav.multistatus({ method: 'PROPFIND', url: calendar, depth: 1, body }, (row, base) => {
    const name = memberOf(row, base, calendar);
    if (name?.collection === true) collections += 1;
    if (name !== null && !name.collection && !holdsNoEvent(row)) members.add(listed(row, name.path));
    return null;
  });
  if (collections === 0) throw new ProviderFault('malformed', 'the listing lacks the calendar itself');
  return members;
};

/** The objects with an instance in the window, with their etags. */
export const listWindow = async (dav: DavClient, calendar: string, window: TimeRange): Promise<PackedList> => {
  const request = { method: 'REPORT', url: calendar, depth: 1, body: calendarQuery(window, ['d:getetag']) } as const;
  const members = packedList();
  await dav.multistatus(request, (row, base) => {
    const name = memberOf(row, base, calendar);
    if (name !== null && !name.collection) members.add(listed(row, name.path));
    return null;
  });
  return members;
};

/** A whole listing by the rungs without memory: all members, or what lies in the window when the server will not list them all. */
export const listWhole = async (
  dav: DavClient,
  calendar: string,
  window: TimeRange,
): Promise<WholeListing & Readonly<{ rung: 'list' | 'query' }>> => {
  try {
    return { rung: 'list', members: await listMembers(dav, calendar), removed: NOTHING };
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    return { rung: 'query', members: await listWindow(dav, calendar, window), removed: NOTHING };
  }
};
