import { createHash } from 'node:crypto';
import { type TimeRange } from '../../kernel/time-range.js';
import { ProviderFault } from '../calendar-provider.js';
import { type DavClient, DavRefused } from './dav.client.js';
import { canonicalEtag, leadsNowhere, objectPath, objectSpelling } from './hrefs.js';
import { child, type Row, textOf } from './multistatus.wire.js';
import { type Listed, type PackedList, packedList } from './packed-list.js';
import { calendarQuery, propfind, syncCollection } from './requests.js';

/** The calendar that is listed, and how much of it: a listing with more than `most` names is refused as `too-large`. */
export type Shelf = Readonly<{ dav: DavClient; calendar: string; most: number }>;

/** What a sync-collection names: everything that is there or changed, and, by path, what went. */
export type SyncListing = Readonly<{
  members: PackedList;
  removed: ReadonlySet<string>;
  token: string;
  /** How many rows named an object. */
  named: number;
  /** Rows differ in nothing but the spelling of their addresses. */
  ambiguous: boolean;
}>;

/** The server's sync-collection cannot be relied on: no token in the answer, or truncated answers that come to no end. */
export class SyncBroken extends Error {
  override readonly name = 'SyncBroken';
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, '');

/** `own`: it is the calendar itself. */
type Named = Readonly<{ spelling: string; path: string; own: boolean; collection: boolean }>;

/** What goes by no address goes by a mark of what the server wrote instead, which may be of any length. */
const markOf = (href: string): string => `no-address:${createHash('sha256').update(href).digest('hex')}`;

const named = (row: Row, base: string, calendar: string): Named => {
  const spelling = objectSpelling(row.href, base) ?? markOf(row.href);
  const path = objectPath(row.href, base) ?? spelling;
  const own = withoutSlash(path) === withoutSlash(objectPath(calendar, calendar) ?? '');
  const collection = own || path.endsWith('/') || child(row.properties.get('d:resourcetype'), 'd:collection') !== undefined;
  return { spelling, path, own, collection };
};

/**
 * What a row of a listing names; null for what is gone meanwhile. A refusal counts for the whole listing when it is about the calendar; an
 * object the server cannot look at is listed all the same, so that it is asked for, and counted when it cannot be had.
 */
const memberOf = (row: Row, base: string, calendar: string): Named | null => {
  const name = named(row, base, calendar);
  if (row.status === null || row.status < 400) return name;
  // An empty reference is the calendar itself (RFC 3986 4.4).
  if (name.own || row.href === '' || row.status === 507) throw new DavRefused(row.status, []);
  return name.collection || row.status === 404 || row.status === 410 ? null : name;
};

/** Tasks and journals share calendars with events; servers that say so spare us reading them. */
const holdsNoEvent = (row: Row): boolean => /component=(vtodo|vjournal)/i.test(textOf(row, 'd:getcontenttype') ?? '');

const listed = (row: Row, { spelling, path }: Named): Listed => ({
  href: leadsNowhere(path) ? path : row.href,
  spelling,
  path,
  etag: canonicalEtag(textOf(row, 'd:getetag')),
});

/** A copy that does not keep alive the answer it was cut from. */
const copyOf = (text: string): string => Buffer.from(text).toString();

/** Takes what an answer names while it arrives: a row that comes twice, as in an answer asked for again, must do no harm. */
type Collector = Readonly<{ changed: (object: Listed) => void; removed: (name: Named) => void }>;

/** Answers whether the row says that there is more to ask for. */
const collect = (row: Row, base: string, calendar: string, collector: Collector): boolean => {
  if (row.status === 507) return true;
  const name = named(row, base, calendar);
  if (name.collection) return false;
  if (row.status === 404 || row.status === 410) collector.removed(name);
  else if (!holdsNoEvent(row)) collector.changed(listed(row, name));
  return false;
};

/** Of one listing. A server that sends more parts never ends; a calendar that takes more parts is listed in another way. */
const MOST_PARTS = 1_000;

/** A token is kept for the next scan; no server in use writes one of a tenth of this. */
const LONGEST_TOKEN = 16_384;

/**
 * Everything since `token` (empty: everything), asking on while the server truncates (RFC 6578 3.6). Answers the token to go on from; throws
 * `SyncBroken` when the answer cannot be continued from.
 */
const listParts = async ({ dav, calendar, most }: Shelf, since: string, collector: Collector): Promise<string> => {
  const asked = new Set<string>();
  let left = most;
  for (let token = since; ;) {
    asked.add(token);
    const request = { method: 'REPORT', url: calendar, depth: 0, body: syncCollection(token), most: left } as const;
    let truncations = 0;
    const { syncToken, weight } = await dav.multistatus(request, (row, base) => {
      if (collect(row, base, calendar, collector)) truncations += 1;
      return null;
    });
    left -= weight;
    if (syncToken === null || syncToken.length > LONGEST_TOKEN) throw new SyncBroken();
    if (truncations === 0) return syncToken;
    if (asked.has(syncToken) || asked.size >= MOST_PARTS) throw new SyncBroken();
    token = syncToken;
  }
};

/** So many rows are compared by their spelling while they come; a listing of everything compares more. */
const FEW = 10;

/** What there is, or changed since a token; with `exact` each spelling goes by itself. Throws as `listParts`. */
export const listSync = async (shelf: Shelf, since: string, exact: boolean): Promise<SyncListing> => {
  const members = packedList();
  const removed = new Set<string>();
  const spellings = new Map<string, string>();
  let [count, ambiguous] = [0, false];
  const note = ({ path, spelling }: Readonly<{ path: string; spelling: string }>): string => {
    count += 1;
    ambiguous ||= spelling !== (spellings.get(path) ?? spelling);
    if (spellings.size < FEW) spellings.set(path, spelling);
    return exact ? spelling : path;
  };
  const token = await listParts(shelf, since, {
    changed: (object) => {
      const path = note(object);
      members.add({ ...object, path });
      removed.delete(path);
    },
    removed: (name) => void removed.add(copyOf(note(name))),
  });
  return { members, removed, token, named: count, ambiguous: !exact && ambiguous };
};

/** Every object of the calendar with its etag. The calendar itself must be in the answer, so that an empty one is told from none. */
export const listMembers = async ({ dav, calendar, most }: Shelf): Promise<PackedList> => {
  const body = propfind(['d:getetag', 'd:getcontenttype', 'd:resourcetype']);
  const members = packedList();
  let collections = 0;
  await dav.multistatus({ method: 'PROPFIND', url: calendar, depth: 1, body, most }, (row, base) => {
    const name = memberOf(row, base, calendar);
    if (name?.collection === true) collections += 1;
    if (name !== null && !name.collection && !holdsNoEvent(row)) members.add(listed(row, name));
    return null;
  });
  if (collections === 0) throw new ProviderFault('malformed', 'the listing lacks the calendar itself');
  return members;
};

/** The events with an instance in the window (null: all of them), with their etags. */
export const listByQuery = async ({ dav, calendar, most }: Shelf, window: TimeRange | null): Promise<PackedList> => {
  const request = { method: 'REPORT', url: calendar, depth: 1, body: calendarQuery(window, ['d:getetag']), most } as const;
  const members = packedList();
  await dav.multistatus(request, (row, base) => {
    const name = memberOf(row, base, calendar);
    if (name !== null && !name.collection) members.add(listed(row, name));
    return null;
  });
  return members;
};
