import { reasonFor } from './reasons.js';

export type SyncState = 'queued' | 'running' | 'done' | 'failed';

/** How a manual sync is getting on; counts are objects. `done`: what was read can be read here. */
export type SyncProgress = {
  syncId: string;
  state: SyncState;
  done: number;
  expected: number | null;
  calendars: { calendarId: string; state: SyncState; done: number; expected: number | null; reason: string | null }[];
};

export type SyncRunRow = Readonly<{
  sync_id: string;
  calendar_id: string;
  state: SyncState;
  done: number;
  expected: number | null;
  code: string | null;
  shown: boolean;
}>;

/**
 * Selects `SyncRunRow`s of `$1` (user id): of one sync when `$2` (uuid) is given, and, when `$3` (instant) is, without those that were over and
 * could be read before it.
 */
export const SYNC_RUN_SQL = `
  with runs as (
    select *, position is null or position <= (select position from checkpoint where name = 'user_calendar_events') as shown
    from sync_run where user_id = $1 and ($2::uuid is null or sync_id = $2))
  select sync_id, calendar_id, state, done, expected, code, shown from runs
  where $3::timestamptz is null or finished_at is null or finished_at > $3 or not shown
  order by sync_id, calendar_id`;

/** The least advanced calendar tells for all; one that failed shows only when no other is still at work. */
const together = (states: readonly SyncState[]): SyncState =>
  (['running', 'queued', 'failed', 'done'] as const).find((state) => states.includes(state)) ?? 'done';

const total = (numbers: readonly (number | null)[]): number | null =>
  numbers.includes(null) ? null : numbers.reduce<number>((sum, number) => sum + (number ?? 0), 0);

export const progressOf = (syncId: string, rows: readonly SyncRunRow[]): SyncProgress => {
  const calendars = rows.map((row) => ({
    calendarId: row.calendar_id,
    // Read and appended, but not yet in the read model: for who waits it is still running.
    state: row.state === 'done' && !row.shown ? ('running' as const) : row.state,
    done: row.done,
    expected: row.expected,
    reason: reasonFor(row.code),
  }));
  return {
    syncId,
    state: together(calendars.map(({ state }) => state)),
    done: calendars.reduce((sum, { done }) => sum + done, 0),
    expected: total(calendars.map(({ expected }) => expected)),
    calendars,
  };
};
