import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from '../../kernel/decider.js';
import { type EventStore, UnknownEvent } from '../../kernel/event-store.js';
import { type Log } from '../../kernel/log.js';
import { OlderProgram, type Projection } from '../../kernel/projection.js';
import { type Postgres, type Session } from './database.postgres.js';
import { commit, type Meaning, meaningOf, readCheckpoint } from './projection.checkpoint.js';
import { BeingRebuilt, type Failure, failureOf, NewerMeaning } from './projection.failure.js';
import { rebuildProjection } from './projection.rebuild.js';
import { applyStep, askForGenerations, type Step, stepsOf } from './set-aside.postgres.js';

/** How a projection stands, for health and metrics. `failure`: what stopped it, until it moves again or another process runs it. */
export type Progress = {
  name: string;
  running: boolean;
  live: boolean;
  position: bigint | null;
  failure: Failure | null;
  /** The share of the log from which its rows have been built again, from 0 to 1; null while they are not. */
  rebuilt: number | null;
  /** Its rows are those of a newer version of the service, which runs elsewhere. */
  outdated: boolean;
};

/** How a projection stands that has not been started. */
export const unstarted = (name: string): Progress => ({
  name,
  running: false,
  live: false,
  position: null,
  failure: null,
  rebuilt: null,
  outdated: false,
});

/** Milliseconds until a projection is tried again: while another process runs it, after a failure, and where only a newer program can go on. */
export type Pauses = Readonly<{ standingBy: number; failed: number; unknown: number }>;

type Runtime = Readonly<{ database: Postgres; store: EventStore; log: Log }>;

export const PAUSES: Pauses = { standingBy: 1_000, failed: 1_000, unknown: 30_000 };

/** A commit ends after so many milliseconds of work, between two events: what reads or places beside it waits no longer. */
const LONGEST_COMMIT = 250;

/** Applies a step, in as many commits as it takes. Answers whether a calendar had to be set aside. */
const applyInParts = async <E extends Message>(
  session: Session,
  projection: Projection<E>,
  step: Step<E>,
  progress: Progress,
): Promise<boolean> => {
  for (let rest = step; ;) {
    const [before, began] = [progress.position, performance.now()];
    const isOver = (): boolean => performance.now() - began > LONGEST_COMMIT;
    const { events, aside } = await applyStep(projection, rest, (work) => commit(session, projection, rest, before, work), isOver);
    const isDone = events === rest.events.length;
    progress.position = isDone ? rest.position : (rest.events[events - 1]?.position ?? before);
    if (isDone) return aside;
    rest = { ...rest, events: rest.events.slice(events) };
  }
};

const runUnderLock = async <E extends Message>(
  { store, log }: Runtime,
  projection: Projection<E>,
  session: Session,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> => {
  Object.assign(progress, { running: true, position: await readCheckpoint(store, session, projection) });
  for await (const step of stepsOf(store, projection, progress.position, signal)) {
    if (step.position !== null && step.position !== progress.position && (await applyInParts(session, projection, step, progress))) {
      log.error('a projection could not apply an event of a calendar, which it has set aside', undefined, { projection: projection.name });
      await askForGenerations(session);
    }
    if (step.live && !progress.live) log.info('a projection is live', { projection: projection.name });
    Object.assign(progress, { live: step.live, failure: null });
  }
};

/** Builds rows of an older meaning again, while they are read, and a program that knows it may go on writing them. */
const renew = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> => {
  const { name, meaning } = projection;
  runtime.log.info('a projection is built again, because its rows have come to mean something else', { projection: name, meaning });
  progress.rebuilt = 0;
  try {
    await rebuildProjection(runtime, projection, ({ share }) => Object.assign(progress, { rebuilt: share, failure: null }), signal);
    runtime.log.info('a projection has been built again', { projection: name, meaning });
  } finally {
    progress.rebuilt = null;
  }
};

const lockAndRun = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  { session, meaning }: Readonly<{ session: Session; meaning: Meaning }>,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> => {
  const [lock] = await session.query<{ held: boolean }>(`select pg_try_advisory_lock(hashtext('projection'), hashtext($1)) as held`, [
    projection.name,
  ]);
  if (lock?.held !== true) return false;
  try {
    if (meaning === 'newer') throw new NewerMeaning(projection.name);
    await runUnderLock(runtime, projection, session, progress, signal);
  } finally {
    await session.query(`select pg_advisory_unlock(hashtext('projection'), hashtext($1))`, [projection.name]).catch(() => undefined);
  }
  return true;
};

/** Answers whether it ran; another process does when it did not. */
const attempt = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> => {
  if ((await meaningOf(runtime.database, projection)) === 'older') await renew(runtime, projection, progress, signal);
  const session = await runtime.database.session();
  try {
    const meaning = await meaningOf(session, projection);
    progress.outdated = meaning === 'newer';
    return await lockAndRun(runtime, projection, { session, meaning }, progress, signal);
  } finally {
    await session.release().catch(() => undefined);
  }
};

/**
 * Keeps one projection going until aborted. One runner per name writes, whoever holds its lock; the others stand by. A failure stops it where
 * it is, shows in `progress`, and is tried again from the last commit: it never goes on past an event it could not apply, other than by setting
 * the calendar aside that the event belongs to. At an event it does not know it lets its lock go for a while, so that a newer program may take it.
 */
export const runProjection = async <E extends Message>(
  runtime: Runtime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
  pauses = PAUSES,
): Promise<void> => {
  const aborted = (): boolean => signal.aborted;
  while (!aborted()) {
    let pause = pauses.standingBy;
    try {
      const ran = await attempt(runtime, projection, progress, signal);
      if (!ran) progress.failure = null;
    } catch (error) {
      if (error instanceof BeingRebuilt) progress.failure = null;
      else if (!aborted()) {
        pause = error instanceof UnknownEvent || error instanceof OlderProgram ? pauses.unknown : pauses.failed;
        progress.failure = failureOf(error);
        runtime.log.error('a projection stopped and is tried again from its last commit', error, { projection: projection.name });
      }
    }
    Object.assign(progress, { running: false, live: false });
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};
