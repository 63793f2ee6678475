import { setTimeout as sleep } from 'node:timers/promises';
import { type ReadModels, type Written } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 40;

const eventually = async (isSo: () => Promise<boolean>, milliseconds: number): Promise<boolean> => {
  const deadline = performance.now() + milliseconds;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
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

/** Looks at the checkpoints, and at what waits to be placed, until they are as wanted. `all`: every read model there is. */
export const readModels = (sql: Sql, all: readonly Follower[]): ReadModels => ({
  reached: async (names, written, milliseconds) => {
    const wanted = all
      .filter(({ name }) => names.includes(name))
      .map((follower) => ({ name: follower.name, position: wantedOf(follower, written) }))
      .filter(({ position }) => position !== null);
    if (wanted.length === 0) return true;
    return eventually(async () => {
      const [row] = await sql.query<{ behind: string }>(
        `select count(*) as behind from unnest($1::text[], $2::bigint[]) as wanted(name, enough) left join checkpoint using (name)
         where position is null or position < enough`,
        [wanted.map(({ name }) => name), wanted.map(({ position }) => position)],
      );
      return row?.behind === '0';
    }, milliseconds);
  },
  placed: (userId, milliseconds) =>
    eventually(async () => (await sql.query('select 1 from placement where user_id = $1 limit 1', [userId])).length === 0, milliseconds),
});
