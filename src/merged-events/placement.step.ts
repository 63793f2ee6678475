import { setTimeout as sleep } from 'node:timers/promises';
import { keptFrom } from './retention.js';
import { HOLD_PROJECTION } from '../kernel/clean-up.js';
import { instant, SECOND } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Source } from './changes/changes.rows.js';
import { type PlacementRow } from './placement.rows.js';
import { type PlacedCalendar } from './placing.rows.js';
import { admitZoneRules } from './zone-rules.rows.js';

const PROJECTION = 'user_calendar_events';

/** A rest at most, in milliseconds. */
const LONGEST_REST = 2 * SECOND;

/** A calendar as its series are placed. */
export type CalendarRow = PlacedCalendar & Readonly<{ whole: boolean; visible: boolean; window_start: Date; window_end: Date }>;

/** The calendar `$2` (uuid) of a person `$1`, or those of theirs that name no zone when it is null, as far as they have been read. */
export const CALENDARS = `
  select calendar_id, user_id, provider, whole, visible, window_start, window_end, share,
    coalesce(time_zone, (select p.time_zone from event_people p where p.user_id = k.user_id), 'UTC') as zone,
    coalesce((select p.focus_time_is_busy from event_people p where p.user_id = k.user_id), true) as "focusTimeIsBusy"
  from event_calendars k
  where user_id = $1 and window_start is not null and case when $2::uuid is null then time_zone is null else calendar_id = $2 end
  order by calendar_id`;

/** What is placed by the time of a fact: what ended 30 days before it has been removed, or will be. */
export const windowOf = ({ window_start, window_end }: CalendarRow, at: number): TimeRange => ({
  start: instant(Math.max(window_start.getTime(), keptFrom(at))),
  end: window_end.toISOString(),
});

/**
 * A claimed row and what it is worked at with. `rest`: how many times as long as a step took the worker rests after it, because everybody's changes
 * wait for the step.
 */
export type Placing = Readonly<{ database: Database; rest: number; row: PlacementRow; lease: Lease }>;

/**
 * Runs a step while the projection is held, if the claim still stands. What the projection does next comes after in the log and sees all of the
 * step; changes are told right behind where it is, so that every reader who has read up to there meets them.
 */
export const held = <T>({ database, row, lease }: Placing, step: (sql: Sql, source: Source) => Promise<T>): Promise<T> => {
  if (lease.signal.aborted) throw new Superseded();
  return database.transaction(async (sql) => {
    // The projection does not wait for the disk, because a step that a crash of the server takes back is still due.
    await sql.query('set local synchronous_commit = off');
    await sql.query(HOLD_PROJECTION, [PROJECTION]);
    const claimed = await sql.query('select 1 from placement where name = $1 and epoch = $2', [row.name, lease.epoch]);
    if (claimed.length === 0) throw new Superseded();
    await admitZoneRules(sql);
    const [checkpoint] = await sql.query<{ position: string | null }>('select position from checkpoint where name = $1', [PROJECTION]);
    // Events take more than one byte of the log each: no event has this place.
    const position = BigInt(checkpoint?.position ?? 0) + 1n;
    return step(sql, { userId: row.user_id, position, at: instant(row.at.getTime()) });
  });
};

/** One of many steps: as `held`, with a rest after it. */
export const oneOfMany = async <T>(placing: Placing, step: (sql: Sql, source: Source) => Promise<T>): Promise<T> => {
  const began = performance.now();
  const result = await held(placing, step);
  const rest = Math.min((performance.now() - began) * placing.rest, LONGEST_REST);
  await sleep(rest, undefined, { signal: placing.lease.signal }).catch(() => undefined);
  return result;
};
