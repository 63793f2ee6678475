import { type Clock } from '../../kernel/clock.js';
import { type CalendarProvider } from '../calendar-provider.js';
import { type GuardedHttp } from '../http/guarded.http.js';
import { REGISTRY } from '../registry.js';
import { type CaldavAccount, accountIdOf, accountOf, type Service } from './caldav.account.js';
import { collections } from './caldav.collection.js';
import { discoverCalendars, type ZoneOf } from './caldav.discovery.js';
import { type ParseResource } from './caldav.objects.js';
import { scanCalendar } from './caldav.scan.js';
import { calendarTimeZone } from './calendar-timezone.js';
import { davClient } from './dav.client.js';
import { MAPPING, parseResource } from './ics.mapping.js';

export type CaldavOptions = Readonly<{
  http: GuardedHttp;
  clock: Clock;
  parse?: ParseResource;
  zoneOf?: ZoneOf;
  service?: Service;
  /** The most names a listing of one calendar may have; more are refused as `too-large`. */
  mostListed?: number;
}>;

const MOST_LISTED = 100_000;

/** Any CalDAV server; the secret names it. */
export const ANY_SERVER: Service = { serverUrl: null, domain: null, aMinute: REGISTRY.caldav.requestsAMinute };

/** iCloud keeps accounts on hosts of its own (`pNN-caldav.icloud.com`), which get the same app-specific password. */
export const ICLOUD: Service = {
  serverUrl: 'https://caldav.icloud.com',
  domain: 'icloud.com',
  aMinute: REGISTRY.apple.requestsAMinute,
};

/**
 * Calendars over CalDAV (RFC 4791) with user name and password: secret `{ username, password, serverUrl? }`. A calendar's `remoteId` is its
 * absolute URL, an object's its path.
 */
export const caldavProvider = ({
  http,
  clock,
  parse = parseResource,
  zoneOf = calendarTimeZone,
  service = ANY_SERVER,
  mostListed: most = MOST_LISTED,
}: CaldavOptions): CalendarProvider => {
  const about = collections(clock);
  return {
    mapping: MAPPING,
    oauth: null,
    identity: null,
    push: null,
    discover: async (grant, call) => {
      const account: CaldavAccount = accountOf(await grant.secret(), service);
      const dav = davClient(http, account, call);
      const { principal, calendars } = await discoverCalendars(dav, account.serverUrl, zoneOf);
      return { accountId: accountIdOf(principal, service), accountName: account.username, calendars };
    },
    scan: async function* (grant, calendar, request) {
      const account = accountOf(await grant.secret(), service);
      const dav = davClient(http, account, request.call);
      const known = () => about.known(dav, calendar, account);
      const fresh = () => about.fresh(dav, calendar, account);
      return yield* scanCalendar({ dav, calendar, parse, most, known, fresh }, request);
    },
    revoke: () => Promise.resolve('manual'),
  };
};
