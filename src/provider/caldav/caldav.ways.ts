import { type TimeRange } from '../../kernel/time-range.js';
import { ProviderFault } from '../calendar-provider.js';
import { readCtag } from './caldav.collection.js';
import { listByQuery, listMembers, listSync, type Shelf, SyncBroken } from './caldav.listing.js';
import { type Cursor } from './cursor.js';
import { DavRefused, isUnsupported } from './dav.client.js';
import { type PackedList } from './packed-list.js';

/** Everything a calendar holds, as one way of listing tells it; `cursor` to go on from it, null where there is no such thing. */
export type Whole = Readonly<{
  members: PackedList;
  /** What went while the server listed in parts. */
  removed: ReadonlySet<string>;
  cursor: Cursor | null;
}>;

export type Way = () => Promise<Whole>;

const NOTHING: ReadonlySet<string> = new Set();

/**
 * The ways to list a calendar. Sync token and ctag are older than the listing, so that what changes meanwhile comes again with the next scan.
 * `window` lists what lies in it, where a server will not list everything.
 */
export const waysOf = (shelf: Shelf, window: TimeRange): Readonly<Record<'sync' | 'list' | 'query' | 'window', Way>> => ({
  sync: async () => {
    const { members, removed, token } = await listSync(shelf, '', false);
    return { members, removed, cursor: { rung: 'sync', token } };
  },
  list: async () => {
    const ctag = await readCtag(shelf.dav, shelf.calendar);
    return { members: await listMembers(shelf), removed: NOTHING, cursor: { rung: 'list', ctag } };
  },
  query: async () => ({ members: await listByQuery(shelf, null), removed: NOTHING, cursor: null }),
  window: async () => ({ members: await listByQuery(shelf, window), removed: NOTHING, cursor: { rung: 'query' } }),
});

/** A listing, and the ways that were not tried for it. */
export type Listing = Readonly<{ whole: Whole; rest: readonly Way[] }>;

/** What a server says that does not go a way, as opposed to one that fails. */
export const isNoWay = (error: unknown): boolean => error instanceof SyncBroken || isUnsupported(error);

/** What keeps a second opinion from being had, as opposed to a server that is away. */
const isNoOpinion = (error: unknown): boolean =>
  error instanceof SyncBroken || error instanceof DavRefused || (error instanceof ProviderFault && error.fault === 'malformed');

const tried = async (ways: readonly Way[], isPassed: (error: unknown) => boolean): Promise<Listing | { error: unknown }> => {
  let last: unknown = null;
  for (const [index, way] of ways.entries()) {
    try {
      return { whole: await way(), rest: ways.slice(index + 1) };
    } catch (error) {
      if (!isPassed(error)) throw error;
      last = error;
    }
  }
  return { error: last };
};

/** The listing by the first way the server goes; throws what the last one says when it goes none. */
export const listFirst = async (ways: readonly Way[]): Promise<Listing> => {
  const listing = await tried(ways, isNoWay);
  if ('error' in listing) throw listing.error;
  return listing;
};

/** The same for a listing that is good to have; null when there is none. */
export const listIfPossible = async (ways: readonly Way[]): Promise<Listing | null> => {
  const listing = await tried(ways, isNoOpinion);
  return 'error' in listing ? null : listing;
};
