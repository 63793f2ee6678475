import { keptFrom } from '../calendar/retention.js';
import { HOLD_PROJECTION } from '../kernel/clean-up.js';
import { type Clock, instant, SECOND } from '../kernel/clock.js';
import { type DueTask, type Lease, Superseded } from '../kernel/due-work.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { changesOf } from './changes.js';
import { recordCalendarChanges, recordEventChanges, type Source } from './changes.rows.js';
import { type StoredObject } from './occurrence-rows.js';
import { storedObjects } from './occurrences.rows.js';
import { type PlacementRow, PLACINGS } from './placement.rows.js';
import { type PlacedCalendar, placeSlices, type ToPlace } from './placing.rows.js';
import { admitZoneRules } from './zone-rules.rows.js';

const PROJECTION = 'user_calendar_events';

/** Series looked up at once. */
const SERIES = 50;

/** How long a person who asked again meanwhile waits for the next round. */
const PAUSE = 5 * SECOND;

type Runtime = Readonly<{ database: Database; clock: Clock }>;
type CalendarRow = PlacedCalendar & Readonly<{ whole: boolean; visible: boolean; window_start: Date; window_end: Date }>;

const CALENDARS = `
  select calendar_id, user_id, provider, whole, visible, window_start, window_end, share,
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

type NextSeries = Readonly<{ series: string; shortened_at: Date | null }>;

const nextSeries = (sql: Sql, calendarId: string, condition: string, after: string): Promise<readonly NextSeries[]> =>
  sql.query<NextSeries>(
    `select n.series, e.shortened_at from (
       select distinct series from event_contents c where calendar_id = $1 and ${condition} and series > $2 order by series limit $3) n
       left join event_series e on e.calendar_id = $1 and e.series = n.series
     order by n.series`,
    [calendarId, after, SERIES],
  );

/** What some series keep the nearest occurrences to: the time of the fact, or of a later one by which they were placed meanwhile. */
const toPlace = async (sql: Sql, calendarId: string, next: readonly NextSeries[], at: Date): Promise<readonly ToPlace[]> => {
  const names = next.map(({ series }) => series);
  const objects = new Map<string, StoredObject[]>(names.map((name) => [name, []]));
  for (const object of await storedObjects(sql, calendarId, names)) objects.get(object.series)?.push(object);
  return next.map(({ series, shortened_at }) => ({
    series,
    objects: objects.get(series) ?? [],
    now: Math.max(at.getTime(), shortened_at?.getTime() ?? 0),
  }));
};

/** Places a slice of the series after `after`; answers the last of them, null when there was none. The calendar may have changed, or gone. */
const placePage = async (sql: Sql, source: Source, row: PlacementRow, calendarId: string, after: string): Promise<string | null> => {
  const { series: condition, tells } = PLACINGS[row.reason];
  const [calendar] = await sql.query<CalendarRow>(CALENDARS, [row.user_id, calendarId]);
  if (calendar === undefined) return null;
  const next = await toPlace(sql, calendarId, await nextSeries(sql, calendarId, condition, after), row.at);
  const start = Math.max(calendar.window_start.getTime(), keptFrom(row.at.getTime()));
  const window = { start: instant(start), end: calendar.window_end.toISOString() };
  for await (const { series, before, after: rows } of placeSlices(sql, calendar, next, window)) {
    if (tells === 'events' && calendar.whole && calendar.visible)
      await recordEventChanges(sql, source, calendarId, changesOf(before, rows, new Set(), calendar.window_start.toISOString()));
    // One slice is as much as a transaction may hold.
    return series.at(-1) ?? null;
  }
  return null;
};

/** Tells what is told of whole calendars, and removes the row, unless it was asked for again meanwhile: then all of it is placed once more. */
const finish = async ({ clock }: Runtime, sql: Sql, source: Source, row: PlacementRow): Promise<void> => {
  if (PLACINGS[row.reason].tells === 'calendar') {
    const calendars = await sql.query<CalendarRow>(CALENDARS, [row.user_id, row.calendar_id]);
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
    const calendars = await database.query<CalendarRow>(CALENDARS, [row.user_id, row.calendar_id]);
    for (const { calendar_id: calendarId } of calendars)
      for (let after: string | null = ''; after !== null;) {
        if (lease.signal.aborted) throw new Superseded();
        const from: string = after;
        after = await held(database, row, lease, (sql, source) => placePage(sql, source, row, calendarId, from));
      }
    await held(database, row, lease, (sql, source) => finish(runtime, sql, source, row));
  };
