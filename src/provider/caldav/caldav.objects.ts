import { type CalendarObject } from '../../calendar/calendar-object.js';
import { type Change } from '../calendar-provider.js';
import { UnreadableObject } from '../unreadable-object.js';
import { type DavClient, DavRefused, isUnsupported } from './dav.client.js';
import { canonicalEtag, leadsNowhere, objectPath, objectSpelling, objectUrl, spellingsOf } from './hrefs.js';
import { type ResourceSource } from './ics.mapping.js';
import { type Row, textOf } from './multistatus.wire.js';
import { type Listed, PIECE } from './packed-list.js';
import { multiget } from './requests.js';

/** Reads the text of one resource; throws `UnreadableObject` for what it cannot read. */
export type ParseResource = (text: string, source: ResourceSource) => CalendarObject;

/** How the objects of one calendar are fetched and read. */
export type Reader = Readonly<{
  dav: DavClient;
  calendar: string;
  parse: ParseResource;
  ownAddresses: readonly string[];
  /** Each spelling of an address is an object of its own. */
  exact: boolean;
  /** Whether this scan decides: an object that could not be had before and cannot be had now counts as unreadable; otherwise it is left to the next scan. */
  decides: boolean;
  /** Whether another object goes by that path. */
  isTaken: (path: string) => Promise<boolean>;
}>;

/** Why an object could not be had although the server lists it; both may pass. */
const SERVER_ERROR = 'object.server-error';
const NOT_DELIVERED = 'object.not-delivered';

/** What the server lists under no address cannot be asked for, by this scan or the next. */
const NO_ADDRESS = 'object.bad-address';

/** How well objects could be had: `kept-back` by a server that fails, which may pass; `doubtful` what is listed is not there. */
export const outcomeOf = (change: Change): 'kept-back' | 'doubtful' | 'had' => {
  if (change.kind === 'missing') return 'doubtful';
  if (change.kind !== 'unreadable') return 'had';
  return change.code === SERVER_ERROR ? 'kept-back' : change.code === NOT_DELIVERED ? 'doubtful' : 'had';
};

/** A multiget names half of a piece of the list, and both halves are asked for at once. */
const BATCH = PIECE / 2;

/** What one text of the server's says. */
export const toChange = (
  { parse, ownAddresses }: Pick<Reader, 'parse' | 'ownAddresses'>,
  remoteId: string,
  etag: string | null,
  text: string,
): Change => {
  try {
    return { kind: 'object', object: parse(text, { remoteId, etag, ownAddresses }) };
  } catch (error) {
    if (!(error instanceof UnreadableObject)) throw error;
    // A task or a journal entry among the events: nothing that anybody misses.
    if (error.code === 'object.no-event') return { kind: 'other', remoteId, etag };
    return { kind: 'unreadable', remoteId, etag, code: error.code };
  }
};

/** What one row of an answer with calendar data holds; `text` null when it brings none. */
export type Delivered = Readonly<{ spelling: string; path: string; etag: string | null; text: string | null; serverError: boolean }>;

export const delivered = (row: Row, base: string): Delivered | null => {
  const [path, spelling] = [objectPath(row.href, base), objectSpelling(row.href, base)];
  if (path === null || spelling === null || path.endsWith('/')) return null;
  const text = row.properties.get('c:calendar-data')?.text.trim() ?? '';
  const serverError = (row.status ?? row.failed ?? 0) >= 500;
  return { spelling, path, etag: canonicalEtag(textOf(row, 'd:getetag')), text: text === '' ? null : text, serverError };
};

/** An object that is asked for, with the ways of naming it to its server that are left, the next one first. */
type Asked = Readonly<{ object: Listed; names: readonly string[] }>;

/** The same text may be an address of another object: a name taken for one that was not escaped must not lead there. */
const namesOf = async ({ exact, calendar, isTaken }: Reader, { href, path }: Listed): Promise<readonly string[]> => {
  const all = spellingsOf(href, calendar);
  const [first = href] = all;
  if (exact) return [first];
  const names = [first];
  for (const name of all.slice(1)) {
    const leadsTo = objectPath(name, calendar);
    if (leadsTo !== null && (leadsTo === path || !(await isTaken(leadsTo)))) names.push(name);
  }
  return names;
};

/** By a name that the server did not use itself comes only the version it listed: anything else may be another object. */
const isMeant = ({ object: { href, etag } }: Asked, name: string, found: string | null): boolean =>
  name === href || etag === null || found === null || etag === found;

/** Listings and the answers with contents may tell different marks of one version: what is compared next time is the listing's. */
const versionOf = ({ object }: Asked, found: string | null): string | null => object.etag ?? found;

/** Asks for one object by itself: some servers leave out of a multiget, or deny there, what they give when asked for alone (iCloud). */
const readAlone = async (reader: Reader, asked: Asked, code: string): Promise<Change> => {
  const { object } = asked;
  const { path: remoteId } = object;
  let refused: DavRefused | null = null;
  const tried = new Set<string>();
  for (const name of await namesOf(reader, object)) {
    const url = objectUrl(name, reader.calendar);
    if (tried.has(url)) continue;
    tried.add(url);
    try {
      const { text, etag } = await reader.dav.get(url);
      if (isMeant(asked, name, canonicalEtag(etag))) return toChange(reader, remoteId, versionOf(asked, canonicalEtag(etag)), text);
    } catch (error) {
      if (!(error instanceof DavRefused)) throw error;
      refused ??= error;
    }
  }
  const gone = refused?.status === 404 || refused?.status === 410;
  return gone && !reader.decides
    ? { kind: 'missing', remoteId }
    : { kind: 'unreadable', remoteId, etag: null, code: gone ? NOT_DELIVERED : code };
};

/** Of the texts of one answer that are held: what comes after them is asked for once more. */
const MOST_CHARACTERS = 4_000_000;

/** Thrown at an answer of which enough has come. */
export class Enough extends Error {
  override readonly name = 'Enough';
}

type Rows = Readonly<{ bySpelling: ReadonlyMap<string, Delivered>; byPath: ReadonlyMap<string, Delivered> }>;

const multigetRows = async ({ dav, calendar }: Reader, hrefs: readonly string[]): Promise<Rows> => {
  const rows = { bySpelling: new Map<string, Delivered>(), byPath: new Map<string, Delivered>() };
  let characters = 0;
  const keep = (row: Row, base: string): null => {
    if (characters > MOST_CHARACTERS) throw new Enough();
    const found = delivered(row, base);
    if (found !== null) {
      rows.bySpelling.set(found.spelling, found);
      rows.byPath.set(found.path, found);
    }
    characters += found?.text?.length ?? 0;
    return null;
  };
  try {
    await dav.multistatus({ method: 'REPORT', url: calendar, depth: 1, body: multiget(hrefs) }, keep);
    return rows;
  } catch (error) {
    if (error instanceof Enough) return rows;
    if (!isUnsupported(error)) throw error;
    return { bySpelling: new Map(), byPath: new Map() };
  }
};

const rowFor = ({ calendar, exact }: Reader, name: string, { bySpelling, byPath }: Rows): Delivered | undefined => {
  const found = bySpelling.get(objectSpelling(name, calendar) ?? '');
  return found !== undefined || exact ? found : byPath.get(objectPath(name, calendar) ?? '');
};

/** What one request brought, and what is to be asked for again, or by another name. */
type Round = Readonly<{ changes: readonly Change[]; left: readonly Asked[] }>;

/**
 * Asks for some objects and holds the answer against what was asked: what a clean answer left out is to be asked for again as long as that
 * brings anything, what the server does not know by one name by the next, and what still does not come is asked for by itself. Every object
 * ends as exactly one change.
 */
const readRound = async (reader: Reader, asked: readonly Asked[]): Promise<Round> => {
  if (asked.length === 0) return { changes: [], left: [] };
  const rows = await multigetRows(
    reader,
    asked.map(({ names: [name = ''] }) => name),
  );
  const changes: Change[] = [];
  const alone: Readonly<{ asked: Asked; code: string }>[] = [];
  const [missing, denied]: readonly [Asked[], Asked[]] = [[], []];
  for (const each of asked) {
    const [name = '', ...names] = each.names;
    const row = rowFor(reader, name, rows);
    if (row === undefined) missing.push(each);
    else if (row.text !== null && isMeant(each, name, row.etag))
      changes.push(toChange(reader, each.object.path, versionOf(each, row.etag), row.text));
    else if (!row.serverError && names.length > 0) denied.push({ object: each.object, names });
    else alone.push({ asked: each, code: row.serverError ? SERVER_ERROR : NOT_DELIVERED });
  }
  const stuck = missing.length === asked.length;
  if (stuck) alone.push(...missing.map((each) => ({ asked: each, code: NOT_DELIVERED })));
  for (const { asked: each, code } of alone) changes.push(await readAlone(reader, each, code));
  return { changes, left: stuck ? denied : [...missing, ...denied] };
};

/** Reads objects some at a time, as they are handed over; a page is what came together. Holds no more than that in memory. */
export async function* readObjects(reader: Reader, pieces: Iterable<readonly Listed[]>): AsyncGenerator<readonly Change[], undefined> {
  for (const piece of pieces) {
    const lost = piece.filter(({ path }) => leadsNowhere(path));
    if (lost.length > 0) yield lost.map(({ path: remoteId, etag }): Change => ({ kind: 'unreadable', remoteId, etag, code: NO_ADDRESS }));
    const asked: Asked[] = [];
    for (const object of piece.filter(({ path }) => !leadsNowhere(path))) asked.push({ object, names: await namesOf(reader, object) });
    let halves: readonly (readonly Asked[])[] = [asked.slice(0, BATCH), asked.slice(BATCH)];
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
