import { type DiscoveredCalendar, ProviderFault } from '../calendar-provider.js';
import { asFault, type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { collectionAddress, collectionUrl, isAddress, readSegment } from './hrefs.js';
import { child, hrefsOf, type Row, textOf } from './multistatus.wire.js';
import { propfind } from './requests.js';

/** The IANA zone of an iCalendar text with a VTIMEZONE; null when it names none. */
export type ZoneOf = (calendarTimezone: string) => string | null;

const LISTED = [
  ...['d:displayname', 'd:resourcetype', 'd:current-user-privilege-set'],
  ...['c:supported-calendar-component-set', 'c:calendar-timezone', 'ical:calendar-color'],
];

type Principal = Readonly<{ homes: readonly string[]; addresses: readonly string[] }>;

const absolute = (hrefs: readonly string[], base: string): readonly string[] =>
  hrefs.filter((href) => isAddress(href, base)).map((href) => new URL(href, base).href);

/** The address of the principal the credentials belong to, as the resource at `url` tells it; null when it does not. */
const principalAt = async (dav: DavClient, url: string): Promise<string | null> => {
  const request = { method: 'PROPFIND', url, depth: 0, body: propfind(['d:current-user-principal']) } as const;
  const { items } = await dav.multistatus(request, (row, base) => absolute(hrefsOf(row, 'd:current-user-principal'), base)[0] ?? null);
  return items[0] ?? null;
};

/** RFC 6764 6: what the user gave, the well-known address, the root; the first that knows the principal. */
const findPrincipal = async (dav: DavClient, serverUrl: string): Promise<string> => {
  const candidates = new Set([serverUrl, new URL('/.well-known/caldav', serverUrl).href, new URL('/', serverUrl).href]);
  let elsewhere: ProviderFault | null = null;
  for (const candidate of candidates) {
    try {
      const principal = await principalAt(dav, candidate);
      if (principal !== null) return principal;
    } catch (error) {
      const passed = error instanceof ProviderFault && (error.fault === 'malformed' || error.fault === 'elsewhere');
      if (passed && error.fault === 'elsewhere') elsewhere ??= error;
      if (!passed && !(error instanceof DavRefused && error.status < 500) && !isUnsupported(error)) throw asFault(error);
    }
  }
  throw elsewhere ?? new ProviderFault('malformed', 'there is no calendar server at this address');
};

/** Where a principal keeps its calendars, and the e-mail addresses it is invited under, in lower case. */
export const readPrincipal = async (dav: DavClient, url: string): Promise<Principal> => {
  const body = propfind(['c:calendar-home-set', 'c:calendar-user-address-set']);
  const { items } = await dav.multistatus({ method: 'PROPFIND', url, depth: 0, body }, (row, base) => ({
    homes: absolute(hrefsOf(row, 'c:calendar-home-set'), base),
    addresses: hrefsOf(row, 'c:calendar-user-address-set').flatMap((href) => /^mailto:(.+)$/i.exec(href)?.[1]?.toLowerCase() ?? []),
  }));
  return { homes: items.flatMap(({ homes }) => homes), addresses: items.flatMap(({ addresses }) => addresses) };
};

const privilegesOf = (row: Row): ReadonlySet<string> =>
  new Set(row.properties.get('d:current-user-privilege-set')?.children.flatMap(({ children }) => children.map(({ name }) => name)));

const mayWrite = (privileges: ReadonlySet<string>): boolean =>
  ['d:all', 'd:write', 'd:write-content'].some((name) => privileges.has(name)) || (privileges.has('d:bind') && privileges.has('d:unbind'));

/** A server that does not tell privileges lets its own user read; whether he may write, a refusal will show. */
const isBusyOnly = (privileges: ReadonlySet<string>): boolean =>
  privileges.has('c:read-free-busy') && !privileges.has('d:read') && !privileges.has('d:all');

const holdsEvents = (row: Row): boolean => {
  const components = row.properties.get('c:supported-calendar-component-set')?.children ?? [];
  return components.length === 0 || components.some(({ attributes }) => attributes['name']?.toUpperCase() === 'VEVENT');
};

const isCalendar = (row: Row): boolean => {
  const type = row.properties.get('d:resourcetype');
  return child(type, 'c:calendar') !== undefined && child(type, 'cs:subscribed') === undefined && holdsEvents(row);
};

const LONGEST_NAME = 500;

/** As many as one event about an account can carry; no known account has as many. */
const MOST_CALENDARS = 250;
const MOST_HOMES = 20;

const lastSegment = (url: string): string => readSegment(url.split('/').at(-2) ?? '');

const toCalendar = (row: Row, base: string, zoneOf: ZoneOf): DiscoveredCalendar | null => {
  // An inner error must not pass for a calendar that is not there.
  if ((row.status ?? row.failed ?? 0) >= 500) throw new ProviderFault('unavailable', 'the server could not list all calendars');
  if (!isCalendar(row)) return null;
  if (!isAddress(row.href, base)) throw new ProviderFault('malformed', 'the server lists a calendar under no address');
  const remoteId = collectionUrl(row.href, base);
  const privileges = privilegesOf(row);
  const zone = textOf(row, 'c:calendar-timezone');
  return {
    remoteId,
    address: collectionAddress(row.href, base),
    name: (textOf(row, 'd:displayname') ?? lastSegment(remoteId)).slice(0, LONGEST_NAME),
    color: /^#[0-9a-f]{6}/i.exec(textOf(row, 'ical:calendar-color') ?? '')?.[0].toLowerCase() ?? null,
    writable: mayWrite(privileges),
    busyOnly: isBusyOnly(privileges),
    timeZone: zone === null ? null : zoneOf(zone),
  };
};

const listHomes = async (dav: DavClient, homes: readonly string[], zoneOf: ZoneOf): Promise<readonly DiscoveredCalendar[]> => {
  const found = new Map<string, DiscoveredCalendar>();
  const distinct = new Set(homes);
  if (distinct.size > MOST_HOMES) throw new ProviderFault('malformed', 'the account is said to keep its calendars in more places than any');
  for (const url of distinct) {
    const request = { method: 'PROPFIND', url, depth: 1, body: propfind(LISTED) } as const;
    const { items } = await dav.multistatus(request, (row, base) => toCalendar(row, base, zoneOf));
    for (const calendar of items) found.set(calendar.remoteId, calendar);
    if (found.size > MOST_CALENDARS) throw new ProviderFault('malformed', `the account has more than ${MOST_CALENDARS} calendars`);
  }
  return [...found.values()];
};

/** The address of the account's principal, and its calendars with events; none when it has none. */
type Found = Readonly<{ principal: string; calendars: readonly DiscoveredCalendar[] }>;

/** Throws a `ProviderFault` when any part of the list cannot be read. */
export const discoverCalendars = async (dav: DavClient, serverUrl: string, zoneOf: ZoneOf): Promise<Found> => {
  try {
    const principal = await findPrincipal(dav, serverUrl);
    const { homes } = await readPrincipal(dav, principal);
    if (homes.length === 0) throw new ProviderFault('malformed', 'the server does not say where the calendars are');
    return { principal, calendars: await listHomes(dav, homes, zoneOf) };
  } catch (error) {
    if (error instanceof DavRefused && error.status === 404)
      throw new ProviderFault('malformed', 'the server does not have what it says it has');
    throw asFault(error);
  }
};
