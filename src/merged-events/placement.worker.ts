import { type Clock, instant, SECOND } from '../kernel/clock.js';
import { type DueTask } from '../kernel/due-work.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { changesOf } from './changes/changes.js';
import { recordCalendarChanges, recordEventChanges, type Source } from './changes/changes.rows.js';
import { type StoredObject } from './placed-series.js';
import { storedObjects } from './occurrences.rows.js';
import { type PlacementRow, PLACINGS } from './placement.rows.js';
import { type CalendarRow, CALENDARS, held, oneOfMany, type Placing, windowOf } from './placement.step.js';
import { AT_ONCE, placeSlices, type ToPlace } from './placing.rows.js';
import { shareOut } from './share.worker.js';

/** Series looked up at once. */
const SERIES = 50;

/** How long a person who asked again meanwhile waits for the next round. */
const PAUSE = 5 * SECOND;

type Runtime = Readonly<{ database: Database; clock: Clock }> & Pick<Placing, 'rest'>;

type NextSeries = Readonly<{ series: string; placed_at: Date | null }>;

const nextSeries = (sql: Sql, calendarId: string, condition: string, after: string): Promise<readonly NextSeries[]> =>
  sql.query<NextSeries>(
    `select n.series, e.placed_at from (
       select distinct series from event_contents c where calendar_id = $1 and ${condition} and series > $2 order by series limit $3) n
       left join event_series e on e.calendar_id = $1 and e.series = n.series
     order by n.series`,
    [calendarId, after, SERIES],
  );

/** What some series keep the nearest occurrences to: the time of the fact, or of a later one by which they were placed. */
const toPlace = async (sql: Sql, calendarId: string, next: readonly NextSeries[], at: Date): Promise<readonly ToPlace[]> => {
  const names = next.map(({ series }) => series);
  const objects = new Map<string, StoredObject[]>(names.map((name) => [name, []]));
  for (const object of await storedObjects(sql, calendarId, names)) objects.get(object.series)?.push(object);
  return next.map(({ series, placed_at }) => ({
    series,
    objects: objects.get(series) ?? [],
    now: Math.max(at.getTime(), placed_at?.getTime() ?? 0),
  }));
};

type Page = Readonly<{ row: PlacementRow; calendarId: string; condition: string; after: string }>;

/** Places a slice of the series after `after`; answers the last of them, null when there was none. The calendar may have changed, or gone. */
const placePage = async (sql: Sql, source: Source, { row, calendarId, condition, after }: Page): Promise<string | null> => {
  const [calendar] = await sql.query<CalendarRow>(CALENDARS, [row.user_id, calendarId]);
  if (calendar === undefined) return null;
  const next = await toPlace(sql, calendarId, await nextSeries(sql, calendarId, condition, after), row.at);
  const atOnce = { ...calendar, share: Math.min(calendar.share, AT_ONCE) };
  const window = windowOf(calendar, row.at.getTime());
  for await (const { series, before, after: rows } of placeSlices(sql, atOnce, next, window)) {
    if (PLACINGS[row.reason].tells === 'events' && calendar.whole && calendar.visible)
      await recordEventChanges(sql, source, calendarId, changesOf(before, rows, new Set(), window.start));
    // One slice is as much as a transaction may hold.
    return series.at(-1) ?? null;
  }
  return null;
};

/** Places the series that the reason concerns, page by page. */
const placeCalendar = async (placing: Placing, calendarId: string): Promise<void> => {
  const { row } = placing;
  const { series: condition } = PLACINGS[row.reason];
  if (condition === null) return;
  for (let after: string | null = ''; after !== null;) {
    const page: Page = { row, calendarId, condition, after };
    after = await oneOfMany(placing, (sql, source) => placePage(sql, source, page));
  }
};

/** Tells what is told of whole calendars, and removes the row, unless something is left or it was asked for again: then all of it is gone through once more. */
const finish = async ({ clock }: Runtime, placing: Placing, isDone: boolean): Promise<void> =>
  held(placing, async (sql, source) => {
    const { row } = placing;
    if (PLACINGS[row.reason].tells === 'calendar') {
      const calendars = await sql.query<CalendarRow>(CALENDARS, [row.user_id, row.calendar_id]);
      const told = calendars.filter(({ whole, visible }) => whole && visible).map(({ calendar_id }) => calendar_id);
      if (told.length > 0) await recordCalendarChanges(sql, source, 'calendar-changed', told);
    }
    const removed = await sql.query('delete from placement where name = $1 and asked = $2 and $3 returning 1', [
      row.name,
      row.asked,
      isDone,
    ]);
    if (removed.length === 0) await sql.query('update placement set due_at = $2 where name = $1', [row.name, instant(clock.now() + PAUSE)]);
  });

/**
 * Places the series of one due row again, page by page, each in a transaction of its own; a death anywhere leaves the row, and what it repeats
 * comes to the same. Until it is done the occurrences that are left are where they were.
 */
export const placeDue =
  (runtime: Runtime): DueTask<PlacementRow> =>
  async (row, lease) => {
    const placing = { database: runtime.database, rest: runtime.rest, row, lease };
    const calendars = await runtime.database.query<CalendarRow>(CALENDARS, [row.user_id, row.calendar_id]);
    let isDone = true;
    for (const { calendar_id: calendarId } of calendars) {
      await placeCalendar(placing, calendarId);
      if (!(await shareOut({ placing, calendarId }))) isDone = false;
    }
    await finish(runtime, placing, isDone);
  };
