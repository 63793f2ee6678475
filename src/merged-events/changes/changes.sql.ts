import { type Position } from '../../kernel/event-store.js';
import { named, type Sql } from '../../kernel/sql.js';
import { type ChangeCursor, cursorExpired, LAST_PART, readChangeCursor } from './change-cursor.js';
import { type ChangeRow, type ChangesAt, type PersonalChange } from './change-row.js';

/** Changes after a cursor, and how far a reader has come who has seen them. */
export type ReadChanges = Readonly<{ rows: readonly ChangeRow[]; reached: ChangeCursor; more: boolean }>;

const COLUMNS = `position, part, calendar_id, connection_id, category, at, change, series, original, start_at, end_at, local_start, local_end, all_day, status,
  busy, recurring`;

/** Where the change feed ends now. */
export const endOfChanges = async (sql: Sql, now: number): Promise<ChangeCursor> => {
  const [row] = await sql.query<{ position: string | null }>(`select position from checkpoint where name = 'user_calendar_events'`);
  // Before the first checkpoint there is nothing, and the log's first event may stand at 0.
  const position = row?.position ?? null;
  return position === null ? { position: 0n, part: 0, at: now } : { position: BigInt(position), part: LAST_PART, at: now };
};

type FollowedChanges = Readonly<{ items: readonly ChangesAt[]; position: Position; more: boolean }>;

const byPosition = (rows: readonly PersonalChange[]): readonly ChangesAt[] => {
  const found = new Map<string, PersonalChange[]>();
  for (const row of rows) {
    const there = found.get(row.position);
    if (there === undefined) found.set(row.position, [row]);
    else there.push(row);
  }
  return [...found].map(([position, changes]) => ({ position: BigInt(position), changes }));
};

/**
 * Everybody's changes after a position (null: all that are kept), about `limit` of them and no position in part, and how far they go; up to there
 * no more are added. Null: the projection has applied nothing yet.
 */
export const changesAfter = async (sql: Sql, after: Position | null, limit: number): Promise<FollowedChanges | null> => {
  // Looked up first: what is at or before it has been committed when the rows are read.
  const end = await endOfChanges(sql, 0);
  if (end.part === 0) return null;
  const from = after ?? -1n;
  const [cut] = await sql.query<{ position: string }>(
    'select position from changes where position > $1 and position <= $2 order by position limit 1 offset $3',
    [from, end.position, limit],
  );
  const until = cut === undefined ? end.position : BigInt(cut.position);
  const rows = await sql.query<PersonalChange>(
    `select user_id, ${COLUMNS} from changes where position > $1 and position <= $2 order by position, user_id, part`,
    [from, until],
  );
  return { items: byPosition(rows), position: until, more: cut !== undefined };
};

/** The changes of a calendar that are kept, behind a place and up to a place in the log, in order and at most so many. */
export const changesOfCalendar = (
  sql: Sql,
  { userId, calendarId }: Readonly<{ userId: string; calendarId: string }>,
  after: Readonly<{ position: Position; part: number }>,
  { until, most }: Readonly<{ until: Position; most: number }>,
): Promise<readonly PersonalChange[]> =>
  sql.query<PersonalChange>(
    ...named(
      `select user_id, ${COLUMNS} from changes
       where user_id = :userId and calendar_id = :calendarId and (position, part) > (:position, :part) and position <= :until
       order by position, part limit :most`,
      { userId, calendarId, position: after.position, part: after.part, until, most },
    ),
  );

/**
 * When the merged calendar last was built again so that its changes do not tell what became of the rows before: in milliseconds since the epoch,
 * the next whole one; null: never.
 */
export const begunAt = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql.query<{ begun: string | null }>(
    `select ceil(extract(epoch from begun_at) * 1000) as begun from checkpoint where name = 'user_calendar_events'`,
  );
  return row === undefined || row.begun === null ? null : Number(row.begun);
};

/** Reads a cursor; throws what `readChangeCursor` throws, and `changes.cursor-expired` for one from before everything was built again. */
export const admitChangeCursor = async (sql: Sql, text: string, now: number): Promise<ChangeCursor> => {
  const cursor = readChangeCursor(text, now);
  const begun = await begunAt(sql);
  if (begun !== null && begun > cursor.at) throw cursorExpired('This cursor was told before the merged calendar was built again');
  return cursor;
};

const later = (a: ChangeCursor, b: ChangeCursor): ChangeCursor =>
  a.position > b.position || (a.position === b.position && a.part > b.part) ? a : b;

/** What changed for a person after a cursor, in the order of the log; every change up to `reached` is among the rows, or was told before. */
export const readChanges = async (sql: Sql, userId: string, after: ChangeCursor, limit: number, now: number): Promise<ReadChanges> => {
  // Looked up first, because the query that follows then sees all changes up to it.
  const end = await endOfChanges(sql, now);
  const rows = await sql.query<ChangeRow>(
    `select ${COLUMNS} from changes where user_id = $1 and (position, part) > ($2, $3) order by position, part limit $4`,
    [userId, after.position, after.part, limit + 1],
  );
  const [shown, more] = [rows.slice(0, limit), rows.length > limit];
  const last = shown.at(-1);
  const seen = last === undefined ? after : { position: BigInt(last.position), part: last.part, at: now };
  return { rows: shown, reached: { ...(more ? seen : later(seen, end)), at: now }, more };
};
