import { type CalendarObject } from '../../calendar/calendar-object.js';
import { type Change } from '../calendar-provider.js';
import { UnreadableObject } from '../unreadable-object.js';
import { type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { canonicalEtag, objectPath, objectUrl } from './hrefs.js';
import { type ResourceSource } from './ics.mapping.js';
import { type Row, textOf } from './multistatus.wire.js';
import { type Listed, PIECE } from './packed-list.js';
import { multiget } from './requests.js';

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

/** A multiget names half of a piece of the list, and both halves are asked for at once. */
const BATCH = PIECE / 2;

/** What one text of the server's says. */
export const toChange = ({ parse, ownAddresses }: Reader, remoteId: string, etag: string | null, text: string): Change => {
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
export type Delivered = Readonly<{ path: string; etag: string | null; text: string | null; serverError: boolean }>;

export const delivered = (row: Row, base: string): Delivered | null => {
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

/** Of the texts of one answer that are held: what comes after them is asked for once more. */
const MOST_CHARACTERS = 4_000_000;

/** Thrown at an answer of which enough has come. */
export class Enough extends Error {
  override readonly name = 'Enough';
}

const multigetRows = async ({ dav, calendar }: Reader, batch: readonly Listed[]): Promise<ReadonlyMap<string, Delivered>> => {
  const body = multiget(batch.map(({ href }) => href));
  const rows = new Map<string, Delivered>();
  let characters = 0;
  const keep = (row: Row, base: string): null => {
    if (characters > MOST_CHARACTERS) throw new Enough();
    const found = delivered(row, base);
    if (found !== null) rows.set(found.path, found);
    characters += found?.text?.length ?? 0;
    return null;
  };
  try {
    await dav.multistatus({ method: 'REPORT', url: calendar, depth: 1, body }, keep);
    return rows;
  } catch (error) {
    if (error instanceof Enough) return rows;
    if (!isUnsupported(error)) throw error;
    return new Map();
  }
};

/** What one request brought, and what of a clean answer was left out. */
type Round = Readonly<{ changes: readonly Change[]; left: readonly Listed[] }>;

/**
 * Asks for some objects and holds the answer against what was asked: what a clean answer left out is to be asked for again as long as that
 * brings anything, and what still does not come is asked for by itself. Every object ends as exactly one change.
 */
const readRound = async (reader: Reader, asked: readonly Listed[]): Promise<Round> => {
  if (asked.length === 0) return { changes: [], left: [] };
  const rows = await multigetRows(reader, asked);
  const changes: Change[] = [];
  const alone: Readonly<{ object: Listed; code: string }>[] = [];
  const missing: Listed[] = [];
  for (const object of asked) {
    const row = rows.get(object.path);
    if (row === undefined) missing.push(object);
    else if (row.text === null) alone.push({ object, code: row.serverError ? SERVER_ERROR : NOT_DELIVERED });
    else changes.push(toChange(reader, object.path, row.etag, row.text));
  }
  const stuck = missing.length === asked.length;
  if (stuck) alone.push(...missing.map((object) => ({ object, code: NOT_DELIVERED })));
  for (const { object, code } of alone) changes.push(await readAlone(reader, object, code));
  return { changes, left: stuck ? [] : missing };
};

/** Reads objects some at a time, as they are handed over; a page is what came together. Holds no more than that in memory. */
export async function* readObjects(reader: Reader, pieces: Iterable<readonly Listed[]>): AsyncGenerator<readonly Change[], undefined> {
  for (const piece of pieces) {
    let halves: readonly (readonly Listed[])[] = [piece.slice(0, BATCH), piece.slice(BATCH)];
    while (halves.some((half) => half.length > 0)) {
      const rounds = (await Promise.allSettled(halves.map((half) => readRound(reader, half)))).map((round) => {
        if (round.status === 'rejected') throw round.reason;
        return round.value;
      });
      yield rounds.flatMap(({ changes }) => changes);
      halves = rounds.map(({ left }) => left);
    }
  }
}
