import { type Message } from './decider.js';
import { type EventFamily, type EventStore, type Position, type RawEvent, type Recorded } from './event-store.js';
import { type Sql } from './sql.js';

/** Something that has a place in the source it comes from. */
export type Placed = Readonly<{ position: Position }>;

/**
 * What a source brings next: items in the source's order, as many as were waiting (none when only the position moved), and how far the source has been
 * looked through (null: nowhere yet). `live`: the end of the source has been reached once since it was opened.
 */
export type Batch<T extends Placed> = Readonly<{ items: readonly T[]; position: Position | null; live: boolean }>;

/** Everything after a position (null: from the beginning), then live, until aborted. Items of one position never come in two batches. */
export type Source<T extends Placed> = (after: Position | null, signal: AbortSignal) => AsyncIterable<Batch<T>>;

/** Whether the follower has worked long enough to commit what it has done. */
export type IsOver = () => boolean;

/**
 * Commits the checkpoint together with the rows that `work` writes. `work` answers how many of the items it did, from the first on; the
 * checkpoint is then at the last of them. Throws, and commits nothing, when another process has moved the checkpoint.
 */
export type Commit = (work: (sql: Sql, isOver: IsOver) => Promise<number>) => Promise<number>;

export type Means = Readonly<{ commit: Commit; isOver: IsOver; signal: AbortSignal }>;

/**
 * A reader of a source that goes on where it stopped, also in another process: one process at a time reads, under a lock, and the checkpoint says how
 * far it is.
 */
export type Follower<T extends Placed> = Readonly<{
  /** Of its checkpoint and lock: permanent, and no other follower's. */
  name: string;
  /** The noun that logs call it by. */
  kind: 'projection' | 'relay';
  /** What its rows mean (`Projection`); 1 for a follower that has no rows. */
  meaning: number;
  source: Source<T>;
  /**
   * Does what some items ask for, from the first on, and commits it. Answers how many it did: at least one, and not all of them when `isOver` became
   * true between two; it is handed the others again.
   */
  handle: (items: readonly T[], means: Means) => Promise<number>;
}>;

/**
 * For a follower that hands items to another system: the checkpoint moves after the other system has acknowledged them. A crash in between
 * delivers the same items again and loses none, so that receivers recognise repeated ones. `deliver` answers how many items, from the first on,
 * were acknowledged.
 */
export const acknowledged =
  <T extends Placed>(deliver: (items: readonly T[], isOver: IsOver, signal: AbortSignal) => Promise<number>): Follower<T>['handle'] =>
  async (items, { commit, isOver, signal }) => {
    const count = await deliver(items, isOver, signal);
    return commit(() => Promise.resolve(count));
  };

/** The log as some families of streams are read: decoded, nothing skipped (`EventStore.follow`). */
export const decodedLog = <E extends Message>(
  store: Pick<EventStore, 'follow'>,
  families: readonly EventFamily<E>[],
): Source<Recorded<E>> =>
  async function* (after, signal) {
    for await (const { events, ...batch } of store.follow(families, after, signal)) yield { ...batch, items: events };
  };

/** The whole log as it is stored (`EventStore.followRaw`). */
export const rawLog = (store: Pick<EventStore, 'followRaw'>): Source<RawEvent> =>
  async function* (after, signal) {
    for await (const { events, ...batch } of store.followRaw(after, signal)) yield { ...batch, items: events };
  };
