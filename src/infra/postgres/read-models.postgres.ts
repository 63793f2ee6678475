import { setTimeout as sleep } from 'node:timers/promises';
import { type Position } from '../../kernel/event-store.js';
import { type ReadModels, type Written } from '../../kernel/projection.js';
import { sharedAnswer } from '../../kernel/shared-answer.js';
import { type Sql } from '../../kernel/sql.js';

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 40;
/** So that at most half as long as it took is waited too long. */
const LONGER = 1.5;

/** What has to be placed for a person takes longer than what is read in a moment. */
const LONGEST_PAUSE_FOR_PLACING = 320;

/** How long all who wait take one look at the checkpoints for theirs, in milliseconds: any number of them cost no more than one. */
const SHARED = 15;

const eventually = async (isSo: () => Promise<boolean>, milliseconds: number, longest = LONGEST_PAUSE): Promise<boolean> => {
  const deadline = performance.now() + milliseconds;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * LONGER, longest)) {
    if (await isSo()) return true;
    if (performance.now() > deadline) return false;
    await sleep(pause);
  }
};

/** What of a read model says whether it has to do with what was written. */
type Follower = Readonly<{ name: string; families: readonly Readonly<{ category: string }>[] }>;

const later = (a: bigint | null, b: bigint | null): bigint | null => (a === null || (b !== null && b > a) ? b : a);

/** How far a read model must be to show what was written; null when none of it is its business. */
const wantedOf = ({ families }: Follower, written: Written): bigint | null =>
  families.reduce<bigint | null>((wanted, { category }) => later(wanted, written[category] ?? null), null);

/** How far a read model is; null before anything of it. */
export const reached = async (sql: Sql, name: string): Promise<Position | null> => {
  const [row] = await sql.query<{ position: string | null }>('select position from checkpoint where name = $1', [name]);
  return row === undefined || row.position === null ? null : BigInt(row.position);
};

type Checkpoints = ReadonlyMap<string, Position | null>;

const checkpointsOf = async (sql: Sql): Promise<Checkpoints> => {
  const rows = await sql.query<{ name: string; position: string | null }>('select name, position from checkpoint');
  return new Map(rows.map(({ name, position }) => [name, position === null ? null : BigInt(position)]));
};

/** Looks at the checkpoints, and at what waits to be placed, until they are as wanted. `all`: every read model there is. */
export const readModels = (sql: Sql, all: readonly Follower[]): ReadModels => {
  const look = sharedAnswer(
    SHARED,
    () => performance.now(),
    () => checkpointsOf(sql),
  );
  return {
    reached: async (names, written, milliseconds) => {
      const wanted = all
        .filter(({ name }) => names.includes(name))
        .map((follower) => ({ name: follower.name, position: wantedOf(follower, written) }));
      if (wanted.every(({ position }) => position === null)) return true;
      return eventually(async () => {
        const checkpoints = await look();
        return wanted.every(({ name, position }) => position === null || (checkpoints.get(name) ?? -1n) >= position);
      }, milliseconds);
    },
    placed: (userId, milliseconds) =>
      eventually(
        async () => (await sql.query('select 1 from placement where user_id = $1 limit 1', [userId])).length === 0,
        milliseconds,
        LONGEST_PAUSE_FOR_PLACING,
      ),
  };
};
