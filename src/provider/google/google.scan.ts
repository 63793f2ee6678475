import { DAY, instant } from '../../kernel/clock.js';
import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { type Cursor, readCursor, writeCursor } from './google-cursor.js';
import { readLine, type Line } from './google.mapping.js';
import { type GooglePage } from './google.wire.js';

type Pages = AsyncGenerator<ScanPage, ScanEnd>;

/** What of a calendar is listed: all of it, what changed since a token, or what takes place within some days. */
export type Listing = Readonly<{ syncToken?: string; timeMin?: string; timeMax?: string }>;

/** One page of a list of events; `pageToken` is null for the first. Throws `cursor-expired` when Google does not know the token any more. */
export type ListEvents = (listing: Listing, pageToken: string | null) => Promise<GooglePage>;

const expired = (): ProviderFault => new ProviderFault('cursor-expired', 'the place to read on from is not one of Google’s');

/** A list that never ends is none. */
const MOST_PAGES = 10_000;

/** Every page of a list, empty ones too: a page without events may be followed by others (Google: “pages may be empty”). */
async function* pagesOf(list: ListEvents, listing: Listing): AsyncGenerator<GooglePage, undefined> {
  const asked = new Set<string>();
  for (let pageToken: string | null = null; ;) {
    const page: GooglePage = await list(listing, pageToken);
    yield page;
    pageToken = page.nextPageToken;
    if (pageToken === null) return;
    if (asked.has(pageToken) || asked.size >= MOST_PAGES) throw new ProviderFault('malformed', 'Google’s list of events does not end');
    asked.add(pageToken);
  }
}

/** What a list brought, line by line, numbered from where it began. */
class Lines {
  private read = 0;

  of({ items, timeZone }: GooglePage): readonly Line[] {
    return items.map((row) => readLine(row, timeZone, (this.read += 1)));
  }
}

const idOf = (change: Change): string => (change.kind === 'object' ? change.object.remoteId : change.remoteId);

const etagOf = (change: Change): string | null => (change.kind === 'object' ? change.object.etag : null);

const pageWith = (changes: readonly Change[], expected: number | null): readonly ScanPage[] =>
  changes.length === 0 ? [] : [{ changes, expected }];

/** Of what is listed, everything but what was removed. */
const present = (lines: readonly Line[]): readonly Change[] => lines.flatMap(({ change }) => (change.kind === 'removed' ? [] : [change]));

/** What is not news is told in a word: of some changes those that are, the others as `unchanged` or not at all. */
type Sift = (changes: readonly Change[]) => Promise<readonly Change[]>;

/**
 * Before and after the urgent days, in milliseconds: a list of some days lacks the instances that were moved out of them, and their series would
 * show them where they were. Few are moved by more than a week.
 */
const AROUND = 7 * DAY;

/** The urgent days, as a list of their own; answers the etags of what it brought. */
async function* readSoon(list: ListEvents, { start, end }: TimeRange): AsyncGenerator<ScanPage, Map<string, string | null>> {
  const etags = new Map<string, string | null>();
  const lines = new Lines();
  const days = { timeMin: instant(Date.parse(start) - AROUND), timeMax: instant(Date.parse(end) + AROUND) };
  for await (const page of pagesOf(list, days)) {
    const changes = present(lines.of(page));
    for (const change of changes) etags.set(idOf(change), etagOf(change));
    yield* pageWith(changes, null);
  }
  return etags;
}

/** What the whole list held: the ids of what is listed, the series of which instances are stored apart, and the token to go on from. */
type Listed = Readonly<{ ids: ReadonlySet<string>; apart: ReadonlySet<string>; token: string | null }>;

/** Series of which lines tell instances that differ from them; what was taken out of a series shows nowhere without it. */
const apartIn = (lines: readonly Line[]): readonly string[] =>
  lines.flatMap(({ seriesRemoteId, isHole }) => (seriesRemoteId === null || isHole ? [] : [seriesRemoteId]));

/** The whole list: Google says how much there is by ending it. */
async function* readAll(list: ListEvents, sift: Sift): AsyncGenerator<ScanPage, Listed> {
  const [ids, apart] = [new Set<string>(), new Set<string>()];
  const numbered = new Lines();
  let token: string | null = null;
  for await (const page of pagesOf(list, {})) {
    const lines = numbered.of(page);
    const changes = present(lines);
    for (const change of changes) ids.add(idOf(change));
    for (const series of apartIn(lines)) apart.add(series);
    token = page.nextSyncToken;
    yield* pageWith(await sift(changes), page.nextPageToken === null ? ids.size : null);
  }
  return { ids, apart, token };
}

/** The urgent days first, then everything, without what the first list brought with the same etag; what the second lacks is gone again. */
async function* scanWhole(list: ListEvents, { soon }: ScanRequest): Pages {
  const early = soon === null ? new Map<string, string | null>() : yield* readSoon(list, soon);
  const isNews = (change: Change): boolean => {
    const etag = early.get(idOf(change));
    return etag === undefined || etag === null || etag !== etagOf(change);
  };
  const { ids, apart, token } = yield* readAll(list, (changes) => Promise.resolve(changes.filter(isNews)));
  const gone = [...early.keys()].filter((id) => !ids.has(id)).map((remoteId): Change => ({ kind: 'removed', remoteId }));
  yield* pageWith(gone, ids.size);
  return { cursor: token === null ? null : writeCursor(token, apart), whole: true, again: false, expected: ids.size };
}

/** Everything by name: what is held with the same etag is unchanged. It needs no token and brings a new one. */
async function* scanListed(list: ListEvents, before: string, { known }: ScanRequest): Pages {
  const sift: Sift = async (changes) => {
    const held = await known(changes.map(idOf));
    return changes.map((change) => {
      const etag = etagOf(change);
      return etag !== null && held.get(idOf(change)) === etag ? { kind: 'unchanged', remoteId: idOf(change) } : change;
    });
  };
  const { ids, apart, token } = yield* readAll(list, sift);
  return { cursor: writeCursor(token ?? before, apart), whole: true, again: false, expected: ids.size };
}

/** What a list of changes says of series. */
class SeriesChanges {
  private readonly holes = new Map<string, string[]>();
  private readonly removed = new Set<string>();
  private readonly apart: Set<string> | null;

  constructor({ apart }: Cursor) {
    this.apart = apart === null ? null : new Set(apart);
  }

  /** The same lines as changes. A hole in a series that this list removes is removed, on which side of it in the list it may be. */
  settle(lines: readonly Line[]): readonly Change[] {
    for (const { change } of lines) if (change.kind === 'removed') this.removed.add(change.remoteId);
    for (const series of apartIn(lines)) this.apart?.add(series);
    const changes = lines.map(({ change, seriesRemoteId, isHole }): Change => {
      if (!isHole || seriesRemoteId === null) return change;
      if (this.removed.has(seriesRemoteId)) return { kind: 'removed', remoteId: idOf(change) };
      const holes = this.holes.get(seriesRemoteId);
      if (holes === undefined) this.holes.set(seriesRemoteId, [idOf(change)]);
      else holes.push(idOf(change));
      return change;
    });
    const late = lines.flatMap(({ change }) => (change.kind === 'removed' ? (this.holes.get(change.remoteId) ?? []) : []));
    return [...changes, ...late.map((remoteId): Change => ({ kind: 'removed', remoteId }))];
  }

  /** A series went of which instances are held apart: only a list of everything tells whether they went with it. */
  leavesDoubt(): boolean {
    const { apart } = this;
    return apart === null ? this.removed.size > 0 : [...this.removed].some((id) => apart.has(id));
  }

  cursor(token: string): string {
    return writeCursor(token, this.apart);
  }
}

async function* scanSince(list: ListEvents, before: Cursor, request: ScanRequest): Pages {
  const [lines, series] = [new Lines(), new SeriesChanges(before)];
  let [count, token]: [number, string | null] = [0, null];
  for await (const page of pagesOf(list, { syncToken: before.token })) {
    const changes = series.settle(lines.of(page));
    count += changes.length;
    token = page.nextSyncToken;
    yield* pageWith(changes, page.nextPageToken === null ? count : null);
  }
  const next = token ?? before.token;
  if (series.leavesDoubt()) return yield* scanListed(list, next, request);
  return { cursor: series.cursor(next), whole: false, again: false, expected: count };
}

/**
 * A scan as the port describes it, by Google's sync guide: masters and what differs from them are listed, nothing is expanded, and every list of a
 * calendar is asked for with the same parameters. A token that is refused in the middle of a list ends the scan as well.
 */
export async function* scanGoogle(list: ListEvents, request: ScanRequest): Pages {
  if (request.cursor === null) return yield* scanWhole(list, request);
  const cursor = readCursor(request.cursor);
  if (cursor === null) throw expired();
  return yield* request.list ? scanListed(list, cursor.token, request) : scanSince(list, cursor, request);
}
