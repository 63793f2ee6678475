import { type Message } from '../../kernel/decider.js';
import { type EventStore, type Position } from '../../kernel/event-store.js';
import { type Batch, type Commit, type Follower, type IsOver, type Placed } from '../../kernel/follower.js';
import { type Projection } from '../../kernel/projection.js';
import { type Sql } from '../../kernel/sql.js';
import { type Session } from './database.postgres.js';
import { isAnotherLog } from './log-name.postgres.js';
import { isLost } from './lost-events.postgres.js';
import { OlderLog, CheckpointMoved } from './follower.failure.js';

/** What a checkpoint is kept by. */
type Named = Pick<Follower<Placed>, 'name' | 'meaning'>;

const bigintOf = (text: string | null | undefined): bigint | null => (text === null || text === undefined ? null : BigInt(text));

/** Until its end the transaction may move checkpoints of rows of this meaning; a program that does not say its meaning may move none but the first. */
export const meanRows = async (sql: Sql, meaning: number): Promise<void> => {
  await sql.query(`select set_config('calendar.meaning', $1, true)`, [String(meaning)]);
};

/** Where to go on. What was looked through and is there no more held nothing for this follower: its place will be taken by what comes. */
export const readCheckpoint = async (store: EventStore, session: Session, { name, meaning }: Named): Promise<Position | null> => {
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

/** Makes the checkpoint of a follower that starts for the first time. */
export const makeCheckpoint = async (sql: Sql, { name, meaning }: Named): Promise<void> => {
  await sql.query('insert into checkpoint (name, position, meaning) values ($1, null, $2) on conflict do nothing', [name, meaning]);
};

/** Compares the meaning of the rows with the program's. Where nothing was applied yet, or nothing can be built again, the program's is taken. */
export const meaningOf = async (sql: Sql, projection: Pick<Projection<Message>, 'name' | 'meaning' | 'tables'>): Promise<Meaning> => {
  const { name, meaning, tables } = projection;
  await makeCheckpoint(sql, projection);
  await sql.query('update checkpoint set meaning = $2 where name = $1 and meaning < $2 and ($3 or coalesce(position, applied) is null)', [
    name,
    meaning,
    tables.length === 0,
  ]);
  const [row] = await sql.query<{ meaning: number }>('select meaning from checkpoint where name = $1', [name]);
  const found = row?.meaning ?? meaning;
  return found === meaning ? 'same' : found < meaning ? 'older' : 'newer';
};

/** Moves the checkpoint from where this process last saw it, in rows of its meaning. Throws `CheckpointMoved` when it is not there any more. */
const moveCheckpoint = async (
  sql: Sql,
  { name, meaning }: Named,
  from: Position | null,
  to: Omit<Batch<Placed>, 'live'>,
): Promise<void> => {
  const [moved] = await sql.query(
    `update checkpoint set position = $3, applied = coalesce($4, applied), moved_at = clock_timestamp()
     where name = $1 and position is not distinct from $2 and meaning = $5 returning 1`,
    [name, from, to.position, to.items.at(-1)?.position ?? null, meaning],
  );
  if (moved === undefined) throw new CheckpointMoved(name);
};

/**
 * Rows and checkpoint commit together, and only from the position this process last saw, in rows of its meaning: a crash neither repeats nor
 * skips an item. The checkpoint moves first, because its row lock keeps clean-ups from seeing half of the work. `timer`: begins a piece of work.
 */
export const commitTo =
  <T extends Placed>(session: Session, follower: Named, from: Position | null, batch: Batch<T>, timer: () => IsOver): Commit =>
  (work) =>
    session.transaction(async (sql) => {
      // Rows and checkpoint go together, and what a crash of the server takes back is applied again from the source.
      await sql.query(`select set_config('synchronous_commit', 'off', true), set_config('calendar.meaning', $1, true)`, [
        String(follower.meaning),
      ]);
      await moveCheckpoint(sql, follower, from, batch);
      const done = await work(sql, timer());
      const last = done < batch.items.length ? batch.items[done - 1] : undefined;
      if (last !== undefined)
        await sql.query('update checkpoint set position = $2, applied = $2 where name = $1', [follower.name, last.position]);
      return done;
    });
