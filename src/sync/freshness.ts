import { DEAD_GRANTS, isDeadGrant } from '../connection/account-fault.js';
import { instant, MINUTE } from '../kernel/clock.js';
import { TOLD_AFTER } from '../kernel/failure-policy.js';
import { type TimeRange } from '../kernel/time-range.js';
import { nextStepFor, objectsUnread, PASSING_FAULTS, reasonFor } from './reasons.js';
import { keptFrom } from '../merged-events/retention.js';

/**
 * How far what is shown of a calendar can be trusted: `syncing` it has not been read to its end yet, or its occurrences are being placed again;
 * `fresh`; `stale` its next reading is overdue; `failing` it cannot be read, the last good state is shown;
 * `needs_reconnect` only its owner can help.
 */
export type FreshnessState = 'syncing' | 'fresh' | 'stale' | 'failing' | 'needs_reconnect';

/** Objects that are listed but cannot be read, by the stable code of the reason. */
export type Problem = Readonly<{ code: string; count: number; reason: string }>;

export type Freshness = Readonly<{
  calendarId: string;
  state: FreshnessState;
  lastSuccessAt: string | null;
  lastAttemptAt: string | null;
  /** Outside it nothing is known; null before the first reading. */
  window: TimeRange | null;
  /** Part of the window; series that repeat more often than can be shown are shown within it only. Null when all are shown whole. */
  seriesWithin: TimeRange | null;
  /** Objects that are listed but could not be read, and series that could not be expanded, or not wholly. */
  unreadable: number;
  problems: Problem[];
  /** Stable code of what is wrong with the calendar as a whole; null, as the next three, when nothing is. */
  code: string | null;
  reason: string | null;
  nextStep: string | null;
  /** When it is tried again; null when only its owner can help. */
  nextAttemptAt: string | null;
}>;

export type FreshnessRow = Readonly<{
  calendar_id: string;
  provider: string;
  due_at: Date | null;
  last_success_at: Date | null;
  fresh_until: Date | null;
  last_attempt_at: Date | null;
  window_start: Date | null;
  window_end: Date | null;
  fault: string | null;
  sign_in_hours: number | null;
  problems: readonly Readonly<{ code: string; count: number }>[];
  behind: boolean;
  visible: boolean;
  known_from: Date | null;
  known_until: Date | null;
}>;

/** What is placed again of a calendar (`c`). */
const PLACEMENT = `placement p where p.user_id = c.user_id and (p.calendar_id = c.calendar_id or (p.calendar_id is null and c.time_zone is null))`;

/**
 * The code of what is wrong with a row of `sync_state` (`s`) or what was read of it: also an unforeseen failure, once it was tried several times, or
 * set aside.
 */
const FAULT_SQL = `case when s.fault in (${DEAD_GRANTS.map((code) => `'${code}'`).join(', ')}) then s.fault when s.set_aside is not null then 'set-aside' when s.fault is not null then s.fault
      when exists (select 1 from set_aside a where a.calendar_id = c.calendar_id) then 'calendar-set-aside'
      when s.unforeseen >= ${TOLD_AFTER} then 'unforeseen'
      when exists (select 1 from ${PLACEMENT} and p.set_aside is not null) then 'set-aside' end`;

/** One row (`calendar_id`, `code`) for each object that is listed and could not be read or expanded, or not wholly, of all calendars. */
export const UNREAD_SQL = `
  select calendar_id, fault as code from remote_object where fault is not null
  union all
  select calendar_id, unexpandable from event_contents where unexpandable is not null
  union all
  select calendar_id, 'recurrence.shortened' from event_series where shortened_at is not null`;

/** Selects `FreshnessRow`s of the calendars of `$1` (user id), of all or of those in `$2` (uuid[] or null). */
export const FRESHNESS_SQL = `
  select c.calendar_id, c.provider, nullif(s.due_at, 'infinity') as due_at, s.last_success_at, s.fresh_until, s.last_attempt_at, s.window_start, s.window_end,
    ${FAULT_SQL} as fault, (select k.sign_in_hours from connections k where k.connection_id = c.connection_id) as sign_in_hours,
    (select coalesce(json_agg(json_build_object('code', code, 'count', count) order by code), '[]') from (
      select code, count(*) from (${UNREAD_SQL}) unread where unread.calendar_id = c.calendar_id group by code
    ) kinds) as problems,
    coalesce(s.position > (select position from checkpoint where name = 'user_calendar_events'), false) or exists (select 1 from ${PLACEMENT}) as behind, c.visible,
    shortened.known_from, shortened.known_until
  from calendars c left join sync_state s using (calendar_id)
    cross join lateral (
      select max(known_from) as known_from, min(known_until) as known_until from event_series e
      where e.calendar_id = c.calendar_id and e.shortened_at is not null) as shortened
  where c.user_id = $1 and c.status = 'adopted' and ($2::uuid[] is null or c.calendar_id = any($2))
  order by c.calendar_id`;

/** A reading is fresh for so long at least, because one late reading or two say nothing of the calendar. */
const AT_LEAST = 15 * MINUTE;

/** Until when a good reading is fresh that ends now, where the next is promised `within` so many milliseconds: half as long again. */
export const freshUntil = (now: number, within: number): number => now + Math.max(AT_LEAST, within * 1.5);

const isStale = (until: Date | null, now: number): boolean => until === null || until.getTime() < now;

/** Whether a fault is told, in the log and to its owner: one that passes by itself only when it has outlasted the freshness of the calendar. */
export const isToldOf = (fault: string, until: Date | null, now: number): boolean => !PASSING_FAULTS.includes(fault) || isStale(until, now);

const stateOf = ({ last_success_at, fresh_until, behind }: FreshnessRow, fault: string | null, now: number): FreshnessState => {
  if (isDeadGrant(fault)) return 'needs_reconnect';
  if (fault !== null) return 'failing';
  if (last_success_at === null || behind) return 'syncing';
  return isStale(fresh_until, now) ? 'stale' : 'fresh';
};

/** How far what is shown of series goes. Where nothing is sure it is a range without length. */
const seriesWithin = ({ known_from: from, known_until: until }: FreshnessRow, window: TimeRange | null): TimeRange | null => {
  if (window === null || (from === null && until === null)) return null;
  const start = Math.min(Math.max(Date.parse(window.start), from?.getTime() ?? -Infinity), Date.parse(window.end));
  const end = Math.max(Math.min(Date.parse(window.end), until?.getTime() ?? Infinity), start);
  return { start: instant(start), end: instant(end) };
};

/** What was read and is still kept; what ended longer ago is known no more. */
const windowOf = ({ window_start: start, window_end: end }: FreshnessRow, now: number): TimeRange | null =>
  start === null || end === null ? null : { start: instant(Math.max(start.getTime(), keptFrom(now))), end: end.toISOString() };

export const freshnessOf = (row: FreshnessRow, now: number): Freshness => {
  const fault = row.fault !== null && isToldOf(row.fault, row.fresh_until, now) ? row.fault : null;
  return { ...standing(row, fault, now), ...wrong(row, fault) };
};

const wrong = (row: FreshnessRow, fault: string | null) => ({
  code: fault,
  reason: reasonFor(fault, row.provider, row.sign_in_hours),
  nextStep: nextStepFor(fault, row.provider),
  nextAttemptAt: fault === null ? null : (row.due_at?.toISOString() ?? null),
});

const standing = (row: FreshnessRow, fault: string | null, now: number) => ({
  calendarId: row.calendar_id,
  state: stateOf(row, fault, now),
  lastSuccessAt: row.last_success_at?.toISOString() ?? null,
  lastAttemptAt: row.last_attempt_at?.toISOString() ?? null,
  window: windowOf(row, now),
  seriesWithin: seriesWithin(row, windowOf(row, now)),
  unreadable: row.problems.reduce((sum, { count }) => sum + count, 0),
  problems: row.problems.map(({ code, count }) => ({ code, count, reason: objectsUnread(code, count) })),
});
