import { type Pool } from 'pg';
import { timed } from './timing.js';

/** Milliseconds PostgreSQL takes alone for the same rows through its own driver. */
export type Bare = Readonly<{ insert: number; select: number }>;

const PAGE = 500;

const insertAll = async (database: Pool, events: number, batch: number, text: string): Promise<void> => {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < events) {
      const from = next;
      next += batch;
      const positions = Array.from({ length: batch }, (_, index) => from + index + 1);
      await database.query({
        name: 'insert',
        text: 'insert into bare select position, $2, $3, data from unnest($1::bigint[], $4::text[]) as rows(position, data)',
        values: [positions, `note-${from}`, 'Noted.v1', positions.map((number) => JSON.stringify({ number, text }))],
      });
    }
  };
  await Promise.all(Array.from({ length: database.options.max }, work));
};

const selectAll = async (database: Pool): Promise<number> => {
  let count = 0;
  for (let after = '0'; ;) {
    const { rows } = await database.query<{ position: string }>({
      name: 'select',
      text: 'select * from bare where position > $1 order by position limit $2',
      values: [after, PAGE],
    });
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined) return count;
    after = last.position;
  }
};

/** Inserts as many rows in the same batches, committed one by one, and reads them by pages. */
export const measureBare = async (database: Pool, events: number, batch: number, text: string): Promise<Bare> => {
  await database.query('create table bare (position bigint primary key, stream text not null, type text not null, data text not null)');
  const insert = (await timed(() => insertAll(database, events, batch, text))).milliseconds;
  const select = await timed(() => selectAll(database));
  if (select.result !== events) throw new Error(`PostgreSQL gave ${select.result} of ${events} rows.`);
  return { insert, select: select.milliseconds };
};
