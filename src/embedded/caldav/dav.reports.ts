import { type CalendarStore, type StoredObject } from './calendar.store.js';
import { type DavAnswer, type Exchange, plain, refused, xml } from './dav.exchange.js';
import { rowOf } from './dav.propfind.js';
import { takesPlaceIn } from './ics-times.js';
import { objectProperties } from './properties.js';
import { revisionOf, tokenOf } from './sync-token.js';
import { targetOf } from './targets.js';
import { escapeXml, multistatus, statusRow } from './xml.js';
import { childOf, readXml, type XmlElement } from './xml.wire.js';

/** `first`: the first name of an object there is. */
type Report = Readonly<{ exchange: Exchange; store: CalendarStore; root: XmlElement; wanted: readonly string[]; first: string }>;

const NONSENSE = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART:next tuesday\r\nEND:VCALENDAR\r\n';

/** One object at a time is spoilt, always the same: the first by name. */
const isSpoilt = ({ exchange, first }: Report, { name }: StoredObject): boolean =>
  name === first && exchange.take('malformed-object') !== null;

const objectRow = (report: Report, object: StoredObject): string => {
  const { exchange, store, wanted } = report;
  const ics = wanted.includes('c:calendar-data') && isSpoilt(report, object) ? NONSENSE : object.ics;
  const properties = new Map([...objectProperties(object, exchange.take('etag-unlisted') === null), ['c:calendar-data', escapeXml(ics)]]);
  const href = exchange.href({ kind: 'object', account: exchange.account.username, calendar: store.about.name, object: object.name });
  return rowOf(href, properties, wanted);
};

const instantOf = (text: string | undefined): number | null => {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  if (match === null) return null;
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest);
};

type TimeRange = Readonly<{ start: number; end: number }>;

const FOREVER = { start: Date.UTC(1900, 0), end: Date.UTC(2100, 0) };

/** Null when it names no time. */
const rangeOf = ({ attributes }: XmlElement): TimeRange | null => {
  const { start, end } = attributes;
  const [from, to] = [start === undefined ? FOREVER.start : instantOf(start), end === undefined ? FOREVER.end : instantOf(end)];
  return from === null || to === null || (start === undefined && end === undefined) ? null : { start: from, end: to };
};

type Filter = Readonly<{ component: string; range: TimeRange | null }>;

/** What this server can look for: components of one kind, those with an instance in a range; null for any other filter. */
const filterOf = (root: XmlElement): Filter | null => {
  const calendar = childOf(childOf(root, 'c:filter'), 'c:comp-filter');
  if (calendar?.attributes['name'] !== 'VCALENDAR') return null;
  const [component, ...others] = calendar.children;
  if (component === undefined) return { component: 'VEVENT', range: null };
  const time = childOf(component, 'c:time-range');
  const range = time === null ? null : rangeOf(time);
  const tooMuch = others.length > 0 || component.name !== 'c:comp-filter' || component.children.length > (time === null ? 0 : 1);
  return tooMuch || (time !== null && range === null) ? null : { component: component.attributes['name'] ?? '', range };
};

/** RFC 4791 7.8. */
const calendarQuery = (report: Report): DavAnswer => {
  const { store, root } = report;
  const filter = filterOf(root);
  if (filter === null) return refused(403, 'c:supported-filter');
  const { component, range } = filter;
  const found = component === 'VEVENT' ? store.list() : [];
  const within = range === null ? found : found.filter(({ ics }) => takesPlaceIn(ics, range, store.about.timeZone));
  return xml(207, multistatus(within.map((object) => objectRow(report, object))));
};

/** RFC 4791 7.9. */
const multiget = (report: Report): DavAnswer => {
  const { exchange, store, root } = report;
  const all = root.children.filter(({ name }) => name === 'd:href').map(({ text }) => text.trim());
  const hrefs = all.slice(0, exchange.take('multiget-short')?.size ?? all.length);
  const missing = exchange.take('multiget-missing') !== null;
  const rows = hrefs.map((href, index) => {
    const base = exchange.world.origin();
    const target = URL.canParse(href, base) ? targetOf(new URL(href, base).pathname) : null;
    const own = target?.kind === 'object' && target.account === exchange.account.username && target.calendar === store.about.name;
    const object = own && !(missing && index % 2 === 1) ? store.get(target.object) : null;
    return object === null ? statusRow(href, 404) : objectRow(report, object);
  });
  return xml(207, multistatus(rows));
};

/** The smaller of what the client takes (RFC 5323 5.17) and what the fault allows. */
const mostRows = ({ exchange, root }: Report): number => {
  const limit = Number(childOf(childOf(root, 'd:limit'), 'd:nresults')?.text.trim() ?? Number.NaN);
  return Math.min(limit > 0 ? limit : Infinity, exchange.take('truncated')?.size ?? Infinity);
};

/** RFC 6578 3. */
const syncCollection = (report: Report): DavAnswer => {
  const { exchange, store, root } = report;
  const { world, account, request } = exchange;
  if (exchange.take('sync-unsupported') !== null) return refused(403, 'd:supported-report');
  const token = childOf(root, 'd:sync-token')?.text.trim() ?? '';
  const since = revisionOf(world.life, token);
  const refusal = token === '' ? null : exchange.take('token-refused');
  if (since === null || refusal !== null) return refused(refusal?.status ?? 403, 'd:valid-sync-token');
  // Who knows nothing yet need not be told what is gone.
  const known = token !== '' && exchange.take('everything-listed') !== null ? 0 : since;
  const changes = store.changesSince(known).filter(({ object }) => object !== null || known > 0);
  const shown = changes.slice(0, mostRows(report));
  const rows = shown.map(({ name, object }) =>
    object === null
      ? statusRow(exchange.href({ kind: 'object', account: account.username, calendar: store.about.name, object: name }), 404)
      : objectRow(report, object),
  );
  if (shown.length === changes.length) return xml(207, multistatus(rows, tokenOf(world.life, store.revision())));
  const reached = tokenOf(world.life, shown.at(-1)?.revision ?? since);
  return xml(207, multistatus([...rows, statusRow(exchange.href(request.target), 507)], reached));
};

const REPORTS: Readonly<Record<string, (report: Report) => DavAnswer>> = {
  'c:calendar-query': calendarQuery,
  'c:calendar-multiget': multiget,
  'd:sync-collection': syncCollection,
};

/** REPORT on a calendar; others there are none. */
export const report = (exchange: Exchange): DavAnswer => {
  const { account, request } = exchange;
  const root = readXml(request.body);
  if (root === null) return plain(400);
  const answer = REPORTS[root.name];
  if (answer === undefined || request.target.kind !== 'calendar') return refused(403, 'd:supported-report');
  const store = account.calendars.get(request.target.calendar);
  if (store === undefined) return plain(404);
  const names = store.list().map(({ name }) => name);
  const first = names.reduce((least, name) => (name < least ? name : least), names[0] ?? '');
  return answer({ exchange, store, root, first, wanted: childOf(root, 'd:prop')?.children.map(({ name }) => name) ?? [] });
};
