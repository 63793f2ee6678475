import { setTimeout as sleep } from 'node:timers/promises';
import { type ReadModels } from '../../kernel/projection.js';
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

/** Looks at the checkpoints, and at what waits to be placed, until they are as wanted. */
export const readModels = (sql: Sql): ReadModels => ({
  reached: (names, position, milliseconds) =>
    eventually(async () => {
      const [row] = await sql.query<{ behind: string }>(
        'select count(*) as behind from unnest($1::text[]) as wanted(name) left join checkpoint using (name) where position is null or position < $2',
        [names, position],
      );
      return row?.behind === '0';
    }, milliseconds),
  placed: (userId, milliseconds) =>
    eventually(async () => (await sql.query('select 1 from placement where user_id = $1 limit 1', [userId])).length === 0, milliseconds),
});
