import { systemCause } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type TimeRange } from '../kernel/time-range.js';
import { ProviderFault, type ScanEnd } from '../provider/calendar-provider.js';
import { entryOf } from '../provider/registry.js';
import { type GenerationReason } from '../calendar/calendar.js';
import { feedCodec } from './feed.codec.js';
import { FEED } from './feed.js';
import { FeedWriter } from './feed.writer.js';
import { againIn, isListingDue, isMassRemoval, newGenerationFor, remappedAt, soonAt, windowAt } from './generation.js';
import { readSyncCursor, type SyncCursor, writeSyncCursor } from './sync-cursor.js';
import { absorb, type Absorbed } from './sync.absorb.js';
import { carryOver } from './sync.carry.js';
import { type Claimed, type Run, type SyncRuntime } from './sync.context.js';
import { fail, report, unprepared } from './sync.ends.js';
import { countHeld, type Known, openKnown } from './sync.known.js';
import { prepare } from './sync.prepare.js';
import {
  adoptRuns,
  type Begun,
  finishFailed,
  finishSucceeded,
  forgetContents,
  recordBegun,
  recordProgress,
  rememberContents,
  siblingsFail,
  type SyncRow,
} from './sync.state.js';

/** What would go: what is said to have gone, and everything known that a whole listing did not bring. */
const goneOf = async (known: Known, { end, met }: Absorbed): Promise<readonly string[]> => {
  const gone = new Set(met.removed);
  if (end.whole) for await (const refs of known.refs()) for (const ref of refs) if (!met.has(ref)) gone.add(ref);
  return [...gone];
};

const occurrencesOf = async ({ runtime, row }: Run, refs: readonly string[]): Promise<{ removed: number; known: number }> => {
  if (refs.length === 0) return { removed: 0, known: 0 };
  const [counted] = await runtime.database.query<{ removed: string; known: string }>(
    'select count(*) filter (where ref = any($2)) as removed, count(*) as known from user_calendar_events where calendar_id = $1',
    [row.calendar_id, refs],
  );
  return { removed: Number(counted?.removed ?? 0), known: Number(counted?.known ?? 0) };
};

/**
 * `from`: what is read on from; null reads the calendar whole. `list`: everything is to be listed by name. `resumes`: what an earlier run began
 * and did not end; null when this one begins.
 */
type Plan = Readonly<{ generation: number; window: TimeRange; from: SyncCursor | null; list: boolean; resumes: Begun | null }>;

const plan = async (run: Run, forced: GenerationReason | null): Promise<Plan> => {
  const { row, runtime, sealer } = run;
  const [now, life] = [runtime.clock.now(), entryOf(row.provider).generationLife];
  const standing = {
    generation: row.generation,
    hasCursor: row.cursor !== null,
    generationDueAt: row.generation_due_at?.getTime() ?? null,
    fullRequested: row.full_requested,
    held: row.held !== null,
    life,
  };
  const reason = forced ?? newGenerationFor(standing, now);
  if (reason === null && row.cursor !== null && row.window_start !== null && row.window_end !== null) {
    const window = { start: row.window_start.toISOString(), end: row.window_end.toISOString() };
    const from = readSyncCursor(sealer.open(`cursor:${row.calendar_id}`, row.cursor));
    const list = isListingDue(row.list_due_at?.getTime() ?? null, now);
    return { generation: row.generation, window, from, list, resumes: null };
  }
  const window = windowAt(now, life);
  await run.lease.permit();
  const after = await runtime.store.lastRevision(`${FEED}-${row.calendar_id}`);
  const { generation, isNew } = await report(run, {
    kind: 'generation',
    window,
    reason: reason ?? 'resumed',
    begun: row.begun?.generation ?? null,
  });
  if (!isNew) return { generation, window, from: null, list: true, resumes: row.begun };
  await recordBegun(runtime.database, row, run.lease, { generation, after: String(after) });
  return { generation, window, from: null, list: true, resumes: null };
};

/** What a reading that died has left behind in the feed, as `Begun` says it; null when there is nothing. */
const leftBehind = ({ row }: Run, { generation, from, resumes }: Plan, writer: FeedWriter): Begun | null =>
  from !== null && row.fed !== null && writer.revision > BigInt(row.fed) ? { generation, after: row.fed } : resumes;

/**
 * What earlier runs appended and died before they remembered it is remembered now: otherwise nothing would remove what has gone since, because the
 * end of a generation drops only what is older and a removal of an object we never stored changes nothing; what was changed back since would pass
 * for unchanged; and what did not change since would be told again. The log knows all of it.
 */
const rememberAppended = async ({ runtime, row, lease }: Run, { generation, after }: Begun): Promise<void> => {
  const hashes = new Map<string, string | null>();
  for await (const { upserts, removals } of runtime.store.read(`${FEED}-${row.calendar_id}`, feedCodec, BigInt(after) + 1n)) {
    for (const ref of removals) if (hashes.has(ref)) hashes.set(ref, null);
    for (const { ref, hash } of upserts) hashes.set(ref, hash);
  }
  await rememberContents(runtime.database, row, lease, generation, hashes);
};

/** Where a reading begins: the revision its feed is at, and how many objects are held. */
type Ground = Readonly<{ revision: bigint; held: number }>;

const groundOf = async ({ runtime: { store, database }, row: { calendar_id: calendarId } }: Claimed): Promise<Ground> => {
  const [revision, held] = await Promise.all([store.lastRevision(`${FEED}-${calendarId}`), countHeld(database, calendarId)]);
  return { revision, held };
};

const writerOf = ({ runtime, row, lease, cause }: Run, { generation, window }: Plan, { revision }: Ground): FeedWriter =>
  new FeedWriter(
    { store: runtime.store, sql: runtime.database, clock: runtime.clock, newId: runtime.entropy.uuid, pace: runtime.pace },
    { calendarId: row.calendar_id, userId: row.user_id, generation, window, cause, ...lease },
    revision,
  );

/** Too much would go at once: what came is kept, nothing is removed, and the calendar is read again in a minute, or when its owner asks. */
const hold = async (run: Run, writer: FeedWriter, counted: { removed: number; known: number }): Promise<void> => {
  const { runtime, row, lease } = run;
  await writer.flush();
  await writer.settled();
  await report(run, { kind: 'held', removals: counted.removed, known: counted.known });
  await finishFailed(runtime, row, lease, { fault: 'mass-change-held', retryAfter: null, held: instant(runtime.clock.now()) });
};

/** In [0, 1), always the same for a calendar. */
const shareOf = (calendarId: string): number => Number.parseInt(calendarId.slice(0, 8), 16) / 2 ** 32;

/** What is held was read by the mapping of the cursor that was read on from, until the calendar is read whole. */
const cursorAfter = ({ provider, sealer, row }: Run, { from }: Plan, { cursor }: ScanEnd): string | null =>
  cursor === null
    ? null
    : sealer.seal(`cursor:${row.calendar_id}`, writeSyncCursor({ mapping: from === null ? provider.mapping : from.mapping, cursor }));

/** The old cursor is in use until then. */
const remapAt = ({ provider, row, runtime }: Run, { from }: Plan): number | null =>
  from === null || (from.mapping ?? 0) >= provider.mapping ? null : remappedAt(runtime.clock.now(), shareOf(row.calendar_id));

const complete = async (run: Run, planned: Plan, writer: FeedWriter, { end, met, emptied, unreadable, gone }: Found): Promise<void> => {
  const { runtime, row, lease, cause, isAwaited } = run;
  const { generation, window } = planned;
  const whole = planned.from === null;
  await forgetContents(runtime.database, row, lease, [...gone, ...emptied.keys()]);
  for (const ref of gone) await writer.remove(ref);
  for (const [ref, remembered] of emptied) {
    await writer.remove(ref);
    await writer.remember(remembered);
  }
  if (whole) await carryOver(run, writer, unreadable);
  await writer.flush(whole);
  await writer.settled();
  if (whole) await report(run, { kind: 'completed', generation, objects: met.seen.size });
  // One that was forgiven by a new password has no fault any more, but a failure.
  const failed = row.fault !== null || row.failures > 0;
  if (failed) await report(run, { kind: 'succeeded' });
  await finishSucceeded(runtime, row, lease, {
    ...{ cursor: cursorAfter(run, planned, end), remapAt: remapAt(run, planned), listed: planned.list || end.whole, again: againIn(end) },
    ...{ generation, window, gone, isAwaited, whole, objects: met.seen.size, fed: writer.revision, position: writer.position },
  });
  if (failed && !(await siblingsFail(runtime, row))) await runtime.reportRecovery(row.connection_id, cause);
  if (whole && writer.first !== null && writer.first > 0n) await runtime.store.truncateBefore(`${FEED}-${row.calendar_id}`, writer.first);
};

/** What a scan brought to light, and which objects are gone. */
type Found = Absorbed & Readonly<{ gone: readonly string[] }>;

/** So much is held only where a server names more and more and never lists everything. */
const refuseHoard = ({ held }: Known, { from }: Plan, most: number): void => {
  if (from !== null && held > 2 * most) throw new ProviderFault('cursor-expired', 'more is held than a calendar may hold');
};

const scanWith = async (run: Run, planned: Plan, ground: Ground): Promise<void> => {
  const { runtime, row, lease, ink, sealer } = run;
  const { window, from, list } = planned;
  const progress = async (done: number, expected: number | null): Promise<void> => {
    if (run.isAwaited) await recordProgress(runtime.database, row.calendar_id, done, expected);
  };
  const writer = writerOf(run, planned, ground);
  const left = leftBehind(run, planned, writer);
  if (left !== null) await rememberAppended(run, left);
  const known = openKnown(run, left === null ? ground.held : await countHeld(runtime.database, row.calendar_id));
  refuseHoard(known, planned, runtime.mostListed);
  const scan = run.provider.scan(run.grant, run.address, {
    cursor: from?.cursor ?? null,
    soon: from === null ? soonAt(runtime.clock.now()) : null,
    window,
    known: known.etags,
    held: known.held,
    list,
    call: { signal: lease.signal, permit: lease.permit },
  });
  const absorbing = { scan, writer, known, whole: from === null, most: runtime.mostListed };
  const absorbed = await absorb({ ink, sealer, progress }, absorbing);
  const gone = await goneOf(known, absorbed);
  const counted = await occurrencesOf(run, [...gone, ...absorbed.emptied.keys()]);
  if (isMassRemoval(counted.removed, counted.known) && run.row.held === null) await hold(run, writer, counted);
  else await complete(run, planned, writer, { ...absorbed, gone });
};

/**
 * SyncDelta for one claimed calendar: reads what changed since its cursor (or everything, as a new generation), seals it, appends it to the
 * feed, and only then moves the cursor. A death anywhere leaves the older cursor; the same delta read again changes nothing twice.
 */
export const syncCalendar =
  (runtime: SyncRuntime) =>
  async (row: SyncRow, lease: Lease): Promise<void> => {
    const claimed = { runtime, row, lease, cause: systemCause('sync', row.user_id, runtime.entropy.uuid()) };
    const adopted = adoptRuns(runtime.database, row.calendar_id);
    // Beside what opens the account, because a person waits for what was told of. What fails of it is the reading's.
    const ground = groundOf(claimed);
    ground.catch(() => undefined);
    let run: Run;
    try {
      run = await prepare(claimed, adopted);
    } catch (error) {
      await adopted;
      return unprepared(claimed, error);
    }
    try {
      await scanWith(run, await plan(run, null), await ground);
    } catch (error) {
      if (lease.signal.aborted) throw new Superseded();
      if (!(error instanceof ProviderFault)) throw error;
      if (error.fault !== 'cursor-expired') return fail(run, error);
      await rebase(run);
    }
  };

/** A refused cursor costs one whole reading at once; a second refusal within it is the provider's fault and waits. */
const rebase = async (run: Run): Promise<void> => {
  try {
    await scanWith(run, await plan(run, 'cursor-expired'), await groundOf(run));
  } catch (error) {
    if (run.lease.signal.aborted) throw new Superseded();
    if (!(error instanceof ProviderFault)) throw error;
    await fail(
      run,
      error.fault === 'cursor-expired' ? new ProviderFault('malformed', 'a whole reading was refused as an expired cursor') : error,
    );
  }
};
