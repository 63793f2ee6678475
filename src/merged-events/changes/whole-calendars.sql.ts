import { type Position } from '../../kernel/event-store.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type ToldRow } from '../told-event.js';
import { changesOfCalendar } from './changes.sql.js';

/** Calendars read at once. */
const PAGE = 2_000;

const BEGUN = 'select position, begun_at::text as building from checkpoint where name = $1';

type Begun = Readonly<{ position: string | null; building: string | null }>;

type Owned = Readonly<{ userId: string; calendarId: string }>;

const NONE = '00000000-0000-0000-0000-000000000000';

/** Calendars that have been read whole and are not hidden, as readers of events see them. */
async function* calendars(sql: Sql): AsyncGenerator<readonly Owned[]> {
  for (let after: string | null = NONE; after !== null;) {
    const page: readonly Owned[] = await sql.query<Owned>(
      `select user_id as "userId", calendar_id as "calendarId" from event_calendars where calendar_id > $1 and visible and whole
       order by calendar_id limit $2`,
      [after, PAGE],
    );
    yield page;
    after = page.length < PAGE ? null : (page.at(-1)?.calendarId ?? null);
  }
}

// One row of nothing for a calendar that can be read and has no events there.
const EVENTS = `
  select e.* from event_calendars k left join lateral (
    select series, original, start_at, end_at, all_day, local_start, local_end, status, busy, recurring
    from user_calendar_events where calendar_id = $1 and (series, original) > ($2, $3) order by series, original limit $4) e on true
  where k.calendar_id = $1 and k.visible and k.whole order by e.series, e.original`;

/** An occurrence keeps its place among the pages for as long as it is; what comes or goes meanwhile is told by the change feed. */
const eventsOf = async (sql: Sql, calendarId: string, after: Pick<ToldRow, 'series' | 'original'>, most: number) => {
  const rows = await sql.query<ToldRow | (Omit<ToldRow, 'series'> & { series: null })>(EVENTS, [
    calendarId,
    after.series,
    after.original,
    most,
  ]);
  return rows.length === 0 ? null : rows.filter((row): row is ToldRow => row.series !== null);
};

/** The merged calendar as a follower of its changes reads it: how far they go, since when they are complete, and calendars whole. */
export const mergedCalendar = (database: Database) => {
  const begun = async (name: string): Promise<Begun | undefined> => (await database.query<Begun>(BEGUN, [name]))[0];
  return {
    end: async (): Promise<Position | null> => {
      const position = (await begun('user_calendar_events'))?.position ?? null;
      return position === null ? null : BigInt(position);
    },
    building: async (): Promise<string | null> => (await begun('user_calendar_events'))?.building ?? null,
    followed: async (follower: string): Promise<string | null> => (await begun(follower))?.building ?? null,
    follow: async (sql: Sql, follower: string, building: string | null): Promise<void> => {
      await sql.query('update checkpoint set begun_at = $2::timestamptz where name = $1', [follower, building]);
    },
    calendars: () => calendars(database),
    page: (calendarId: string, after: Pick<ToldRow, 'series' | 'original'>, most: number): Promise<readonly ToldRow[] | null> =>
      eventsOf(database, calendarId, after, most),
    changesOf: (calendar: Owned, after: Readonly<{ position: Position; part: number }>, to: Readonly<{ until: Position; most: number }>) =>
      changesOfCalendar(database, calendar, after, to),
  };
};
