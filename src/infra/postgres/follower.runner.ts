import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStore, UnknownEvent } from '../../kernel/event-store.js';
import { type Batch, type Follower, type IsOver, type Placed } from '../../kernel/follower.js';
import { type Log } from '../../kernel/log.js';
import { OlderProgram } from '../../kernel/projection.js';
import { type Postgres, type Session } from './database.postgres.js';
import { commitTo, makeCheckpoint, readCheckpoint } from './follower.checkpoint.js';
import { BeingRebuilt, type Failure, failureOf } from './follower.failure.js';

/** How a follower stands, for health and metrics. `failure`: what stopped it, until it moves again or another process runs it. */
export type Following = {
  name: string;
  running: boolean;
  live: boolean;
  position: bigint | null;
  failure: Failure | null;
};

/** How a follower stands that has not been started. */
export const notFollowing = (name: string): Following => ({ name, running: false, live: false, position: null, failure: null });

/** Milliseconds until a follower is tried again: while another process runs it, after a failure, and where only a newer program can go on. */
export type Pauses = Readonly<{ standingBy: number; failed: number; unknown: number }>;

export const PAUSES: Pauses = { standingBy: 1_000, failed: 1_000, unknown: 30_000 };

export type FollowerRuntime = Readonly<{ database: Postgres; store: EventStore; log: Log }>;

/** A commit ends after so many milliseconds of work, between two items: what reads or writes beside it waits no longer. */
const LONGEST_COMMIT = 250;

const timer = (): IsOver => {
  const began = performance.now();
  return () => performance.now() - began > LONGEST_COMMIT;
};

/** Has a batch handled, in as many commits as it takes. */
const takeInParts = async <T extends Placed>(
  session: Session,
  follower: Follower<T>,
  batch: Batch<T>,
  progress: Following,
  signal: AbortSignal,
): Promise<void> => {
  if (batch.items.length === 0) {
    await commitTo(session, follower, progress.position, batch, timer)(() => Promise.resolve(0));
    progress.position = batch.position;
    return;
  }
  for (let rest = batch; rest.items.length > 0 && !signal.aborted;) {
    const commit = commitTo(session, follower, progress.position, rest, timer);
    const done = await follower.handle(rest.items, { commit, isOver: timer(), signal });
    if (done < 1) throw new Error(`${follower.name} handled nothing of what it was given`);
    const isDone = done >= rest.items.length;
    progress.position = isDone ? batch.position : (rest.items[done - 1]?.position ?? progress.position);
    rest = { ...rest, items: rest.items.slice(done) };
  }
};

const followOn = async <T extends Placed>(
  { store, log }: FollowerRuntime,
  follower: Follower<T>,
  session: Session,
  progress: Following,
  signal: AbortSignal,
): Promise<void> => {
  const { kind, name } = follower;
  Object.assign(progress, { running: true, position: await readCheckpoint(store, session, follower) });
  for await (const batch of follower.source(progress.position, signal)) {
    if (batch.position !== null && batch.position !== progress.position) await takeInParts(session, follower, batch, progress, signal);
    if (batch.live && !progress.live) log.info(`a ${kind} is live`, { [kind]: name });
    Object.assign(progress, { live: batch.live, failure: null });
  }
};

/**
 * Follows while this session holds the follower's lock, until aborted. Answers false, and has done nothing, when another process holds it. `admit`: throws
 * when this program may not go on although it has the lock.
 */
export const followUnderLock = async <T extends Placed>(
  runtime: FollowerRuntime,
  follower: Follower<T>,
  { session, admit }: Readonly<{ session: Session; admit: () => void }>,
  progress: Following,
  signal: AbortSignal,
): Promise<boolean> => {
  // The first part of the lock is permanent, because processes of an earlier version hold it too.
  const [lock] = await session.query<{ held: boolean }>(`select pg_try_advisory_lock(hashtext('projection'), hashtext($1)) as held`, [
    follower.name,
  ]);
  if (lock?.held !== true) return false;
  try {
    admit();
    await followOn(runtime, follower, session, progress, signal);
  } finally {
    await session.query(`select pg_advisory_unlock(hashtext('projection'), hashtext($1))`, [follower.name]).catch(() => undefined);
  }
  return true;
};

/** What is tried again and again: `attempt` answers whether it ran; another process does when it did not. */
export type Attempts = Readonly<{
  kind: Follower<Placed>['kind'];
  progress: Following;
  pauses: Pauses;
  attempt: () => Promise<boolean>;
}>;

/**
 * Keeps a follower going until aborted. A failure stops it where it is, shows in `progress`, and is tried again from the last commit. At an event it does
 * not know it leaves its lock free for a while, so that a newer program may take it.
 */
export const keepTrying = async (log: Log, { kind, progress, pauses, attempt }: Attempts, signal: AbortSignal): Promise<void> => {
  const aborted = (): boolean => signal.aborted;
  while (!aborted()) {
    let pause = pauses.standingBy;
    try {
      const ran = await attempt();
      if (!ran) progress.failure = null;
    } catch (error) {
      if (error instanceof BeingRebuilt) progress.failure = null;
      else if (!aborted()) {
        pause = error instanceof UnknownEvent || error instanceof OlderProgram ? pauses.unknown : pauses.failed;
        progress.failure = failureOf(error);
        log.error(`a ${kind} stopped and is tried again from its last commit`, error, { [kind]: progress.name });
      }
    }
    Object.assign(progress, { running: false, live: false });
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};

const admitted = (): void => undefined;

/** Keeps one follower going until aborted. One process per name reads, the one that holds its lock; the others stand by. */
export const runFollower = <T extends Placed>(
  runtime: FollowerRuntime,
  follower: Follower<T>,
  progress: Following,
  signal: AbortSignal,
  pauses = PAUSES,
): Promise<void> => {
  const attempt = async (): Promise<boolean> => {
    const session = await runtime.database.session();
    try {
      await makeCheckpoint(session, follower);
      return await followUnderLock(runtime, follower, { session, admit: admitted }, progress, signal);
    } finally {
      await session.release().catch(() => undefined);
    }
  };
  return keepTrying(runtime.log, { kind: follower.kind, progress, pauses, attempt }, signal);
};
