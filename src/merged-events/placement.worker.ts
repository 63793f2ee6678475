import { keptFrom } from '../calendar/retention.js';
import { HOLD_PROJECTION } from '../kernel/clean-up.js';
import { type Clock, instant, SECOND } from '../kernel/clock.js';
import { type DueTask, type Lease, Superseded } from '../kernel/due-work.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { changesOf } from './changes.js';
import { recordCalendarChanges, recordEventChanges, type Source, takeOut } from './changes.rows.js';
import { type OccurrenceRow, rowsOf, type StoredObject } from './occurrence-rows.js';
import { insertRows, type Owner, storedObjects } from './occurrences.rows.js';
import { type PlacementRow, PLACINGS } from './placement.rows.js';
import { admitZoneRules } from './zone-rules.rows.js';

const PROJECTION = 'user_calendar_events';

/** Series looked up at once, and occurrences after which a transaction ends: what waits for it, waits a fraction of a second. */
const SERIES = 50;
const ROWS = 5_000;

/** How long a person who asked again meanwhile waits for the next round. */
const PAUSE = 5 * SECOND;

type Runtime = Readonly<{ database: Database; clock: Clock }>;
type PlacedCalendar = Owner & Readonly<{ zone: string; whole: boolean; visible: boolean; window_start: Date; window_end: Date }>;

const CALENDARS = `
  select calendar_id, user_id, provider, whole, visible, window_start, window_end,
    coalesce(time_zone, (select p.time_zone from event_people p where p.user_id = k.user_id), 'UTC') as zone
  from event_calendars k
  where user_id = $1 and window_start is not null and case when $2::uuid is null then time_zone is null else calendar_id = $2 end
  order by calendar_id`;

/**
 * Runs a step while the projection is held, if the claim still stands. What the projection does next comes after in the log and sees all of the
 * step; changes are told right behind where it is, so that every reader who has read up to there meets them.
 */
const held = <T>(database: Database, row: PlacementRow, lease: Lease, step: (sql: Sql, source: Source) => Promise<T>): Promise<T> =>
  database.transaction(async (sql) => {
    await sql.query(HOLD_PROJECTION, [PROJECTION]);
    const claimed = await sql.query('select 1 from placement where name = $1 and epoch = $2', [row.name, lease.epoch]);
    if (claimed.length === 0) throw new Superseded();
    await admitZoneRules(sql);
    const [checkpoint] = await sql.query<{ position: string | null }>('select position from checkpoint where name = $1', [PROJECTION]);
    // Events take more than one byte of the log each: no event has this place.
    const position = BigInt(checkpoint?.position ?? 0) + 1n;
    return step(sql, { userId: row.user_id, position, at: instant(row.at.getTime()) });
  });

const nextSeries = async (sql: Sql, calendarId: string, condition: string, after: string): Promise<readonly string[]> => {
  const rows = await sql.query<{ series: string }>(
    `select distinct series from event_contents c where calendar_id = $1 and ${condition} and series > $2 order by series limit $3`,
    [calendarId, after, SERIES],
  );
  return rows.map(({ series }) => series);
};

/** The rows of the first of some series, as many of them as make a page. */
const placedRows = async (
  sql: Sql,
  calendar: PlacedCalendar,
  names: readonly string[],
  at: number,
): Promise<Readonly<{ series: readonly string[]; rows: readonly OccurrenceRow[] }>> => {
  const objects = new Map<string, StoredObject[]>(names.map((name) => [name, []]));
  for (const object of await storedObjects(sql, calendar.calendar_id, names)) objects.get(object.series)?.push(object);
  const window = { start: instant(Math.max(calendar.window_start.getTime(), keptFrom(at))), end: calendar.window_end.toISOString() };
  const series: string[] = [];
  const rows: OccurrenceRow[] = [];
  for (const name of names) {
    for (const each of rowsOf(objects.get(name) ?? [], window, calendar.zone).rows) rows.push(each);
    series.push(name);
    if (rows.length >= ROWS) break;
  }
  return { series, rows };
};

/** Places the series after `after`; answers the last of them, null when there was none. The calendar is read again: it may have changed, or gone. */
const placePage = async (sql: Sql, source: Source, row: PlacementRow, calendarId: string, after: string): Promise<string | null> => {
  const { series: condition, tells } = PLACINGS[row.reason];
  const [calendar] = await sql.query<PlacedCalendar>(CALENDARS, [row.user_id, calendarId]);
  if (calendar === undefined) return null;
  const names = await nextSeries(sql, calendarId, condition, after);
  if (names.length === 0) return null;
  const { series, rows } = await placedRows(sql, calendar, names, row.at.getTime());
  const before = await takeOut(sql, calendarId, series);
  await insertRows(sql, calendar, rows);
  if (tells === 'events' && calendar.whole && calendar.visible)
    await recordEventChanges(sql, source, calendarId, changesOf(before, rows, new Set(), calendar.window_start.toISOString()));
  return series.at(-1) ?? null;
};

/** Tells what is told of whole calendars, and removes the row, unless it was asked for again meanwhile: then all of it is placed once more. */
const finish = async ({ clock }: Runtime, sql: Sql, source: Source, row: PlacementRow): Promise<void> => {
  if (PLACINGS[row.reason].tells === 'calendar') {
    const calendars = await sql.query<PlacedCalendar>(CALENDARS, [row.user_id, row.calendar_id]);
    const told = calendars.filter(({ whole, visible }) => whole && visible).map(({ calendar_id }) => calendar_id);
    if (told.length > 0) await recordCalendarChanges(sql, source, 'calendar-changed', told);
  }
  const removed = await sql.query('delete from placement where name = $1 and asked = $2 returning 1', [row.name, row.asked]);
  if (removed.length === 0) await sql.query('update placement set due_at = $2 where name = $1', [row.name, instant(clock.now() + PAUSE)]);
};

/**
 * Places the series of one due row again, page by page, each in a transaction of its own; a death anywhere leaves the row, and what it repeats
 * comes to the same. Until it is done the occurrences that are left are where they were.
 */
export const placeDue =
  (runtime: Runtime): DueTask<PlacementRow> =>
  async (row, lease) => {
    const { database } = runtime;
    const calendars = await database.query<PlacedCalendar>(CALENDARS, [row.user_id, row.calendar_id]);
    for (const { calendar_id: calendarId } of calendars)
      for (let after: string | null = ''; after !== null;) {
        if (lease.signal.aborted) throw new Superseded();
        const from: string = after;
        after = await held(database, row, lease, (sql, source) => placePage(sql, source, row, calendarId, from));
      }
    await held(database, row, lease, (sql, source) => finish(runtime, sql, source, row));
  };
