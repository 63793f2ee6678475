import { setTimeout as sleep } from 'node:timers/promises';
import { type ReadModels } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';

const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 40;

/** Looks at the checkpoints until they have reached a position. */
export const readModels = (sql: Sql): ReadModels => ({
  reached: async (names, position, milliseconds) => {
    const deadline = performance.now() + milliseconds;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const [row] = await sql.query<{ behind: string }>(
        'select count(*) as behind from unnest($1::text[]) as wanted(name) left join checkpoint using (name) where position is null or position < $2',
        [names, position],
      );
      if (row?.behind === '0') return true;
      if (performance.now() > deadline) return false;
      await sleep(pause);
    }
  },
});
