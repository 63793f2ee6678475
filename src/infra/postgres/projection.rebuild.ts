import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import { type EventStore, type Position } from '../../kernel/event-store.js';
import { type IsOver } from '../../kernel/follower.js';
import { type Projection } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';
import { type Postgres, type Session } from './database.postgres.js';
import { meaningOf, meanRows } from './follower.checkpoint.js';
import { BeingRebuilt, NewerMeaning } from './follower.failure.js';
import { applySeparately, applyStep, type Followed, stepsOf } from './projection.apply.js';
import { discardShadow, enterShadow, makeShadow, measureShadow, type Shadow, swapShadow } from './shadow.tables.js';

/** How far a rebuild is: events applied, and the share of the log looked through that the live projection has behind it, from 0 to 1. */
export type RebuildProgress = Readonly<{ events: number; share: number }>;

type Runtime = Readonly<{ database: Postgres; store: EventStore }>;

/** Shorter than the second after which Postgres looks for deadlocks, so that never a reader but always the swap gives way. */
const LOCK_TIMEOUT = 500;
const SWAP_ATTEMPTS = 60;
const PAUSE = 500;

/** Whether the swap only met readers that did not let go of the tables in time, or a deadlock with them. */
const isInTheWay = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01');

const livePosition = async (sql: Sql, name: string, lock: '' | 'for update'): Promise<Position | null> => {
  const [row] = await sql.query<{ position: string | null }>(`select position from checkpoint where name = $1 ${lock}`, [name]);
  return row === undefined || row.position === null ? null : BigInt(row.position);
};

/** The last item's place; null when there is none. */
const lastOf = <E extends Message>(items: readonly Followed<E>[]): Position | null => items.at(-1)?.position ?? null;

/** How far the log was looked through, and the last event of it that was applied. */
type Reached = Readonly<{ position: Position | null; applied: Position | null }>;

const laterOf = (a: Position | null, b: Position | null): Position | null => (a === null || (b !== null && b > a) ? b : a);

/** No query reads the tables beside: what they are given commits whole. */
const never = (): boolean => false;

/** Everything up to where the live projection is, into the tables beside. Answers how far that is. */
const catchUp = async <E extends Message>(
  { database, store }: Runtime,
  projection: Projection<E>,
  shadow: Shadow,
  report: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<Reached> => {
  let position: Position | null = null;
  let applied: Position | null = null;
  let events = 0;
  const inShadow = (work: (sql: Sql, isOver: IsOver) => Promise<number>): Promise<number> =>
    database.transaction(async (sql) => {
      await sql.query('set local synchronous_commit = off');
      await enterShadow(sql, shadow);
      return work(sql, never);
    });
  for await (const batch of stepsOf(store, projection, null, signal)) {
    if (batch.items.length > 0) await applyStep(projection, batch.items, inShadow);
    events += batch.items.length;
    position = batch.position;
    applied = lastOf(batch.items) ?? applied;
    const goal = await livePosition(database, projection.name, '');
    report({ events, share: goal === null || goal <= 0n ? 1 : Math.min(Number(position ?? 0n) / Number(goal), 1) });
    // Where events never cease, a reader may not meet the end of the log; to have met the live projection is enough.
    if (batch.live || (goal !== null && position !== null && position >= goal)) return { position, applied };
  }
  throw new Error('the rebuild was stopped');
};

/**
 * One transaction: stops the live projection by the lock of its checkpoint, brings the tables beside to exactly where it is, and swaps. The
 * live projection goes on from its own checkpoint, in the new tables, and has noticed nothing but a pause.
 */
const changePlaces = async <E extends Message>(
  { database, store }: Runtime,
  projection: Projection<E>,
  shadow: Shadow,
  reached: Reached,
  signal: AbortSignal,
): Promise<void> =>
  database.transaction(async (sql) => {
    await sql.query(`set local lock_timeout = ${LOCK_TIMEOUT}`);
    const live = await livePosition(sql, projection.name, 'for update');
    await enterShadow(sql, shadow);
    let { position, applied } = reached;
    for await (const batch of stepsOf(store, projection, position, signal)) {
      // What the live tables may have applied.
      const part = live === null ? batch.items : batch.items.filter((item) => item.position <= live);
      await applySeparately(sql, projection, part);
      position = lastOf(part) ?? position;
      applied = lastOf(part) ?? applied;
      // Past the live checkpoint, or at the end of the log: everything the live tables hold has been seen.
      if (batch.live || (live !== null && batch.position !== null && batch.position >= live)) break;
    }
    signal.throwIfAborted();
    await sql.query(`set local search_path to ${shadow.home}`);
    await meanRows(sql, projection.meaning);
    await swapShadow(sql, shadow);
    // Of what came to stand elsewhere by a new meaning the changes tell nothing, nor of a superseded generation in a log that was scavenged:
    // cursors from before the swap may not go on.
    await sql.query(
      `update checkpoint set position = $2, applied = greatest(applied, $3), meaning = $4,
         begun_at = case when meaning <> $4 or exists (select 1 from log_scavenge) then clock_timestamp() else begun_at end
       where name = $1`,
      [projection.name, laterOf(live, position), applied, projection.meaning],
    );
  });

const swapPatiently = async (swap: () => Promise<void>, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt += 1)
    try {
      await swap();
      return;
    } catch (error) {
      if (!isInTheWay(error) || attempt === SWAP_ATTEMPTS) throw error;
      await sleep(PAUSE, undefined, { signal });
    }
};

const alone = async <T>(session: Session, name: string, work: () => Promise<T>): Promise<T> => {
  const [lock] = await session.query<{ held: boolean }>(`select pg_try_advisory_lock(hashtext('rebuild'), hashtext($1)) as held`, [name]);
  if (lock?.held !== true) throw new BeingRebuilt(`${name} is being rebuilt by another process`);
  try {
    return await work();
  } finally {
    await session.query(`select pg_advisory_unlock(hashtext('rebuild'), hashtext($1))`, [name]).catch(() => undefined);
  }
};

/**
 * Builds a projection's tables from the first event beside the live ones, which go on answering and being written, and swaps them in one
 * transaction. A death at any moment leaves the live tables as they are; the next attempt starts from zero. Answers how many events were applied.
 */
export const rebuildProjection = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  report: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { database } = runtime;
  const session = await database.session();
  try {
    await alone(session, projection.name, async () => {
      if ((await meaningOf(session, projection)) === 'newer') throw new NewerMeaning(projection.name);
      const shadow = await database.transaction((sql) => makeShadow(sql, projection.name, projection.tables));
      try {
        const reached = await catchUp(runtime, projection, shadow, report, signal);
        await measureShadow(database, shadow);
        await swapPatiently(() => changePlaces(runtime, projection, shadow, reached, signal), signal);
      } catch (error) {
        await discardShadow(database, shadow).catch(() => undefined);
        throw error;
      }
    });
  } finally {
    await session.release().catch(() => undefined);
  }
};
