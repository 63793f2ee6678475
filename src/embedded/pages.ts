import { type Json } from './json.js';

/** A list as it was when its first page was asked for. `rows` are made when their page is. `query`: what later pages must repeat. */
export type Listing = Readonly<{ rows: readonly (() => Json)[]; query: string; nextSyncToken: string | null }>;

export type Page = Readonly<{ items: readonly Json[]; nextPageToken: string | null; nextSyncToken: string | null }>;

/** Lists that are being read page by page. */
export type Pages = Readonly<{
  first: (listing: Listing) => string;
  /** The listing of a page token that comes with the same query; null when there is none. */
  at: (token: string, query: string) => Listing | null;
  page: (token: string, size: number, emptyFirst: boolean) => Page;
}>;

/** More lists than these are not read at once; the oldest is forgotten. */
const MOST_LISTINGS = 500;

type Place = Readonly<{ id: string; offset: number; afterEmpty: boolean }>;

const tokenOf = ({ id, offset, afterEmpty }: Place): string => btoa(`${id}:${offset}:${afterEmpty ? 1 : 0}`);

const placeOf = (token: string): Place => {
  const text = /^[A-Za-z0-9+/=]+$/.test(token) && token.length % 4 === 0 ? atob(token) : '';
  const [, id = '', offset, afterEmpty] = /^([^:]+):(\d+):([01])$/.exec(text) ?? [];
  return { id, offset: Number(offset ?? 0), afterEmpty: afterEmpty === '1' };
};

export const pagesOf = (random: () => string): Pages => {
  const listings = new Map<string, Listing>();
  return {
    first: (listing) => {
      const id = random();
      listings.set(id, listing);
      const [oldest] = listings.keys();
      if (listings.size > MOST_LISTINGS && oldest !== undefined) listings.delete(oldest);
      return tokenOf({ id, offset: 0, afterEmpty: false });
    },
    at: (token, query) => {
      const listing = listings.get(placeOf(token).id);
      return listing?.query === query ? listing : null;
    },
    page: (token, size, emptyFirst) => {
      const place = placeOf(token);
      const { rows = [], nextSyncToken = null } = listings.get(place.id) ?? {};
      if (emptyFirst && !place.afterEmpty)
        return { items: [], nextPageToken: tokenOf({ ...place, afterEmpty: true }), nextSyncToken: null };
      const end = place.offset + size;
      const items = rows.slice(place.offset, end).map((row) => row());
      return end < rows.length
        ? { items, nextPageToken: tokenOf({ ...place, offset: end, afterEmpty: false }), nextSyncToken: null }
        : { items, nextPageToken: null, nextSyncToken };
    },
  };
};
