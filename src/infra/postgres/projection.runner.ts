import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import { type Batch, type EventStore, UnknownEvent } from '../../kernel/event-store.js';
import { type Log } from '../../kernel/log.js';
import { type Projection } from '../../kernel/projection.js';
import { type Postgres, type Session } from './database.typeorm.js';
import { isAnotherLog } from './log-name.postgres.js';
import { isLost } from './lost-events.postgres.js';
import { type Failure, failureOf, OlderLog, Superseded } from './projection.failure.js';

/** How a projection stands, for health and metrics. `failure`: what stopped it, until it moves again or another process runs it. */
export type Progress = { name: string; running: boolean; live: boolean; position: bigint | null; failure: Failure | null };

/** Milliseconds until a projection is tried again: while another process runs it, after a failure, and where only a newer program can go on. */
export type Pauses = Readonly<{ standingBy: number; failed: number; unknown: number }>;

type Runtime = Readonly<{ database: Postgres; store: EventStore; log: Log }>;

export const PAUSES: Pauses = { standingBy: 1_000, failed: 1_000, unknown: 30_000 };

const bigintOf = (text: string | null | undefined): bigint | null => (text === null || text === undefined ? null : BigInt(text));

/** Where to go on. What was looked through and is there no more held nothing for this projection: its place will be taken by what comes. */
const readCheckpoint = async ({ store }: Runtime, session: Session, name: string): Promise<bigint | null> => {
  await session.query('insert into checkpoint (name, position) values ($1, null) on conflict do nothing', [name]);
  const [row] = await session.query<{ position: string | null; applied: string | null }>(
    'select position, applied from checkpoint where name = $1',
    [name],
  );
  const [position, applied] = [bigintOf(row?.position), bigintOf(row?.applied)];
  if (position === null && applied === null) return null;
  const head = (await store.head())?.position ?? null;
  if (isLost(applied, head)) throw new OlderLog(`the log ends before position ${applied}`);
  if (await isAnotherLog(session, store)) throw new OlderLog('the log is not the one that was applied');
  if (!isLost(position, head)) return position;
  await session.query('update checkpoint set position = applied where name = $1 and position = $2', [name, position]);
  return applied;
};

/** Rows and checkpoint commit together, and only from the position this runner last saw: a crash neither repeats nor skips an event. */
const commit = <E extends Message>(session: Session, projection: Projection<E>, batch: Batch<E>, previous: bigint | null): Promise<void> =>
  session.transaction(async (sql) => {
    // Rows and checkpoint go together, and what a crash of the server takes back is applied again from the log.
    await sql.query('set local synchronous_commit = off');
    const moved = await sql.query(
      `update checkpoint set position = $3, applied = coalesce($4, applied), moved_at = clock_timestamp()
       where name = $1 and position is not distinct from $2 returning 1`,
      [projection.name, previous, batch.position, batch.events.at(-1)?.position ?? null],
    );
    if (moved.length === 0) throw new Superseded(projection.name);
    if (batch.events.length > 0) await projection.apply(sql, batch.events);
  });

const runUnderLock = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  session: Session,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> => {
  const { store, log } = runtime;
  let position = await readCheckpoint(runtime, session, projection.name);
  Object.assign(progress, { running: true, position });
  for await (const batch of store.follow(projection.families, position, signal)) {
    if (batch.position !== null && batch.position !== position) {
      await commit(session, projection, batch, position);
      position = batch.position;
    }
    if (batch.live && !progress.live) log.info('a projection is live', { projection: projection.name });
    Object.assign(progress, { live: batch.live, position, failure: null });
  }
};

const attempt = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> => {
  const session = await runtime.database.session();
  try {
    const [lock] = await session.query<{ held: boolean }>(`select pg_try_advisory_lock(hashtext('projection'), hashtext($1)) as held`, [
      projection.name,
    ]);
    if (lock?.held !== true) return false;
    try {
      await runUnderLock(runtime, projection, session, progress, signal);
    } finally {
      await session.query(`select pg_advisory_unlock(hashtext('projection'), hashtext($1))`, [projection.name]).catch(() => undefined);
    }
    return true;
  } finally {
    await session.release().catch(() => undefined);
  }
};

/**
 * Keeps one projection going until aborted. One runner per name writes, whoever holds its lock; the others stand by. A failure stops it where
 * it is, shows in `progress`, and is tried again from the last commit: it never goes on past an event it could not apply. At an event it does not
 * know it lets its lock go for a while, so that a newer program may take it.
 */
export const runProjection = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
  pauses = PAUSES,
): Promise<void> => {
  while (!signal.aborted) {
    let pause = pauses.standingBy;
    try {
      const ran = await attempt(runtime, projection, progress, signal);
      if (!ran) progress.failure = null;
    } catch (error) {
      pause = error instanceof UnknownEvent ? pauses.unknown : pauses.failed;
      progress.failure = failureOf(error);
      runtime.log.error('a projection stopped and is tried again from its last commit', error, { projection: projection.name });
    }
    Object.assign(progress, { running: false, live: false });
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};
