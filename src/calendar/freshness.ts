import { instant, MINUTE } from '../kernel/clock.js';
import { type TimeRange } from '../kernel/time-range.js';
import { reasonFor } from './reasons.js';
import { keptFrom } from './retention.js';

/**
 * How far what is shown of a calendar can be trusted: `syncing` it has not been read to its end yet; `fresh`; `stale` its last good reading is
 * more than 15 minutes old; `failing` it cannot be read, the last good state is shown; `needs_reconnect` only its owner can help.
 */
export type FreshnessState = 'syncing' | 'fresh' | 'stale' | 'failing' | 'needs_reconnect';

export type Freshness = Readonly<{
  calendarId: string;
  state: FreshnessState;
  lastSuccessAt: string | null;
  lastAttemptAt: string | null;
  /** Outside it nothing is known; null before the first reading. */
  window: TimeRange | null;
  /** Objects that are listed but could not be read, and series that could not be expanded. */
  unreadable: number;
  reason: string | null;
}>;

export type FreshnessRow = Readonly<{
  calendar_id: string;
  last_success_at: Date | null;
  last_attempt_at: Date | null;
  window_start: Date | null;
  window_end: Date | null;
  fault: string | null;
  unreadable: string;
  behind: boolean;
  visible: boolean;
}>;

/** Selects `FreshnessRow`s of the calendars of `$1` (user id), of all or of those in `$2` (uuid[] or null). */
export const FRESHNESS_SQL = `
  select c.calendar_id, s.last_success_at, s.last_attempt_at, s.window_start, s.window_end, s.fault,
    (select count(*) from remote_object r where r.calendar_id = c.calendar_id and r.fault is not null)
      + (select count(*) from event_contents e where e.calendar_id = c.calendar_id and e.unexpandable is not null) as unreadable,
    coalesce(s.position > (select position from checkpoint where name = 'user_calendar_events'), false) as behind, c.visible
  from calendars c left join sync_state s using (calendar_id)
  where c.user_id = $1 and c.status = 'adopted' and ($2::uuid[] is null or c.calendar_id = any($2))
  order by c.calendar_id`;

const STALE = 15 * MINUTE;

const stateOf = ({ last_success_at, fault, behind }: FreshnessRow, now: number): FreshnessState => {
  if (fault === 'access-revoked') return 'needs_reconnect';
  if (fault !== null) return 'failing';
  if (last_success_at === null || behind) return 'syncing';
  return now - last_success_at.getTime() > STALE ? 'stale' : 'fresh';
};

export const freshnessOf = (row: FreshnessRow, now: number): Freshness => ({
  calendarId: row.calendar_id,
  state: stateOf(row, now),
  lastSuccessAt: row.last_success_at?.toISOString() ?? null,
  lastAttemptAt: row.last_attempt_at?.toISOString() ?? null,
  window:
    row.window_start === null || row.window_end === null
      ? null
      : // What ended longer ago is known no more, although it was read.
        { start: instant(Math.max(row.window_start.getTime(), keptFrom(now))), end: row.window_end.toISOString() },
  unreadable: Number(row.unreadable),
  reason: reasonFor(row.fault),
});
