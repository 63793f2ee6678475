import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault, type ScanEnd, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { askAgainIn, type Cursor, NOTHING_PENDING, type Pending, readCursor, writeCursor } from './graph-cursor.js';
import { Batch, idOf, seriesIn, single } from './graph.batch.js';
import { completed, early, type Hydrated, type Hydration, readAgain } from './graph.hydration.js';
import { type GraphReader } from './graph.reader.js';
import { instantOf } from './graph-time.js';
import { type GraphEvent } from './graph.wire.js';
import { pathOf } from './graph-link.js';

type Pages = AsyncGenerator<ScanPage, ScanEnd>;

/** `graphUrl`: the origin links lead to. `own`: the address of the account, in lower case; null where it is not known. */
export type Scanning = Readonly<{ reader: GraphReader; graphUrl: string; own: string | null; request: ScanRequest }>;

const expired = (): ProviderFault => new ProviderFault('cursor-expired', 'the place to read on from is not one of Microsoft’s');

const etagOf = (change: Change): string | null => {
  if (change.kind === 'object') return change.object.etag;
  return 'etag' in change ? change.etag : null;
};

const pageWith = (changes: readonly Change[], expected: number | null): readonly ScanPage[] =>
  changes.length === 0 ? [] : [{ changes, expected }];

/** What is not news is told in a word, or not at all. */
type Sift = (changes: readonly Change[]) => Promise<readonly Change[]>;

/**
 * The urgent days, as a list of their own; answers the etags of what it brought. A series is told by what of it takes place then; one that is held already is
 * shown as it was until all of it is read, because the rest of it would go and come back.
 */
async function* readSoon({ reader, own, request }: Scanning, soon: TimeRange): AsyncGenerator<ScanPage, Map<string, string | null>> {
  const etags = new Map<string, string | null>();
  const batch = new Batch(own);
  const told = (changes: readonly Change[]): readonly ScanPage[] => {
    for (const change of changes) etags.set(idOf(change), etagOf(change));
    return pageWith(changes, null);
  };
  const singles: Change[] = [];
  for await (const { value } of reader.view(soon)) singles.push(...value.flatMap((row) => batch.take(row)));
  const held = await request.known([...batch.series.keys()]);
  const unheld = [...batch.series].filter(([id]) => !held.has(id));
  yield* told([...singles, ...unheld.flatMap(([id, gathered]) => early(id, gathered, own))]);
  return etags;
}

/** The link from which the next round reads on. Throws `malformed` where a round ends without one. */
const linkIn = ({ graphUrl }: Scanning, deltaLink: string | null): string => {
  if (deltaLink === null) throw new ProviderFault('malformed', 'Microsoft’s list of changes ends without a place to read on from');
  return pathOf(graphUrl, deltaLink);
};

/** Whether an event takes place in the window; what makes no sense is told, and so counts as in it. */
const isWithin = ({ start, end }: GraphEvent, window: TimeRange): boolean => {
  try {
    if (start === null) return true;
    return instantOf(start) * 1_000 < Date.parse(window.end) && instantOf(end ?? start) * 1_000 >= Date.parse(window.start);
  } catch {
    return true;
  }
};

/** What came both as removed and as something: rows have no order, so that only the event itself tells. */
const decided = async ({ reader, own }: Scanning, window: TimeRange, id: string): Promise<Change> => {
  const event = await reader.event(id);
  return event === null || !isWithin(event, window) ? { kind: 'removed', remoteId: id } : single(event, id, own);
};

/** How many series are made whole before they are told. */
const AT_ONCE = 20;

type Told = Readonly<{ ids: ReadonlySet<string>; pending: readonly string[] }>;

/** Makes series whole, some at a time. */
async function* tellSeries(
  series: readonly string[],
  make: (id: string) => Promise<Hydrated>,
  { sift, expected }: Readonly<{ sift: Sift; expected: number | null }>,
): AsyncGenerator<ScanPage, Told> {
  const [ids, pending] = [new Set<string>(), [] as string[]];
  for (let from = 0; from < series.length; from += AT_ONCE) {
    const changes: Change[] = [];
    for (const id of series.slice(from, from + AT_ONCE)) {
      const made = await make(id);
      changes.push(...made.changes);
      for (const each of made.ids) ids.add(each);
      if (made.pending) pending.push(id);
    }
    yield* pageWith(await sift(changes), expected);
  }
  return { ids, pending };
}

type Round = Readonly<{ link: string; ids: ReadonlySet<string>; pending: readonly string[]; expected: number }>;

/** A whole round of a window: single events as they come, series at the end, when all their rows are there. */
async function* readRound(scanning: Scanning, window: TimeRange, sift: Sift): AsyncGenerator<ScanPage, Round> {
  const { reader, own } = scanning;
  const batch = new Batch(own);
  let deltaLink: string | null = null;
  for await (const page of reader.delta(window)) {
    const isLast = page.nextLink === null;
    deltaLink = page.deltaLink;
    const changes = page.value.flatMap((row) => batch.take(row));
    yield* pageWith(await sift(changes), isLast ? batch.singles.size + batch.series.size : null);
  }
  const link = linkIn(scanning, deltaLink);
  const ids = new Set(batch.singles.keys());
  for (const id of [...batch.removed].filter((each) => ids.has(each))) {
    const change = await decided(scanning, window, id);
    if (change.kind === 'removed') ids.delete(id);
    yield { changes: [change], expected: null };
  }
  const expected = ids.size + batch.series.size;
  const hydration: Hydration = { reader, window, own };
  const make = (id: string): Promise<Hydrated> => {
    const gathered = batch.of(id);
    // Of a series some of which came as removed too, only its own list tells what takes place.
    const isDoubtful = batch.removed.has(id) || [...gathered.occurrences.keys()].some((each) => batch.removed.has(each));
    return isDoubtful ? readAgain(hydration, id, gathered, false) : completed(hydration, id, gathered);
  };
  const told = yield* tellSeries([...batch.series.keys()], make, { sift, expected });
  for (const id of told.ids) ids.add(id);
  return { link, ids, pending: told.pending, expected };
}

const endOf = (cursor: Cursor, rest: Pick<ScanEnd, 'whole' | 'expected'>): ScanEnd => ({
  ...{ cursor: writeCursor(cursor), again: false, ...rest },
  ...(cursor.pending.series.length === 0 ? {} : { within: askAgainIn(cursor.pending.tries) }),
});

const pendingAfter = (series: readonly string[], before: Pending): Pending =>
  series.length === 0 ? NOTHING_PENDING : { series, tries: before.tries + 1 };

/** The urgent days first, then everything, without what the first list brought with the same etag; what the second lacks is gone again. */
async function* scanWhole(scanning: Scanning): Pages {
  const { soon, window } = scanning.request;
  const before = soon === null ? new Map<string, string | null>() : yield* readSoon(scanning, soon);
  const isNews = (change: Change): boolean => {
    const etag = before.get(idOf(change));
    return etag === undefined || etag === null || etag !== etagOf(change);
  };
  const { link, ids, pending, expected } = yield* readRound(scanning, window, (changes) => Promise.resolve(changes.filter(isNews)));
  const gone = [...before.keys()].filter((id) => !ids.has(id)).map((remoteId): Change => ({ kind: 'removed', remoteId }));
  yield* pageWith(gone, expected);
  return endOf({ link, window, pending: pendingAfter(pending, NOTHING_PENDING) }, { whole: true, expected });
}

/** Everything by name: what is held with the same etag is unchanged. A new round needs no token and brings one. */
async function* scanListed(scanning: Scanning, { pending: before }: Cursor): Pages {
  const { known, window } = scanning.request;
  const sift: Sift = async (changes) => {
    const held = await known(changes.map(idOf));
    return changes.map((change) => {
      const etag = etagOf(change);
      return etag !== null && held.get(idOf(change)) === etag ? { kind: 'unchanged', remoteId: idOf(change) } : change;
    });
  };
  const { link, pending, expected } = yield* readRound(scanning, window, sift);
  return endOf({ link, window, pending: pendingAfter(pending, before) }, { whole: true, expected });
}

/**
 * What removals mean. A row that says `@removed` may be about an event that was never in the window; of a series that has changed, about ids that its
 * occurrences had. `gone`: objects of their own. `parts`: ids of occurrences; they go unless their series, read again, still names them.
 */
type Removals = Readonly<{ gone: readonly string[]; doubtful: readonly string[]; series: readonly string[]; parts: readonly string[] }>;

const removalsIn = async (batch: Batch, known: ScanRequest['known']): Promise<Removals> => {
  const ids = [...batch.removed];
  const held = await known(ids);
  const series = ids.flatMap((id) => seriesIn(held.get(id)) ?? (batch.series.has(id) ? [id] : []));
  const parts = ids.filter((id) => seriesIn(held.get(id)) !== null);
  const own = ids.filter((id) => held.has(id) && seriesIn(held.get(id)) === null && !batch.series.has(id));
  const doubtful = ids.filter((id) => batch.singles.has(id));
  return { gone: own.filter((id) => !batch.singles.has(id)), doubtful, series, parts };
};

async function* scanSince(scanning: Scanning, before: Cursor): Pages {
  const { reader, own, request } = scanning;
  const { window } = before;
  const batch = new Batch(own);
  let [deltaLink, count]: [string | null, number] = [null, 0];
  for await (const page of reader.delta(before.link)) {
    deltaLink = page.deltaLink;
    const changes = page.value.flatMap((row) => batch.take(row));
    count += changes.length;
    yield* pageWith(changes, null);
  }
  const link = linkIn(scanning, deltaLink);
  const removals = await removalsIn(batch, request.known);
  const removed = removals.gone.map((remoteId): Change => ({ kind: 'removed', remoteId }));
  for (const id of removals.doubtful) removed.push(await decided(scanning, window, id));
  const isOver = new Set(removals.gone);
  const named = [...new Set([...batch.series.keys(), ...removals.series, ...before.pending.series])];
  const touched = named.filter((id) => !isOver.has(id) && !batch.singles.has(id));
  const held = await request.known(touched);
  const hydration: Hydration = { reader, window, own };
  const make = (id: string) => readAgain(hydration, id, batch.of(id), held.has(id));
  const expected = count + removed.length + touched.length;
  yield* pageWith(removed, expected);
  const { ids, pending } = yield* tellSeries(touched, make, { sift: (changes) => Promise.resolve(changes), expected });
  const lost = removals.parts.filter((id) => !ids.has(id)).map((remoteId): Change => ({ kind: 'removed', remoteId }));
  yield* pageWith(lost, expected);
  return endOf({ link, window, pending: pendingAfter(pending, before.pending) }, { whole: false, expected });
}

/**
 * A scan as the port describes it, by Graph's delta rounds of a calendar's view: Graph says what takes place, so that no rule of its is translated. A
 * token that is refused in the middle of a round ends the scan as well.
 */
export async function* scanMicrosoft(scanning: Scanning): Pages {
  const { cursor: text, list } = scanning.request;
  if (text === null) return yield* scanWhole(scanning);
  const cursor = readCursor(text);
  if (cursor === null) throw expired();
  return yield* list ? scanListed(scanning, cursor) : scanSince(scanning, cursor);
}
