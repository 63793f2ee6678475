import { type CalendarObject } from '../../calendar/calendar-object.js';
import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault } from '../calendar-provider.js';
import { UnreadableObject } from '../unreadable-object.js';
import { type Listed } from './caldav.listing.js';
import { type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { canonicalEtag, objectPath, objectUrl } from './hrefs.js';
import { type ResourceSource } from './ics.mapping.js';
import { type Row, textOf } from './multistatus.wire.js';
import { calendarQuery, multiget } from './requests.js';

/** Reads the text of one resource; throws `UnreadableObject` for what it cannot read. */
export type ParseResource = (text: string, source: ResourceSource) => CalendarObject;

/** How the objects of one calendar are fetched and read. */
export type Reader = Readonly<{ dav: DavClient; calendar: string; parse: ParseResource; ownAddresses: readonly string[] }>;

/** Why an object could not be had although the server lists it; both may pass. */
const SERVER_ERROR = 'object.server-error';
const NOT_DELIVERED = 'object.not-delivered';

/** Whether a change says that the server kept an object back, as opposed to one that came and makes no sense. */
export const isMissed = (change: Change): boolean =>
  change.kind === 'unreadable' && (change.code === SERVER_ERROR || change.code === NOT_DELIVERED);

const BATCH = 100;
const AT_ONCE = 2;

const toChange = ({ parse, ownAddresses }: Reader, remoteId: string, etag: string | null, text: string): Change => {
  try {
    return { kind: 'object', object: parse(text, { remoteId, etag, ownAddresses }) };
  } catch (error) {
    if (!(error instanceof UnreadableObject)) throw error;
    // A task or a journal entry among the events: nothing that anybody misses.
    if (error.code === 'object.no-event') return { kind: 'removed', remoteId };
    return { kind: 'unreadable', remoteId, etag, code: error.code };
  }
};

/** What one row of an answer with calendar data holds; `text` null when it brings none. */
type Delivered = Readonly<{ path: string; etag: string | null; text: string | null; serverError: boolean }>;

const delivered = (row: Row, base: string): Delivered | null => {
  const path = objectPath(row.href, base);
  if (path === null || path.endsWith('/')) return null;
  const text = row.properties.get('c:calendar-data')?.text ?? '';
  const serverError = (row.status ?? row.failed ?? 0) >= 500;
  return { path, etag: canonicalEtag(textOf(row, 'd:getetag')), text: text.trim() === '' ? null : text, serverError };
};

/** Asks for one object by itself: some servers leave out of a multiget, or deny there, what they give when asked for alone (iCloud). */
const readAlone = async (reader: Reader, { path }: Listed, code: string): Promise<Change> => {
  try {
    const { text, etag } = await reader.dav.get(objectUrl(path, reader.calendar));
    return toChange(reader, path, canonicalEtag(etag), text);
  } catch (error) {
    if (!(error instanceof DavRefused)) throw error;
    if (error.status === 404 || error.status === 410) return { kind: 'removed', remoteId: path };
    return { kind: 'unreadable', remoteId: path, etag: null, code };
  }
};

const multigetRows = async ({ dav, calendar }: Reader, batch: readonly Listed[]): Promise<ReadonlyMap<string, Delivered>> => {
  const body = multiget(batch.map(({ href }) => href));
  try {
    const { items } = await dav.multistatus({ method: 'REPORT', url: calendar, depth: 1, body }, delivered);
    return new Map(items.map((item) => [item.path, item]));
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    return new Map();
  }
};

/**
 * Reads a batch and holds the answer against what was asked: what a clean answer left out is asked for again as long as that brings
 * anything, and what still does not come, one by one. Every object asked for ends as exactly one change.
 */
const readBatch = async (reader: Reader, batch: readonly Listed[]): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  const alone: Readonly<{ object: Listed; code: string }>[] = [];
  for (let asked = batch; asked.length > 0;) {
    const rows = await multigetRows(reader, asked);
    const missing: Listed[] = [];
    for (const object of asked) {
      const row = rows.get(object.path);
      if (row === undefined) missing.push(object);
      else if (row.text === null) alone.push({ object, code: row.serverError ? SERVER_ERROR : NOT_DELIVERED });
      else changes.push(toChange(reader, object.path, row.etag, row.text));
    }
    const stuck = missing.length === asked.length;
    if (stuck) alone.push(...missing.map((object) => ({ object, code: NOT_DELIVERED })));
    asked = stuck ? [] : missing;
  }
  for (const { object, code } of alone) changes.push(await readAlone(reader, object, code));
  return changes;
};

/** Reads objects in batches, a few at once; a page is what came together. Holds no more than that in memory. */
export async function* readObjects(reader: Reader, objects: readonly Listed[]): AsyncGenerator<readonly Change[], undefined> {
  for (let next = 0; next < objects.length; next += BATCH * AT_ONCE) {
    const starts = Array.from({ length: AT_ONCE }, (_, index) => next + index * BATCH);
    const batches = await Promise.allSettled(starts.map((start) => readBatch(reader, objects.slice(start, start + BATCH))));
    yield batches.flatMap((batch) => {
      if (batch.status === 'rejected') throw batch.reason;
      return batch.value;
    });
  }
}

/** What a person would rather wait for by another way than not get at all. */
const isPassing = (error: unknown): boolean => isUnsupported(error) || (error instanceof ProviderFault && PASSING.has(error.fault));
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'throttled', 'malformed']);

/** More objects than this are not held at once: the answer is cut there, and the rest is read by name. */
const MOST_AT_ONCE = 10_000;

/** So many make a page of the big answer. */
const PAGE = 250;

class Enough extends Error {
  override readonly name = 'Enough';
}

/** What has come of an answer that is still arriving, and what waits for more of it. */
type Arriving = { changes: Change[]; over: boolean; error: Error | null; wake: () => void };

async function* pagesAsTheyCome(arriving: Arriving): AsyncGenerator<readonly Change[], undefined> {
  while (arriving.changes.length > 0 || !arriving.over) {
    if (arriving.changes.length > 0) yield arriving.changes.splice(0);
    else
      await new Promise<void>((resolve) => {
        arriving.wake = resolve;
      });
  }
  const { error } = arriving;
  if (error !== null && !(error instanceof Enough) && !isPassing(error)) throw error;
}

/**
 * The whole calendar in one answer, asked for at once and handed on while it arrives: one request instead of one per hundred objects. `wants`
 * picks what is worth reading. Ends early, without a word, when the server does not do this or breaks off, or the calendar is too large: what
 * is missing then is for `readObjects`.
 */
export const readEverything = (
  reader: Reader,
  wants: (path: string, etag: string | null) => boolean,
): AsyncGenerator<readonly Change[], undefined> => {
  const arriving: Arriving = { changes: [], over: false, error: null, wake: () => undefined };
  let count = 0;
  const body = calendarQuery(null, ['d:getetag', 'c:calendar-data']);
  const answered = reader.dav.multistatus({ method: 'REPORT', url: reader.calendar, depth: 1, body }, (row, base) => {
    const found = delivered(row, base);
    if (found !== null && found.text !== null && wants(found.path, found.etag)) {
      arriving.changes.push(toChange(reader, found.path, found.etag, found.text));
      count += 1;
    }
    if (count >= MOST_AT_ONCE) throw new Enough();
    if (arriving.changes.length >= PAGE) arriving.wake();
    return null;
  });
  const over = (error: Error | null): void => {
    Object.assign(arriving, { over: true, error });
    arriving.wake();
  };
  void answered.then(() => {
    over(null);
  }, over);
  return pagesAsTheyCome(arriving);
};

/** All objects with an instance in `range`, whole, in one answer; null when the server does not do that, or not now. */
export const readRange = async (reader: Reader, range: TimeRange): Promise<readonly Change[] | null> => {
  const body = calendarQuery(range, ['d:getetag', 'c:calendar-data']);
  try {
    const { items } = await reader.dav.multistatus({ method: 'REPORT', url: reader.calendar, depth: 1, body }, (row, base) => {
      const found = delivered(row, base);
      return found === null || found.text === null ? null : toChange(reader, found.path, found.etag, found.text);
    });
    return items;
  } catch (error) {
    if (!isPassing(error)) throw error;
    return null;
  }
};
