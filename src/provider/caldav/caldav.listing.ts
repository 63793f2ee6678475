import { type TimeRange } from '../../kernel/time-range.js';
import { ProviderFault } from '../calendar-provider.js';
import { type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { canonicalEtag, objectPath } from './hrefs.js';
import { child, type Row, textOf } from './multistatus.wire.js';
import { calendarQuery, propfind, syncCollection } from './requests.js';

/** An object by name: `href` as the server writes it, `path` in our one spelling. */
export type Listed = Readonly<{ href: string; path: string; etag: string | null }>;

/** By path. */
export type Members = ReadonlyMap<string, Listed>;

/** What changed since a token. */
export type SyncListing = Readonly<{ changed: Members; removed: ReadonlySet<string>; token: string }>;

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

const byPath = (items: readonly Listed[]): Members => new Map(items.map((item) => [item.path, item]));

type SyncRow =
  Readonly<{ kind: 'changed'; object: Listed }> | Readonly<{ kind: 'removed'; path: string }> | Readonly<{ kind: 'truncated' }>;

const toSyncRow = (row: Row, base: string, calendar: string): SyncRow | null => {
  if (row.status === 507) return { kind: 'truncated' };
  const name = named(row, base, calendar);
  if (name === null || name.collection) return null;
  if (row.status === 404 || row.status === 410) return { kind: 'removed', path: name.path };
  return holdsNoEvent(row) ? null : { kind: 'changed', object: listed(row, name.path) };
};

/** Of one listing. A server that goes on for longer goes on for ever; a calendar that takes more parts is listed in another way. */
const MOST_PARTS = 1_000;

const MOST_LISTED = 500_000;

/** A token is kept for the next scan; no server in use writes one of a tenth of this. */
const LONGEST_TOKEN = 16_384;

/**
 * Everything since `token` (empty: everything), asking on while the server truncates (RFC 6578 3.6). Throws `SyncBroken` when the answer
 * cannot be continued from.
 */
export const listSync = async (dav: DavClient, calendar: string, since: string): Promise<SyncListing> => {
  const changed = new Map<string, Listed>();
  const removed = new Set<string>();
  const asked = new Set<string>();
  for (let token = since; ;) {
    asked.add(token);
    const request = { method: 'REPORT', url: calendar, depth: 0, body: syncCollection(token) } as const;
    const { items, syncToken } = await dav.multistatus(request, (row, base) => toSyncRow(row, base, calendar));
    if (syncToken === null || syncToken.length > LONGEST_TOKEN) throw new SyncBroken();
    for (const item of items) {
      if (item.kind === 'changed') {
        changed.set(item.object.path, item.object);
        removed.delete(item.object.path);
      } else if (item.kind === 'removed') {
        removed.add(item.path);
        changed.delete(item.path);
      }
    }
    if (changed.size + removed.size > MOST_LISTED)
      throw new ProviderFault('malformed', 'the calendar is said to hold more than any calendar does');
    if (!items.some(({ kind }) => kind === 'truncated')) return { changed, removed, token: syncToken };
    if (asked.has(syncToken) || asked.size >= MOST_PARTS) throw new SyncBroken();
    token = syncToken;
  }
};

/** Every object of the calendar with its etag. The calendar itself must be in the answer, so that an empty one is told from none. */
const listMembers = async (dav: DavClient, calendar: string): Promise<Members> => {
  const body = propfind(['d:getetag', 'd:getcontenttype', 'd:resourcetype']);
  const collections: string[] = [];
  const { items } = await dav.multistatus({ method: 'PROPFIND', url: calendar, depth: 1, body }, (row, base) => {
    const name = memberOf(row, base, calendar);
    if (name?.collection === true) collections.push(name.path);
    return name === null || name.collection || holdsNoEvent(row) ? null : listed(row, name.path);
  });
  if (collections.length === 0) throw new ProviderFault('malformed', 'the listing lacks the calendar itself');
  return byPath(items);
};

/** The objects with an instance in the window, with their etags. */
export const listWindow = async (dav: DavClient, calendar: string, window: TimeRange): Promise<Members> => {
  const request = { method: 'REPORT', url: calendar, depth: 1, body: calendarQuery(window, ['d:getetag']) } as const;
  const { items } = await dav.multistatus(request, (row, base) => {
    const name = memberOf(row, base, calendar);
    return name === null || name.collection ? null : listed(row, name.path);
  });
  return byPath(items);
};

/** A whole listing by the rungs without memory: all members, or what lies in the window when the server will not list them all. */
export const listWhole = async (
  dav: DavClient,
  calendar: string,
  window: TimeRange,
): Promise<Readonly<{ rung: 'list' | 'query'; members: Members }>> => {
  try {
    return { rung: 'list', members: await listMembers(dav, calendar) };
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    return { rung: 'query', members: await listWindow(dav, calendar, window) };
  }
};
