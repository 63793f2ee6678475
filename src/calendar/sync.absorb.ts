import { type CalendarObject } from './calendar-object.js';
import { type FeedWriter, LARGEST_UPSERT } from './feed.writer.js';
import { type Run } from './sync.context.js';
import { type Change, type ScanEnd, type ScanPage } from '../provider/calendar-provider.js';
import { type Upsert } from './feed.js';
import { refOf, toUpsert } from './upsert.js';
import { recordProgress } from './sync.state.js';

/** What `remote_object` knows of a calendar, by reference. Etags are sealed and opened only when compared. */
export type Known = Readonly<{
  has: (ref: string) => boolean;
  refs: () => Iterable<string>;
  hashOf: (ref: string) => string | null;
  etagOf: (remoteId: string) => string | null | undefined;
}>;

export const loadKnown = async ({ runtime, row, ink, sealer }: Run): Promise<Known> => {
  const rows = await runtime.database.query<{ ref: string; etag: string | null; hash: string | null; fault: string | null }>(
    'select ref, etag, hash, fault from remote_object where calendar_id = $1',
    [row.calendar_id],
  );
  const byRef = new Map(rows.map((object) => [object.ref, object]));
  return {
    has: (ref) => byRef.has(ref),
    refs: () => byRef.keys(),
    hashOf: (ref) => byRef.get(ref)?.hash ?? null,
    etagOf: (remoteId) => {
      const ref = refOf(ink, remoteId);
      const object = byRef.get(ref);
      if (object === undefined) return undefined;
      // What could not be read is read again whenever it is listed.
      return object.etag === null || object.fault !== null ? null : sealer.open(`etag:${ref}`, object.etag);
    },
  };
};

type Absorbing = Readonly<{ scan: AsyncGenerator<ScanPage, ScanEnd>; writer: FeedWriter; known: Known; whole: boolean }>;
type Absorbed = Readonly<{ end: ScanEnd; seen: ReadonlySet<string>; removed: ReadonlySet<string> }>;

/** Near enough to the length of its JSON, and much cheaper: the sealed part is most of it. */
const sizeOf = ({ sealed, components, zones }: Upsert): number =>
  sealed.length +
  600 +
  components.reduce((sum, { rules, rdates, exdates }) => sum + 400 + rules.join().length + 100 * (rdates.length + exdates.length), 0) +
  JSON.stringify(zones).length;

const absorbObject = async ({ ink, sealer }: Run, { writer, known, whole }: Absorbing, object: CalendarObject): Promise<string> => {
  const ref = refOf(ink, object.remoteId);
  const upsert = toUpsert(ink, object, known.hashOf(ref));
  const etag = object.etag === null ? null : sealer.seal(`etag:${ref}`, object.etag);
  const bytes = sizeOf(upsert);
  if (bytes > LARGEST_UPSERT) writer.keep({ ref, etag, hash: null, fault: 'object.too-large' });
  else if (whole || upsert.changed) await writer.upsert(upsert, bytes, { ref, etag, hash: upsert.hash, fault: null });
  else writer.keep({ ref, etag, hash: upsert.hash, fault: null });
  return ref;
};

/** Takes in every page of a scan: changed objects into the feed, the others into what is known; answers what was seen and what went. */
export const absorb = async (run: Run, absorbing: Absorbing): Promise<Absorbed> => {
  const seen = new Set<string>();
  const brought = new Set<string>();
  const removed = new Set<string>();
  const { scan, writer, known, whole } = absorbing;
  const see = (ref: string): void => {
    seen.add(ref);
    removed.delete(ref);
  };
  const take = async (change: Change): Promise<void> => {
    if (change.kind === 'object') {
      const ref = await absorbObject(run, absorbing, change.object);
      brought.add(ref);
      see(ref);
      return;
    }
    const ref = refOf(run.ink, change.remoteId);
    if (change.kind !== 'removed') see(ref);
    else if (known.has(ref) || brought.has(ref)) {
      seen.delete(ref);
      removed.add(ref);
    }
    if (change.kind === 'unreadable') writer.keep({ ref, etag: null, hash: null, fault: change.code });
  };
  for (;;) {
    const next = await scan.next();
    if (next.done === true) return { end: next.value, seen, removed };
    for (const change of next.value.changes) await take(change);
    // Before the calendar is listed come the days people look at first: they are not kept waiting for a full chunk.
    if (whole && next.value.expected === null) await writer.flush();
    await recordProgress(run.runtime.database, run.row.calendar_id, seen.size, next.value.expected);
  }
};
