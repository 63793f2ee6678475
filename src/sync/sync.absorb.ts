import { type CalendarObject } from '../calendar/calendar-object.js';
import { encodedLength, type FeedWriter, type Remembered, LARGEST_UPSERT } from './feed.writer.js';
import { MetObjects } from './met-objects.js';
import { type Run } from './sync.context.js';
import { type Change, ProviderFault, type ScanEnd, type ScanPage } from '../provider/calendar-provider.js';
import { type Known } from './sync.known.js';
import { refOf, toUpsert } from './upsert.js';
import { occurrencesOf } from './weight.js';

/** What turns objects into what may be stored, and who hears how far it has come; `expected` as in `ScanPage`. */
type Absorber = Pick<Run, 'ink' | 'sealer'> & Readonly<{ progress: (done: number, expected: number | null) => Promise<void> }>;

/** `most`: no calendar that is read holds more objects. */
type Absorbing = Readonly<{ scan: AsyncGenerator<ScanPage, ScanEnd>; writer: FeedWriter; known: Known; whole: boolean; most: number }>;

/**
 * `emptied`: what shall be remembered of objects that held an event before and hold none now. `unreadable`: references of objects that are listed and
 * were not to be had.
 */
export type Absorbed = Readonly<{
  end: ScanEnd;
  met: MetObjects;
  emptied: ReadonlyMap<string, Remembered>;
  unreadable: ReadonlySet<string>;
}>;

/** Stands for the content hash of an object that holds no event, so that any event it comes to hold differs. */
const NO_EVENT = '';

const sealedEtag = ({ sealer }: Pick<Run, 'sealer'>, ref: string, etag: string | null): string | null =>
  etag === null ? null : sealer.seal(`etag:${ref}`, etag);

type Found = Readonly<{ ref: string; object: CalendarObject; hash: string | null }>;

/** Remembers an object that is listed and not to be had. */
type Miss = (remembered: Omit<Remembered, 'hash'>) => Promise<void>;

const absorbObject = async (
  { ink, sealer }: Absorber,
  { writer, whole }: Absorbing,
  { ref, object, hash }: Found,
  miss: Miss,
): Promise<void> => {
  const upsert = toUpsert(ink, object, hash);
  const etag = sealedEtag({ sealer }, ref, object.etag);
  const remembered = { ref, etag, hash: upsert.hash, fault: object.problems[0] ?? null };
  if (!whole && !upsert.changed) return writer.remember(remembered);
  const bytes = encodedLength(upsert);
  if (bytes > LARGEST_UPSERT) return miss({ ref, etag, fault: 'object.too-large' });
  return writer.upsert(upsert, { bytes, occurrences: occurrencesOf(upsert, writer.window, writer.now()) }, remembered);
};

type Named = Readonly<{ ref: string; change: Change }>;

const named = ({ ink }: Absorber, changes: readonly Change[]): readonly Named[] =>
  changes.map((change) => ({ ref: refOf(ink, change.kind === 'object' ? change.object.remoteId : change.remoteId), change }));

/** What is already held is no matter for what was only listed. */
const isLookedUp = ({ change }: Named): boolean => change.kind !== 'unchanged' && change.kind !== 'unreadable';

/** Twice as many objects may be met as are there: a calendar may lose all it has and get as many others. */
const refuseTooMany = ({ size }: MetObjects, most: number): void => {
  if (size > 2 * most) throw new ProviderFault('too-large', 'the calendar holds more entries than are read');
};

/** Takes in one change; `hash` is that of the content held, null when an object is held without, undefined when it is not. */
const taker = (
  absorber: Absorber,
  absorbing: Absorbing,
  { met, emptied, unreadable }: Readonly<{ met: MetObjects; emptied: Map<string, Remembered>; unreadable: Set<string> }>,
) => {
  const { writer } = absorbing;
  const miss: Miss = (remembered) => {
    unreadable.add(remembered.ref);
    return writer.remember({ ...remembered, hash: null });
  };
  return async ({ ref, change }: Named, hash: string | null | undefined): Promise<void> => {
    emptied.delete(ref);
    unreadable.delete(ref);
    switch (change.kind) {
      case 'removed':
        met.lose(ref, hash !== undefined);
        return;
      case 'other': {
        const remembered = { ref, etag: sealedEtag(absorber, ref, change.etag), hash: NO_EVENT, fault: null };
        const heldEvent = met.seen.has(ref) || (hash !== undefined && hash !== NO_EVENT);
        met.seeOther(ref);
        if (heldEvent) emptied.set(ref, remembered);
        else await writer.remember(remembered);
        return;
      }
      case 'object':
        met.see(ref);
        return absorbObject(absorber, absorbing, { ref, object: change.object, hash: hash ?? null }, miss);
      case 'missing':
        met.see(ref);
        // Without an etag it is asked for again when it is listed again.
        return miss({ ref, etag: null, fault: null });
      case 'unreadable':
        met.see(ref);
        return miss({ ref, etag: sealedEtag(absorber, ref, change.etag), fault: change.code });
      case 'unchanged':
        met.see(ref);
    }
  };
};

/** Takes in every page of a scan: changed objects into the feed, the others into what is known; answers what was seen and what went. */
export const absorb = async (absorber: Absorber, absorbing: Absorbing): Promise<Absorbed> => {
  const { scan, writer, known, whole, most } = absorbing;
  const met = new MetObjects();
  const emptied = new Map<string, Remembered>();
  const unreadable = new Set<string>();
  const take = taker(absorber, absorbing, { met, emptied, unreadable });
  try {
    for (;;) {
      const next = await scan.next();
      if (next.done === true) return { end: next.value, met, emptied, unreadable };
      const page = named(absorber, next.value.changes);
      const hashes = await known.hashes(page.filter(isLookedUp).map(({ ref }) => ref));
      for (const each of page) await take(each, hashes.get(each.ref));
      refuseTooMany(met, most);
      // Before the calendar is listed come the days people look at first: they do not wait for a full chunk.
      if (whole && next.value.expected === null) await writer.flush();
      await absorber.progress(met.seen.size, next.value.expected);
    }
  } finally {
    // Left in the middle, it would never release its connections.
    await scan.return({ cursor: null, whole: false, again: false, expected: 0 });
  }
};
