import { type Trouble } from './failure-policy.js';

/** Thrown when the worker's claim is no longer its own: the row was taken over, revoked or deleted. What it was doing is to be dropped. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** A worker's hold on one due row. */
export type Lease = Readonly<{
  /** Grows with every claim; every write that ends the work names it. */
  epoch: bigint;
  /** Throws `Superseded` when the row has been claimed, revoked or deleted since. */
  permit: () => Promise<void>;
  /** Aborted when the lease is found lost, or the process is stopping. */
  signal: AbortSignal;
}>;

/** Runs one claimed row. It must set the row's next `due_at` itself, naming the epoch; a throw is logged and tried again after a pause. */
export type DueTask<Row> = (row: Row, lease: Lease) => Promise<void>;

/**
 * Rows that are slow together, so many of whose group (`widthOf`) are worked at by one process at the same time, however many of it are due. `member`: the
 * column by which it is remembered what group a row is in; `named`: the column that holds the group itself, for some rows. `exempt`: a
 * condition on rows that are not counted; `groupOf` answers null for them, and for any other row that stands for itself.
 */
export type Crowds<Row> = Readonly<{
  member: string;
  named: string;
  widthOf: (group: string) => number;
  exempt: string;
  groupOf: (row: Row) => Promise<string | null>;
}>;

/**
 * A table whose rows are work: `due_at`, `wake`, `epoch`, `claimed_until`, `claimed_by`, `unforeseen`, `crashes`, `set_aside`, `failed_in` and a
 * key. Its name doubles as the channel of hints.
 */
export type Queue<Row> = Readonly<{
  table: 'sync_state' | 'watch_state' | 'connection_state' | 'clean_up' | 'placement';
  key: string;
  order: string;
  concurrency: number;
  task: DueTask<Row>;
  crowds?: Crowds<Row>;
  /** Milliseconds after which a worker that got no hint looks again. */
  idle?: number;
  /** The column that holds whose row it is, of rows of which one person may have any number: half of the places are theirs at most, not counting lasting rows. */
  person?: 'user_id';
  /** The column that holds whose account a row is read from, of which so many rows are worked at at once, by all processes together. */
  account?: Readonly<{ column: 'connection_id' | 'provider'; most: number }>;
  /** Whether a row's work may never be left undone: it backs off and goes on, is not set aside, and waits for no place of its person. */
  isLasting?: (row: Row) => boolean;
  /** Is told of a row that people are to be told of, each time it has failed or crashed; repeatable. */
  onTrouble?: (id: unknown, trouble: Trouble) => Promise<void>;
}>;
