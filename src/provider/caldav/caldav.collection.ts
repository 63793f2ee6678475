import { type Clock, MINUTE } from '../../kernel/clock.js';
import { ProviderFault } from '../calendar-provider.js';
import { type CaldavAccount } from './caldav.account.js';
import { readPrincipal } from './caldav.discovery.js';
import { type DavClient, DavRefused } from './dav.client.js';
import { child, hrefsOf, textOf } from './multistatus.wire.js';
import { propfind } from './requests.js';

/** What a scan needs to know about a calendar, apart from its objects. */
export type Collection = Readonly<{
  /** The server answers `sync-collection` (RFC 6578). */
  syncs: boolean;
  /** Addresses under which the account's owner is invited, in lower case. */
  ownAddresses: readonly string[];
}>;

/** Mark of the calendar's state (`getctag`); null when the server keeps none. */
export type Ctag = string | null;

const PROPERTIES = ['d:resourcetype', 'd:supported-report-set', 'd:current-user-principal'];

const KEPT_FOR = 15 * MINUTE;
const KEPT_AT_MOST = 10_000;

/** The ctag as it is now; older than any listing made afterwards. Costs some servers a look at every object, so only the rung that needs it asks. */
export const readCtag = async (dav: DavClient, calendar: string): Promise<Ctag> => {
  const request = { method: 'PROPFIND', url: calendar, depth: 0, body: propfind(['cs:getctag']) } as const;
  const { items } = await dav.multistatus(request, (row) => ({ ctag: textOf(row, 'cs:getctag'), status: row.status }));
  const [first] = items;
  if (first === undefined) throw new ProviderFault('malformed', 'the server says nothing about the calendar');
  if (first.status !== null && first.status >= 400) throw new DavRefused(first.status, []);
  return first.ctag;
};

const addressesOf = async (dav: DavClient, principal: string | null, { username }: CaldavAccount): Promise<readonly string[]> => {
  const named = username.includes('@') ? [username.toLowerCase()] : [];
  if (principal === null) return named;
  try {
    return [...new Set([...(await readPrincipal(dav, principal)).addresses, ...named])];
  } catch (error) {
    // Without them an invitation does not say what its owner answered; that is no reason not to read the calendar.
    if (error instanceof DavRefused && error.status < 500) return named;
    throw error;
  }
};

/** Asks the calendar about itself. */
const read = async (dav: DavClient, calendar: string, account: CaldavAccount): Promise<Collection> => {
  const request = { method: 'PROPFIND', url: calendar, depth: 0, body: propfind(PROPERTIES) } as const;
  const { items } = await dav.multistatus(request, (row, base) => {
    if (row.status !== null && row.status >= 400) throw new DavRefused(row.status, []);
    const reports = row.properties.get('d:supported-report-set')?.children ?? [];
    const [principal] = hrefsOf(row, 'd:current-user-principal');
    return {
      syncs: reports.some((report) => child(child(report, 'd:report'), 'd:sync-collection') !== undefined),
      principal: principal !== undefined && URL.canParse(principal, base) ? new URL(principal, base).href : null,
    };
  });
  const [first] = items;
  if (first === undefined) throw new ProviderFault('malformed', 'the server says nothing about the calendar');
  return { syncs: first.syncs, ownAddresses: await addressesOf(dav, first.principal, account) };
};

/** What is known about calendars, kept for a quarter of an hour; nothing secret is kept. */
export type Collections = Readonly<{
  /** From memory when it is known. */
  known: (dav: DavClient, calendar: string, account: CaldavAccount) => Promise<Collection>;
  /** Asks the server again. */
  fresh: (dav: DavClient, calendar: string, account: CaldavAccount) => Promise<Collection>;
}>;

export const collections = (clock: Clock): Collections => {
  const kept = new Map<string, Readonly<{ until: number; about: Collection }>>();
  const keyOf = (calendar: string, { lane }: CaldavAccount): string => `${lane.account} ${calendar}`;

  const fresh: Collections['fresh'] = async (dav, calendar, account) => {
    const about = await read(dav, calendar, account);
    const [oldest] = kept.keys();
    if (kept.size >= KEPT_AT_MOST && oldest !== undefined) kept.delete(oldest);
    kept.set(keyOf(calendar, account), { until: clock.now() + KEPT_FOR, about });
    return about;
  };

  return {
    fresh,
    known: async (dav, calendar, account) => {
      const entry = kept.get(keyOf(calendar, account));
      return entry !== undefined && entry.until > clock.now() ? entry.about : fresh(dav, calendar, account);
    },
  };
};
