import { type CalendarStore, type StoredObject } from './calendar.store.js';
import { type DavAnswer, type Exchange, plain, refused } from './dav.exchange.js';
import { timesOf } from './ics-times.js';
import { element, escapeXml } from './xml.js';

type Addressed = Readonly<{ store: CalendarStore; name: string; object: StoredObject | null }>;

const addressed = ({ account, request: { target } }: Exchange): Addressed | null => {
  const store = target.kind === 'object' ? account.calendars.get(target.calendar) : undefined;
  return store === undefined || target.kind !== 'object' ? null : { store, name: target.object, object: store.get(target.object) };
};

const tagsOf = (header: string): readonly string[] => header.split(',').map((tag) => tag.trim());

/** RFC 9110 13.1: whether the preconditions of a write hold. */
const mayWrite = ({ request }: Exchange, object: StoredObject | null): boolean => {
  const [match, noneMatch] = [request.header('if-match'), request.header('if-none-match')];
  const names = (tags: string): boolean => object !== null && (tags.trim() === '*' || tagsOf(tags).includes(object.etag));
  return (match === null || names(match)) && (noneMatch === null || !names(noneMatch));
};

const needsWrite = refused(403, 'd:need-privileges');

export const get = (exchange: Exchange): DavAnswer => {
  const object = addressed(exchange)?.object ?? null;
  if (object === null) return plain(exchange.request.target.kind === 'object' ? 404 : 405);
  const headers = { etag: object.etag, 'content-type': 'text/calendar; charset=utf-8' };
  return { status: 200, headers, body: object.ics };
};

const uids = new WeakMap<StoredObject, string>();

/** An object never changes, so it is read once: every write asks for the UIDs of all others. */
const uidOf = (object: StoredObject): string => {
  const uid = uids.get(object) ?? timesOf(object.ics)?.uid ?? '';
  uids.set(object, uid);
  return uid;
};

const holderOf = (store: CalendarStore, uid: string, except: string): StoredObject | null =>
  store.list().find((object) => object.name !== except && uidOf(object) === uid) ?? null;

/** RFC 4791 5.3.2. What is stored is what came, byte for byte, so that the etag may be told. */
export const put = (exchange: Exchange): DavAnswer => {
  const { account, request, href } = exchange;
  const found = addressed(exchange);
  if (found === null) return plain(request.target.kind === 'object' ? 409 : 405);
  const { store, name, object } = found;
  if (store.about.access === 'read') return needsWrite;
  if (!mayWrite(exchange, object)) return plain(412);
  if (!/^text\/calendar\b/i.test(request.header('content-type') ?? 'text/calendar')) return refused(403, 'c:supported-calendar-data');
  const times = timesOf(request.body);
  if (times === null) return refused(403, 'c:valid-calendar-data');
  const holder = holderOf(store, times.uid, name);
  if (holder !== null) {
    const target = { kind: 'object', account: account.username, calendar: store.about.name, object: holder.name } as const;
    return refused(403, 'c:no-uid-conflict', element('d:href', escapeXml(href(target))));
  }
  const { etag } = store.put(name, request.body);
  return plain(object === null ? 201 : 204, exchange.take('etag-missing') === null ? { etag } : {});
};

export const remove = (exchange: Exchange): DavAnswer => {
  const found = addressed(exchange);
  if (found === null) return refused(403, 'd:need-privileges');
  const { store, name, object } = found;
  if (store.about.access === 'read') return needsWrite;
  if (object === null) return plain(404);
  if (!mayWrite(exchange, object)) return plain(412);
  store.delete(name);
  return plain(204);
};
