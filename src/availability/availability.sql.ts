import { timeTaking } from '../calendar/busy.js';
import { FRESHNESS_SQL, type FreshnessRow } from '../sync/freshness.js';
import { type Sql } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Interval } from './intervals.js';

/** How somebody wants their time counted; `sealed` opens to their working hours. */
export type Counting = Readonly<{ timeZone: string | null; tentativeIsBusy: boolean; sealed: string | null }>;

type PreferenceRow = Readonly<{ time_zone: string | null; tentative_is_busy: boolean; sealed: string | null }>;

export const countingOf = async (sql: Sql, userId: string): Promise<Counting> => {
  const [row] = await sql.query<PreferenceRow>('select time_zone, tentative_is_busy, sealed from preferences where user_id = $1', [userId]);
  return { timeZone: row?.time_zone ?? null, tentativeIsBusy: row?.tentative_is_busy ?? true, sealed: row?.sealed ?? null };
};

/** How far the log must be read to know what was synced last for these people; null before anything was. */
export const lastSynced = async (sql: Sql, userIds: readonly string[]): Promise<bigint | null> => {
  const [row] = await sql.query<{ position: string | null }>('select max(position) as position from sync_state where user_id = any($1)', [
    userIds,
  ]);
  return row === undefined || row.position === null ? null : BigInt(row.position);
};

const hiddenCalendars = async (sql: Sql, userId: string): Promise<readonly string[]> =>
  (await sql.query<{ calendar_id: string }>('select calendar_id from calendars where user_id = $1 and not visible', [userId])).map(
    ({ calendar_id }) => calendar_id,
  );

/** How the calendars stand that somebody has not hidden, and the time their occurrences take in a range. */
export const takenIn = async (
  sql: Sql,
  userId: string,
  range: TimeRange,
  tentativeIsBusy: boolean,
): Promise<Readonly<{ freshness: readonly FreshnessRow[]; taken: readonly Interval[] }>> => {
  const hidden = await hiddenCalendars(sql, userId);
  const freshness = await sql.query<FreshnessRow>(FRESHNESS_SQL, [userId, null]);
  // Named by what it leaves out, so that it stays a scan of the index by person and start.
  const rows = await sql.query<{ start_at: Date; end_at: Date }>(
    `select start_at, end_at from free_busy
     where user_id = $1 and start_at < $3 and end_at > $2 and busy = any($4) and calendar_id <> all($5::uuid[])`,
    [userId, range.start, range.end, timeTaking(tentativeIsBusy), hidden],
  );
  return {
    freshness: freshness.filter(({ calendar_id }) => !hidden.includes(calendar_id)),
    taken: rows.map(({ start_at, end_at }) => ({ start: start_at.getTime(), end: end_at.getTime() })),
  };
};
