import { keptFrom } from '../calendar/retention.js';
import { instant } from '../kernel/clock.js';
import { type Sql } from '../kernel/sql.js';
import { type PreferenceEvent } from '../preference/preference.js';
import { recordCalendarChanges, type Source, takeOut } from './changes.rows.js';
import { rowsOf, type StoredObject } from './occurrence-rows.js';
import { insertRows, type Owner, storedObjects } from './occurrences.rows.js';

/** Series placed at once: what is held in memory. */
const PAGE = 1_000;

type PlacedCalendar = Owner & Readonly<{ whole: boolean; visible: boolean; window_start: Date; window_end: Date }>;

/** Takes note of the zone somebody lives in; false when it is the one they lived in. */
const moved = async (sql: Sql, { userId, timeZone }: PreferenceEvent): Promise<boolean> => {
  const [before] = await sql.query<{ time_zone: string | null }>('select time_zone from event_people where user_id = $1', [userId]);
  if ((before?.time_zone ?? null) === timeZone) return false;
  await sql.query(
    'insert into event_people (user_id, time_zone) values ($1, $2) on conflict (user_id) do update set time_zone = excluded.time_zone',
    [userId, timeZone],
  );
  return true;
};

const nextSeries = async (sql: Sql, calendarId: string, after: string): Promise<readonly string[]> => {
  const rows = await sql.query<{ series: string }>(
    'select distinct series from event_contents where calendar_id = $1 and unplaced and series > $2 order by series limit $3',
    [calendarId, after, PAGE],
  );
  return rows.map(({ series }) => series);
};

const placeCalendar = async (sql: Sql, calendar: PlacedCalendar, zone: string, at: string): Promise<void> => {
  const { calendar_id: calendarId, window_start, window_end } = calendar;
  const start = Math.max(window_start.getTime(), keptFrom(Date.parse(at)));
  const window = { start: instant(start), end: window_end.toISOString() };
  for (let page = await nextSeries(sql, calendarId, ''); page.length > 0; page = await nextSeries(sql, calendarId, page.at(-1) ?? '')) {
    const bySeries = new Map<string, StoredObject[]>();
    for (const object of await storedObjects(sql, calendarId, page))
      bySeries.set(object.series, [...(bySeries.get(object.series) ?? []), object]);
    await takeOut(sql, calendarId, page);
    const rows = [...bySeries.values()].flatMap((objects) => rowsOf(objects, window, zone).rows);
    await insertRows(sql, calendar, rows);
  }
};

/**
 * Places what no zone of its own places (days, floating times) by the zone somebody chose, in those of their calendars that have none either.
 * Who follows the changes reads these calendars anew: an instance of a floating series is named by its start.
 */
export const placeAnew = async (sql: Sql, source: Source, event: PreferenceEvent): Promise<void> => {
  if (!(await moved(sql, event))) return;
  const calendars = await sql.query<PlacedCalendar>(
    `select calendar_id, user_id, provider, whole, visible, window_start, window_end from event_calendars
     where user_id = $1 and time_zone is null and window_start is not null order by calendar_id`,
    [event.userId],
  );
  for (const calendar of calendars) await placeCalendar(sql, calendar, event.timeZone ?? 'UTC', event.at);
  const told = calendars.filter(({ whole, visible }) => whole && visible).map(({ calendar_id }) => calendar_id);
  if (told.length === 0) return;
  for (const change of ['calendar-removed', 'calendar-added'] as const) await recordCalendarChanges(sql, source, change, told);
};
