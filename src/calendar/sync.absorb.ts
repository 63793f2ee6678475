import { type CalendarObject } from './calendar-object.js';
import { encodedLength, type FeedWriter, LARGEST_UPSERT } from './feed.writer.js';
import { type Run } from './sync.context.js';
import { type Change, type ScanEnd, type ScanPage } from '../provider/calendar-provider.js';
import { type Known } from './sync.known.js';
import { refOf, toUpsert } from './upsert.js';

/** What turns objects into what may be stored, and who hears how far it has come; `expected` as in `ScanPage`. */
type Absorber = Pick<Run, 'ink' | 'sealer'> & Readonly<{ progress: (done: number, expected: number | null) => Promise<void> }>;

type Absorbing = Readonly<{ scan: AsyncGenerator<ScanPage, ScanEnd>; writer: FeedWriter; known: Known; whole: boolean }>;

/** `seen`: objects the calendar has, `removed` those it has lost. */
export type Absorbed = Readonly<{ end: ScanEnd; seen: ReadonlySet<string>; removed: ReadonlySet<string> }>;

type Found = Readonly<{ ref: string; object: CalendarObject; hash: string | null }>;

const absorbObject = async ({ ink, sealer }: Absorber, { writer, whole }: Absorbing, { ref, object, hash }: Found): Promise<void> => {
  const upsert = toUpsert(ink, object, hash);
  const etag = object.etag === null ? null : sealer.seal(`etag:${ref}`, object.etag);
  const kept = { ref, etag, hash: upsert.hash, fault: object.problems[0] ?? null };
  if (!whole && !upsert.changed) return writer.keep(kept);
  const bytes = encodedLength(upsert);
  if (bytes > LARGEST_UPSERT) return writer.keep({ ref, etag, hash: null, fault: 'object.too-large' });
  return writer.upsert(upsert, bytes, kept);
};

type Named = Readonly<{ ref: string; change: Change }>;

const named = ({ ink }: Absorber, changes: readonly Change[]): readonly Named[] =>
  changes.map((change) => ({ ref: refOf(ink, change.kind === 'object' ? change.object.remoteId : change.remoteId), change }));

/** What is already held is no matter for what was only listed. */
const isLookedUp = ({ change }: Named): boolean => change.kind === 'object' || change.kind === 'removed';

/** Takes in every page of a scan: changed objects into the feed, the others into what is known; answers what was seen and what went. */
export const absorb = async (absorber: Absorber, absorbing: Absorbing): Promise<Absorbed> => {
  const seen = new Set<string>();
  const removed = new Set<string>();
  const { scan, writer, known, whole } = absorbing;
  const take = async ({ ref, change }: Named, hash: string | null | undefined): Promise<void> => {
    if (change.kind === 'removed') {
      // Of what was never held nothing can go.
      if (hash === undefined && !seen.delete(ref)) return;
      seen.delete(ref);
      removed.add(ref);
      return;
    }
    seen.add(ref);
    removed.delete(ref);
    if (change.kind === 'object') await absorbObject(absorber, absorbing, { ref, object: change.object, hash: hash ?? null });
    if (change.kind === 'unreadable') await writer.keep({ ref, etag: null, hash: null, fault: change.code });
  };
  try {
    for (;;) {
      const next = await scan.next();
      if (next.done === true) return { end: next.value, seen, removed };
      const page = named(absorber, next.value.changes);
      const hashes = await known.hashes(page.filter(isLookedUp).map(({ ref }) => ref));
      for (const each of page) await take(each, hashes.get(each.ref));
      // Before the calendar is listed come the days people look at first: they are not kept waiting for a full chunk.
      if (whole && next.value.expected === null) await writer.flush();
      await absorber.progress(seen.size, next.value.expected);
    }
  } finally {
    // Left in the middle, it would hold its connections for ever.
    await scan.return({ cursor: null, whole: false, expected: 0 });
  }
};
