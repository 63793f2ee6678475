import { type Message } from '../../kernel/decider.js';
import { type EventStore, type Position } from '../../kernel/event-store.js';
import { type Projection } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';
import { type Session } from './database.postgres.js';
import { isAnotherLog } from './log-name.postgres.js';
import { isLost } from './lost-events.postgres.js';
import { OlderLog, Superseded } from './projection.failure.js';
import { type Step } from './set-aside.postgres.js';

type Definition = Pick<Projection<Message>, 'name' | 'meaning' | 'tables'>;

const bigintOf = (text: string | null | undefined): bigint | null => (text === null || text === undefined ? null : BigInt(text));

/** Until its end the transaction may move checkpoints of rows of this meaning; a program that does not say its meaning may move none but the first. */
export const meanRows = async (sql: Sql, meaning: number): Promise<void> => {
  await sql.query(`select set_config('calendar.meaning', $1, true)`, [String(meaning)]);
};

/** Where to go on. What was looked through and is there no more held nothing for this projection: its place will be taken by what comes. */
export const readCheckpoint = async (store: EventStore, session: Session, { name, meaning }: Definition): Promise<Position | null> => {
  const [row] = await session.query<{ position: string | null; applied: string | null }>(
    'select position, applied from checkpoint where name = $1',
    [name],
  );
  const [position, applied] = [bigintOf(row?.position), bigintOf(row?.applied)];
  if (position === null && applied === null) return null;
  const head = (await store.head())?.position ?? null;
  if (isLost(applied, head)) throw new OlderLog(`the log ends before position ${applied}`);
  if (await isAnotherLog(session, store)) throw new OlderLog('the log is not the one that was applied');
  if (!isLost(position, head)) return position;
  await session.transaction(async (sql) => {
    await meanRows(sql, meaning);
    await sql.query('update checkpoint set position = applied where name = $1 and position = $2', [name, position]);
  });
  return applied;
};

/** Whether rows mean what the program means by them: `older` rows are to be built again, `newer` ones left to newer programs. */
export type Meaning = 'same' | 'older' | 'newer';

/** Compares the meaning of the rows with the program's. Where nothing was applied yet, or nothing can be built again, the program's is taken. */
export const meaningOf = async (sql: Sql, { name, meaning, tables }: Definition): Promise<Meaning> => {
  await sql.query('insert into checkpoint (name, position, meaning) values ($1, null, $2) on conflict do nothing', [name, meaning]);
  await sql.query('update checkpoint set meaning = $2 where name = $1 and meaning < $2 and ($3 or coalesce(position, applied) is null)', [
    name,
    meaning,
    tables.length === 0,
  ]);
  const [row] = await sql.query<{ meaning: number }>('select meaning from checkpoint where name = $1', [name]);
  const found = row?.meaning ?? meaning;
  return found === meaning ? 'same' : found < meaning ? 'older' : 'newer';
};

/** Moves the checkpoint from where this runner last saw it; answers null when it is not there any more, in rows of its meaning. */
const moveCheckpoint = async (
  sql: Sql,
  { name, meaning }: Definition,
  from: Position | null,
  to: Readonly<{ position: Position | null; applied: Position | null }>,
): Promise<Readonly<{ some: boolean }> | null> => {
  const [moved] = await sql.query<{ some: boolean }>(
    `update checkpoint set position = $3, applied = coalesce($4, applied), moved_at = clock_timestamp()
     where name = $1 and position is not distinct from $2 and meaning = $5
     returning exists (select 1 from set_aside where projection = $1) as some`,
    [name, from, to.position, to.applied, meaning],
  );
  return moved ?? null;
};

/**
 * Rows and checkpoint commit together, and only from the position this runner last saw, in rows of its meaning: a crash neither repeats nor
 * skips an event. `work` is told whether any calendar is aside, and answers how many of the step's events it applied: the checkpoint is at the
 * last of them.
 */
export const commit = <E extends Message>(
  session: Session,
  projection: Projection<E>,
  step: Step<E>,
  previous: Position | null,
  work: (sql: Sql, some: boolean) => Promise<number>,
): Promise<void> =>
  session.transaction(async (sql) => {
    // Rows and checkpoint go together, and what a crash of the server takes back is applied again from the log.
    await sql.query(`select set_config('synchronous_commit', 'off', true), set_config('calendar.meaning', $1, true)`, [
      String(projection.meaning),
    ]);
    const { position, events, unreadable } = step;
    const moved = await moveCheckpoint(sql, projection, previous, {
      position,
      applied: unreadable?.position ?? events.at(-1)?.position ?? null,
    });
    if (moved === null) throw new Superseded(projection.name);
    const applied = await work(sql, moved.some);
    const last = applied < events.length ? events[applied - 1]?.position : undefined;
    if (last === undefined) return;
    const back = 'update checkpoint set position = $2, applied = $2 where name = $1';
    await sql.query(back, [projection.name, last]);
  });
