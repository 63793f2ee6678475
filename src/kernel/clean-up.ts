import { instant } from './clock.js';
import { type Lease } from './due-work.js';
import { type Database } from './sql.js';

/** Something that may be kept only so long. Any process may run it, and it may die in the middle: removing is always repeatable. */
export type CleanUp = Readonly<{
  /** Permanent and plural (`occurrences`): the key of its due row, and the label its removals are counted under. */
  name: string;
  /** Milliseconds between two runs. */
  every: number;
  /** Removes what has outlived its time at `now`; answers how much that was. Asks `lease.permit()` between its steps. */
  remove: (now: number, lease: Lease) => Promise<number>;
}>;

type Deletion = Readonly<{
  name: string;
  every: number;
  /** What is older than this instant goes; both in milliseconds since the epoch. */
  keepFrom: (now: number) => number;
  /** Deletes at most `$2` rows that are older than `$1`, and returns a row for each. */
  statement: string;
  /** Whose rows they are: nothing is deleted while that projection commits, so that neither sees half of what the other does. */
  projection: string | null;
}>;

/** Rows per transaction: what waits for it, waits a fraction of a second. */
export const CLEAN_UP_BATCH = 5_000;

/** Waits until the named projection has committed, and keeps it from committing until this transaction ends. */
export const HOLD_PROJECTION = 'select 1 from checkpoint where name = $1 for update';

/** The usual clean-up: one statement, batch by batch. */
export const deletion = (database: Database, { name, every, keepFrom, statement, projection }: Deletion): CleanUp => ({
  name,
  every,
  remove: async (now, lease) => {
    for (let total = 0; ;) {
      await lease.permit();
      const removed = await database.transaction(async (sql) => {
        if (projection !== null) await sql.query(HOLD_PROJECTION, [projection]);
        return sql.query(statement, [instant(keepFrom(now)), CLEAN_UP_BATCH]);
      });
      total += removed.length;
      if (removed.length < CLEAN_UP_BATCH) return total;
    }
  },
});
