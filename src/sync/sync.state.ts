import { ACCOUNT_FAULTS, isDeadGrant } from '../connection/account-fault.js';
import { type Clock, instant, MINUTE, SECOND } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type Position } from '../kernel/event-store.js';
import { type Trouble } from '../kernel/failure-policy.js';
import { named, type Database, type Sql } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type WatchMode } from '../provider/abilities.js';
import { entryOf } from '../provider/registry.js';
import { MODE_SQL, UNTOLD_SQL } from '../watch/swept.js';
import { freshUntil } from './freshness.js';
import { nextGenerationAt, nextListingAt, nextPollAt, retryAt } from './generation.js';
import { type Sweep } from './sweep.sql.js';

/** A generation whose reading has begun and not ended. `after`: the revision its feed was at, after which stands what runs appended of it. */
export type Begun = Readonly<{ generation: number; after: string }>;

/** A claimed row of `sync_state`. */
export type SyncRow = Readonly<{
  calendar_id: string;
  connection_id: string;
  user_id: string;
  provider: string;
  /** `sweep`: it is read because its interval is over; `hot`: for any other reason. */
  lane: 'hot' | 'sweep';
  sealed: string;
  cursor: string | null;
  generation: number;
  generation_due_at: Date | null;
  list_due_at: Date | null;
  window_start: Date | null;
  window_end: Date | null;
  full_requested: boolean;
  /** Until when the last good reading is fresh; null before one. */
  fresh_until: Date | null;
  begun: Begun | null;
  /** The revision the feed was at when the last good reading ended; null when that was read by the first release. */
  fed: string | null;
  failures: number;
  fault: string | null;
  held: string | null;
}>;

type Runtime = Readonly<{ database: Database; clock: Clock; entropy: Entropy; sweep: Sweep }>;

/** Moves manual syncs on, and wakes the streams of those who asked for them. */
const moveRuns = (sql: Sql, update: string, values: readonly unknown[]): Promise<unknown> =>
  sql.query(
    `with moved as (update sync_run ${update} returning user_id)
     select pg_notify('stream', user_id) from (select distinct user_id from moved) as watching`,
    values,
  );

/** Manual syncs that were asked for before this run began are its own from now on. Answers whether it has any. */
export const adoptRuns = async (sql: Sql, calendarId: string): Promise<boolean> => {
  const open = await sql.query('select 1 from sync_run where calendar_id = $1 and finished_at is null limit 1', [calendarId]);
  if (open.length > 0) await moveRuns(sql, `set state = 'running' where calendar_id = $1 and state = 'queued'`, [calendarId]);
  return open.length > 0;
};

export const recordProgress = async (sql: Sql, calendarId: string, done: number, expected: number | null): Promise<void> => {
  await moveRuns(sql, `set done = $2, expected = coalesce($3, expected) where calendar_id = $1 and state = 'running'`, [
    calendarId,
    done,
    expected,
  ]);
};

const endRuns = (sql: Sql, calendarId: string, now: string, code: string | null, position: Position | null): Promise<unknown> =>
  moveRuns(
    sql,
    `set state = case when $3::text is null then 'done' else 'failed' end, code = $3, position = $4, finished_at = $2
     where calendar_id = $1 and state = 'running'`,
    [calendarId, now, code, position],
  );

export const recordBegun = async (sql: Sql, row: SyncRow, lease: Lease, begun: Begun): Promise<void> => {
  const held = await sql.query('update sync_state set begun = $3 where calendar_id = $1 and epoch = $2 returning 1', [
    row.calendar_id,
    lease.epoch,
    JSON.stringify(begun),
  ]);
  if (held.length === 0) throw new Superseded();
};

/** What the log holds of some objects, by reference: the hash of their content; null of one that was removed. Without an etag each is read again. */
export const rememberContents = async (
  sql: Sql,
  row: SyncRow,
  lease: Lease,
  generation: number,
  hashes: ReadonlyMap<string, string | null>,
): Promise<void> => {
  await sql.query(
    `with held as materialized (select 1 from sync_state where calendar_id = $1 and epoch = $2 for share)
     insert into remote_object (calendar_id, ref, hash, generation)
       select $1, ref, hash, $3 from held, unnest($4::text[], $5::text[]) as appended(ref, hash)
     on conflict (calendar_id, ref) do update set hash = excluded.hash, etag = null where remote_object.hash is distinct from excluded.hash`,
    [row.calendar_id, lease.epoch, generation, [...hashes.keys()], [...hashes.values()]],
  );
};

/**
 * Of objects whose removal is about to be appended nothing but the name is known from now on: one that comes back after a death in between counts
 * as changed, and one that does not is removed again.
 */
export const forgetContents = async (sql: Sql, row: SyncRow, lease: Lease, refs: readonly string[]): Promise<void> => {
  if (refs.length === 0) return;
  await sql.query(
    `update remote_object set etag = null, hash = null
     where calendar_id = $1 and ref = any($3) and exists (select 1 from sync_state where calendar_id = $1 and epoch = $2)`,
    [row.calendar_id, lease.epoch, refs],
  );
};

/** `remapAt`: when it is to be read whole at the latest because another mapping reads it now; null when no other does. */
type Success = Readonly<{
  cursor: string | null;
  generation: number;
  remapAt: number | null;
  /** Everything was listed, or would not be. */
  listed: boolean;
  /** Milliseconds within which it is to be read again although its next reading is later; null when it is not. */
  again: number | null;
  window: TimeRange;
  gone: readonly string[];
  /** Somebody waits for this reading, as `adoptRuns` answered. */
  isAwaited: boolean;
  whole: boolean;
  /** Objects that the reading saw. */
  objects: number;
  /** The revision the feed is at. */
  fed: bigint;
  position: Position | null;
}>;

/** Ends the manual syncs of a calendar that is in trouble: it is tried again by itself, and a person does not wait for that. */
export const tellRuns =
  ({ database, clock }: Pick<Runtime, 'database' | 'clock'>) =>
  async (calendarId: unknown, { setAside }: Trouble): Promise<void> => {
    await endRuns(database, String(calendarId), instant(clock.now()), setAside === null ? 'unforeseen' : 'set-aside', null);
  };

const SUCCEEDED = `
  update sync_state set cursor = :cursor, generation = :generation, window_start = :from, window_end = :until,
    generation_due_at = case when :began then :nextGeneration::timestamptz else least(generation_due_at, :remapAt::timestamptz) end,
    list_due_at = coalesce(:nextListing, list_due_at),
    last_attempt_at = :now, last_success_at = :now, fresh_until = :freshUntil, position = coalesce(:position, position), failures = 0, fault = null, held = null,
    begun = case when :whole then null else begun end, objects = case when :whole then :objects else objects end, fed = :fed,
    full_requested = full_requested
      and (not :fullRequested or exists (select 1 from sync_run where calendar_id = :calendarId and state = 'queued' and full_read)),
    lane = 'sweep', due_at = :due
  where calendar_id = :calendarId and epoch = :epoch returning position`;

/** After the last acknowledgement: what is known and the cursor, in one transaction, if the claim still holds. */
export const finishSucceeded = async (
  { database, clock, entropy, sweep }: Runtime,
  row: SyncRow,
  lease: Lease,
  success: Success,
): Promise<void> => {
  const now = clock.now();
  const { cursor, generation, window, gone, isAwaited, whole, objects, fed, position, remapAt, listed, again } = success;
  const began = generation !== row.generation || row.generation_due_at === null;
  const [watched] = await database.query<{ mode: WatchMode }>(MODE_SQL, [row.calendar_id]);
  const within = await sweep(row.provider, watched?.mode ?? 'polled');
  const isUntold = row.lane === 'sweep' && !whole && position !== null;
  const finish = async (sql: Sql): Promise<void> => {
    const [held] = await sql.query<{ position: string | null }>(
      ...named(SUCCEEDED, {
        ...{ calendarId: row.calendar_id, epoch: lease.epoch, cursor, generation, from: window.start, until: window.end, began },
        nextGeneration: instant(nextGenerationAt(now, entryOf(row.provider).generationLife, entropy.fraction())),
        now: instant(now),
        freshUntil: instant(freshUntil(now, within)),
        position,
        due: instant(Math.min(nextPollAt(now, within, entropy.fraction()), again === null ? Infinity : now + again)),
        // One that was asked for while this run was under way is still owed.
        fullRequested: row.full_requested,
        remapAt: remapAt === null ? null : instant(remapAt),
        nextListing: listed ? instant(nextListingAt(now, entropy.fraction())) : null,
        ...{ whole, objects, fed },
      }),
    );
    if (held === undefined) throw new Superseded();
    if (gone.length > 0) await sql.query('delete from remote_object where calendar_id = $1 and ref = any($2)', [row.calendar_id, gone]);
    if (isUntold) await sql.query(UNTOLD_SQL, [row.calendar_id, instant(now)]);
    // Also what an earlier run brought must be there to be read before this one is done.
    if (isAwaited) await endRuns(sql, row.calendar_id, instant(now), null, held.position === null ? null : BigInt(held.position));
  };
  // One statement needs no transaction around it, which is what most readings of a change that was told of end with.
  await (gone.length > 0 || isUntold || isAwaited ? database.transaction(finish) : finish(database));
};

/**
 * Whether another calendar of the connection still has a fault of the account. One that waits because the server was away is read now that it
 * answers again.
 */
export const siblingsFail = async ({ database, clock }: Runtime, { connection_id, calendar_id }: SyncRow): Promise<boolean> => {
  const failing = await database.query(
    `update sync_state set due_at = case when fault = 'unavailable' then least(due_at, $3) else due_at end
     where connection_id = $1 and calendar_id <> $2 and fault = any($4) returning 1`,
    [connection_id, calendar_id, instant(clock.now()), ACCOUNT_FAULTS],
  );
  if (failing.length > 0) await database.query('notify sync_state');
  return failing.length > 0;
};

type Failure = Readonly<{ fault: string; retryAfter: number | null; held: string | null }>;

/** The last good state stays; the calendar is marked and tried again later, a dead grant only after the user has reconnected. */
export const finishFailed = async ({ database, clock, entropy }: Runtime, row: SyncRow, lease: Lease, failure: Failure): Promise<void> => {
  const now = clock.now();
  const failures = row.failures + 1;
  const due = isDeadGrant(failure.fault)
    ? 'infinity'
    : instant(failure.held === null ? retryAt(now, failures, failure.retryAfter, entropy.fraction()) : now + MINUTE);
  await database.transaction(async (sql) => {
    const held = await sql.query(
      ...named(
        `update sync_state set last_attempt_at = :now, failures = :failures, fault = :fault, held = coalesce(:held, held), due_at = :due
         where calendar_id = :calendarId and epoch = :epoch returning 1`,
        { calendarId: row.calendar_id, epoch: lease.epoch, now: instant(now), failures, fault: failure.fault, held: failure.held, due },
      ),
    );
    if (held.length === 0) throw new Superseded();
    // A server that asks for time asks it for the whole account.
    if (failure.fault === 'throttled' && failure.retryAfter !== null)
      await sql.query('update sync_state set due_at = greatest(due_at, $3) where connection_id = $1 and calendar_id <> $2', [
        row.connection_id,
        row.calendar_id,
        instant(now + failure.retryAfter * SECOND),
      ]);
    await endRuns(sql, row.calendar_id, instant(now), failure.fault, null);
  });
};
