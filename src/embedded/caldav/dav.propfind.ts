import { type CalendarStore, type StoredObject } from './calendar.store.js';
import { type DavAnswer, type Exchange, plain, refused, xml } from './dav.exchange.js';
import {
  type Addresses,
  calendarProperties,
  homeProperties,
  objectProperties,
  principalProperties,
  type Properties,
  rootProperties,
} from './properties.js';
import { tokenOf } from './sync-token.js';
import { type Target } from './targets.js';
import { foundRow, multistatus } from './xml.js';
import { childOf, readXml } from './xml.wire.js';

/** Names a PROPFIND asks for; `all` when it names none (RFC 4918 9.1), null when it is no PROPFIND. */
const wantedOf = (body: string): readonly string[] | 'all' | null => {
  if (body.trim() === '') return 'all';
  const root = readXml(body);
  if (root?.name !== 'd:propfind') return null;
  const prop = childOf(root, 'd:prop');
  return prop === null ? 'all' : prop.children.map(({ name }) => name);
};

/** A row with what is wanted of a resource. */
export const rowOf = (href: string, properties: Properties, wanted: readonly string[] | 'all'): string => {
  if (wanted === 'all') return foundRow(href, properties, []);
  const found = wanted.flatMap((name) => {
    const content = properties.get(name);
    return content === undefined ? [] : [[name, content] as const];
  });
  return foundRow(
    href,
    new Map(found),
    wanted.filter((name) => !properties.has(name)),
  );
};

const addressesOf = ({ account, href }: Exchange): Addresses => ({
  principal: href({ kind: 'principal', account: account.username }),
  home: href({ kind: 'home', account: account.username }),
});

const calendarRow = (exchange: Exchange, store: CalendarStore, wanted: readonly string[] | 'all'): string => {
  const { world, account, href } = exchange;
  const { name: calendar, displayName, color, timeZone, access } = store.about;
  // A fault of one calendar shows in the list of all as well.
  const place = { account: account.username, calendar };
  const token = tokenOf(world.life, store.revision());
  const properties = calendarProperties(addressesOf(exchange), {
    displayName,
    color,
    writable: access === 'write',
    timeZone: world.zoneText(timeZone),
    syncToken: world.faults.take('sync-unsupported', place) === null ? token : null,
    ctag: world.faults.take('ctag-unsupported', place) === null ? token : null,
  });
  return rowOf(href({ kind: 'calendar', account: account.username, calendar }), properties, wanted);
};

const objectRow = (exchange: Exchange, calendar: string, object: StoredObject, wanted: readonly string[] | 'all'): string => {
  const target: Target = { kind: 'object', account: exchange.account.username, calendar, object: object.name };
  return rowOf(exchange.href(target), objectProperties(object, exchange.take('etag-unlisted') === null), wanted);
};

/** The resource itself and, with `deep`, what is in it; null when it is not there. */
const rowsOf = (exchange: Exchange, deep: boolean, wanted: readonly string[] | 'all'): readonly string[] | null => {
  const { account, request, href } = exchange;
  const { target } = request;
  const addresses = addressesOf(exchange);
  switch (target.kind) {
    case 'well-known':
    case 'root':
      return [rowOf(href({ kind: 'root' }), rootProperties(addresses), wanted)];
    case 'principal':
      return [rowOf(addresses.principal, principalProperties(addresses, account.username, account.fullName), wanted)];
    case 'home': {
      const calendars = deep ? [...account.calendars.values()] : [];
      return [rowOf(addresses.home, homeProperties(addresses), wanted), ...calendars.map((store) => calendarRow(exchange, store, wanted))];
    }
    case 'calendar': {
      const store = account.calendars.get(target.calendar);
      if (store === undefined) return null;
      const objects = deep ? store.list() : [];
      return [calendarRow(exchange, store, wanted), ...objects.map((object) => objectRow(exchange, target.calendar, object, wanted))];
    }
    case 'object': {
      const object = account.calendars.get(target.calendar)?.get(target.object) ?? null;
      return object === null ? null : [objectRow(exchange, target.calendar, object, wanted)];
    }
  }
};

/** RFC 4918 9.1. */
export const propfind = (exchange: Exchange): DavAnswer => {
  const { request } = exchange;
  const depth = request.header('depth') ?? 'infinity';
  if (depth !== '0' && depth !== '1') return refused(403, 'd:propfind-finite-depth');
  const wanted = wantedOf(request.body);
  if (wanted === null) return plain(400);
  const rows = rowsOf(exchange, depth === '1', wanted);
  return rows === null ? plain(404) : xml(207, multistatus(rows));
};
