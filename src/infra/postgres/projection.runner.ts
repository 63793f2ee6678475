import { type Message } from '../../kernel/decider.js';
import { type Follower } from '../../kernel/follower.js';
import { type Log } from '../../kernel/log.js';
import { type Projection } from '../../kernel/projection.js';
import { type Session } from './database.postgres.js';
import { meaningOf } from './follower.checkpoint.js';
import { NewerMeaning } from './follower.failure.js';
import { type Following, type FollowerRuntime, followUnderLock, keepTrying, notFollowing, PAUSES } from './follower.runner.js';
import { applyStep, type Followed, stepsOf } from './projection.apply.js';
import { rebuildProjection } from './projection.rebuild.js';
import { askForGenerations } from './set-aside.postgres.js';

/** How a projection stands, for health and metrics. */
export type Progress = Following & {
  /** The share of the log from which its rows have been built again, from 0 to 1; null while they are not. */
  rebuilt: number | null;
  /** Its rows are those of a newer version of the service, which runs elsewhere. */
  outdated: boolean;
};

/** How a projection stands that has not been started. */
export const unstarted = (name: string): Progress => ({ ...notFollowing(name), rebuilt: null, outdated: false });

/** A projection as a follower: its rows and its checkpoint commit together. */
const followerOf = <E extends Message>(
  { store, log }: FollowerRuntime,
  projection: Projection<E>,
  session: Session,
): Follower<Followed<E>> => ({
  name: projection.name,
  kind: 'projection',
  meaning: projection.meaning,
  source: (after, signal) => stepsOf(store, projection, after, signal),
  handle: async (items, { commit }) => {
    const { count, aside } = await applyStep(projection, items, commit);
    if (aside) await askAgain(log, projection.name, session);
    return count;
  },
});

const askAgain = async (log: Log, projection: string, session: Session): Promise<void> => {
  log.error('a projection could not apply an event of a calendar, which it has set aside', undefined, { projection });
  await askForGenerations(session);
};

/** Builds rows of an older meaning again, while they are read, and a program that knows it may go on writing them. */
const renew = async <E extends Message>(
  runtime: FollowerRuntime,
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

/** Answers whether it ran; another process does when it did not. */
const attempt = async <E extends Message>(
  runtime: FollowerRuntime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> => {
  if ((await meaningOf(runtime.database, projection)) === 'older') await renew(runtime, projection, progress, signal);
  const session = await runtime.database.session();
  try {
    progress.outdated = (await meaningOf(session, projection)) === 'newer';
    const admit = (): void => {
      if (progress.outdated) throw new NewerMeaning(projection.name);
    };
    return await followUnderLock(runtime, followerOf(runtime, projection, session), { session, admit }, progress, signal);
  } finally {
    await session.release().catch(() => undefined);
  }
};

/**
 * Keeps one projection going until aborted. One process per name writes, the one that holds its lock; the others stand by. It never goes on past an event
 * it could not apply, other than by setting the calendar aside that the event belongs to.
 */
export const runProjection = <E extends Message>(
  runtime: FollowerRuntime,
  projection: Projection<E>,
  progress: Progress,
  signal: AbortSignal,
  pauses = PAUSES,
): Promise<void> =>
  keepTrying(runtime.log, { kind: 'projection', progress, pauses, attempt: () => attempt(runtime, projection, progress, signal) }, signal);
