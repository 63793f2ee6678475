import { type Position } from '../../kernel/event-store.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type ToldEvent, toldEvent, type ToldRow } from '../told-event.js';

/** Rows read at once. */
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

const EVENTS = `
  select series, original, start_at, end_at, all_day, local_start, local_end, status, busy, recurring
  from user_calendar_events
  where calendar_id = $1 and (series, original) > ($2, $3)
    and exists (select 1 from event_calendars where calendar_id = $1 and visible and whole)
  order by series, original limit $4`;

/** An occurrence keeps its place among the pages for as long as it is; what comes or goes meanwhile is told by the change feed. */
async function* events(sql: Sql, calendarId: string): AsyncGenerator<readonly ToldEvent[]> {
  for (let after: Pick<ToldRow, 'series' | 'original'> | null = { series: '', original: '' }; after !== null;) {
    const page: readonly ToldRow[] = await sql.query<ToldRow>(EVENTS, [calendarId, after.series, after.original, PAGE]);
    if (page.length > 0) yield page.map(toldEvent);
    after = page.length < PAGE ? null : (page.at(-1) ?? null);
  }
}

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
    events: (calendarId: string) => events(database, calendarId),
  };
};
