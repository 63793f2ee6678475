import { type Change, type ScanPage, type ScanRequest } from '../calendar-provider.js';
import { type Collection } from './caldav.collection.js';
import { type ParseResource, type Reader, outcomeOf, readObjects } from './caldav.objects.js';
import { listIfPossible, type Listing, type Whole } from './caldav.ways.js';
import { type DavClient } from './dav.client.js';
import { type Listed, type PackedList, packedList } from './packed-list.js';

/** One calendar and the way to it. */
export type Scanned = Readonly<{
  dav: DavClient;
  calendar: string;
  parse: ParseResource;
  /** The most names a listing of it may have. */
  most: number;
  /** What is known about the calendar. */
  known: () => Promise<Collection>;
  /** The same asked again. */
  fresh: () => Promise<Collection>;
}>;

/** How a scan names and judges objects; see `Reader`. */
export type Manner = Pick<Reader, 'exact' | 'decides'>;

/** Whether everything was to be had: `keptBack` by a server that fails, `doubtful` listed and not there. */
export type Had = Readonly<{ keptBack: boolean; doubtful: boolean }>;

/** Names that hold an escaped `%`: only they can be taken for another name that was not escaped. */
export const isConfusable = (path: string): boolean => path.includes('%25');

export const readerOf = (
  { dav, calendar, parse }: Scanned,
  { ownAddresses }: Collection,
  { known }: Pick<ScanRequest, 'known'>,
  manner: Manner & Readonly<{ confusable: ReadonlySet<string> }>,
): Reader => ({
  ...{ dav, calendar, parse, ownAddresses, exact: manner.exact, decides: manner.decides },
  isTaken: async (path) => manner.confusable.has(path) || (await known([path])).has(path),
});

/** Hands on pages, and answers whether everything was to be had. */
export async function* watched(pages: AsyncGenerator<ScanPage, unknown>): AsyncGenerator<ScanPage, Had> {
  let [keptBack, doubtful] = [false, false];
  for await (const page of pages) {
    const outcomes = new Set(page.changes.map(outcomeOf));
    keptBack ||= outcomes.has('kept-back');
    doubtful ||= outcomes.has('doubtful');
    yield page;
  }
  return { keptBack, doubtful };
}

/** What is listed, held against what is known: what is to be read, and how many of the listed objects are held. */
class Sieve {
  readonly changed: PackedList = packedList();
  readonly confusable = new Set<string>();
  held = 0;

  constructor(
    private readonly request: ScanRequest,
    private readonly exact: boolean,
    private readonly expected: number,
  ) {}

  /** Tells what is listed with the etag known. */
  async *take({ members, removed }: Pick<Whole, 'members' | 'removed'>): AsyncGenerator<ScanPage, void> {
    for (const listed of members.take(this.exact)) {
      const piece = listed.filter(({ path }) => !removed.has(path));
      const etags = await this.request.known(piece.map(({ path }) => path));
      this.held += etags.size;
      const same = ({ path, etag }: Listed): boolean => etag !== null && etags.get(path) === etag;
      const unchanged = piece.filter(same).map(({ path }): Change => ({ kind: 'unchanged', remoteId: path }));
      if (unchanged.length > 0) yield { changes: unchanged, expected: this.expected };
      for (const object of piece) {
        if (isConfusable(object.path)) this.confusable.add(object.path);
        if (!same(object)) this.changed.add(object);
      }
    }
  }
}

async function* readSifted(
  scanned: Scanned,
  request: ScanRequest,
  sieve: Sieve,
  manner: Manner,
  expected: number,
): AsyncGenerator<ScanPage, Had> {
  if (sieve.changed.size() === 0) return { keptBack: false, doubtful: false };
  const reader = readerOf(scanned, await scanned.known(), request, { ...manner, confusable: sieve.confusable });
  return yield* watched(
    (async function* () {
      for await (const changes of readObjects(reader, sieve.changed.take())) yield { changes, expected };
    })(),
  );
}

/** Reads what is listed with another etag than the one known. */
export async function* readChanged(
  scanned: Scanned,
  request: ScanRequest,
  listed: Pick<Whole, 'members' | 'removed'>,
  manner: Manner,
  expected: number,
): AsyncGenerator<ScanPage, Had> {
  const sieve = new Sieve(request, manner.exact, expected);
  yield* sieve.take(listed);
  return yield* readSifted(scanned, request, sieve, manner, expected);
}

/** Of so many objects it is worth while to ask at a time whether they are held. */
const PIECE = 1_000;

const heldAmong = async ({ known }: ScanRequest, paths: ReadonlySet<string>): Promise<number> => {
  const all = [...paths];
  let held = 0;
  for (let start = 0; start < all.length; start += PIECE) held += (await known(all.slice(start, start + PIECE))).size;
  return held;
};

/**
 * The same for a listing of everything. What is held and not on it is asked for in another way before it counts as gone: some servers leave out
 * of one answer what they give in another. `since`: what changed and went since a token, as far as there is one.
 */
export async function* compare(
  scanned: Scanned,
  request: ScanRequest,
  { whole, rest }: Listing,
  manner: Manner,
  since: Pick<Whole, 'members' | 'removed'> = { members: packedList(), removed: new Set() },
): AsyncGenerator<ScanPage, Had> {
  const expected = whole.members.size();
  const sieve = new Sieve(request, manner.exact, expected);
  yield* sieve.take(since);
  sieve.held = await heldAmong(request, since.removed);
  yield* sieve.take(whole);
  if (sieve.held < request.held) {
    const another = await listIfPossible(rest);
    if (another !== null) yield* sieve.take(another.whole);
  }
  return yield* readSifted(scanned, request, sieve, manner, expected);
}
