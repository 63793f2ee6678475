import { type DeltaSynced } from '../../sync/feed.js';
import { type Position } from '../../kernel/event-store.js';
import { named, type Sql } from '../../kernel/sql.js';
import { CHANGES_KEPT_DAYS } from './change-cursor.js';
import { type EventChange, MOST_TOLD, type Shown } from './changes.js';

/** Where rows of the change feed come from: whose they are, and the place in the log that gives them their order. */
export type Source = Readonly<{ userId: string; position: Position; at: string }>;

type TakenRow = Readonly<{ start_at: Date; end_at: Date } & Omit<Shown, 'start' | 'end'>>;

const TAKE_OUT = `
  delete from user_calendar_events where calendar_id = $1 and series = any($2)
  returning series, original, ref, start_at, end_at, all_day as "allDay", floating, local_start as "localStart", local_end as "localEnd", zone,
    status, busy, private, recurring`;

/** Takes the occurrences of some series out of the merged calendar, and answers what they were. */
export const takeOut = async (sql: Sql, calendarId: string, series: readonly string[]): Promise<readonly Shown[]> => {
  const rows = await sql.query<TakenRow>(TAKE_OUT, [calendarId, series]);
  return rows.map(({ start_at, end_at, ...rest }) => ({ ...rest, start: start_at.toISOString(), end: end_at.toISOString() }));
};

/** Wakes the streams of a person, in every process, once the rows can be read. */
const tell = (sql: Sql, userId: string): Promise<unknown> => sql.query(`select pg_notify('stream', $1)`, [userId]);

/** Changes per statement: a few hundred kilobytes of JSON, a few milliseconds to write. */
const SLICE = 1_000;

const RECORD = `
  insert into changes (user_id, position, part, calendar_id, at, change, series, original, start_at, end_at, local_start, local_end, all_day,
    status, busy, recurring)
  select $1, $2, fresh.part, $3, $4, fresh.change, o.series, o.original, o."start", o."end", o."localStart", o."localEnd", o."allDay", o.status,
    o.busy, o.recurring
  from json_to_recordset($5::json) as fresh(part int, change text, occurrence json),
    json_to_record(fresh.occurrence) as o(series text, original text, "start" timestamptz, "end" timestamptz, "localStart" text,
      "localEnd" text, "allDay" bool, status text, busy text, recurring bool)`;

/** The last part that is taken at a position; 0 when none is. */
const lastPart = async (sql: Sql, { userId, position }: Source): Promise<number> => {
  const [row] = await sql.query<{ part: number | null }>('select max(part) as part from changes where user_id = $1 and position = $2', [
    userId,
    position,
  ]);
  return row?.part ?? 0;
};

/** Records what happened to the occurrences of a calendar that has been read whole before; past `MOST_TOLD` only that it has changed. */
export const recordEventChanges = async (sql: Sql, source: Source, calendarId: string, changes: readonly EventChange[]): Promise<void> => {
  if (changes.length > MOST_TOLD) return recordCalendarChanges(sql, source, 'calendar-changed', [calendarId]);
  const { userId, position, at } = source;
  const taken = changes.length === 0 ? 0 : await lastPart(sql, source);
  for (let from = 0; from < changes.length; from += SLICE) {
    const slice = changes.slice(from, from + SLICE).map((change, index) => ({ part: taken + from + index + 1, ...change }));
    await sql.query(RECORD, [userId, position, calendarId, at, JSON.stringify(slice)]);
  }
  await tell(sql, userId);
};

/**
 * Records what happened to calendars as a whole: one can be read whole from now on; it has to be read again, because too much of it changed to
 * be told one by one; or all of it is gone, or hidden, with everything that was told of its events.
 */
export const recordCalendarChanges = async (
  sql: Sql,
  source: Source,
  change: 'calendar-added' | 'calendar-changed' | 'calendar-removed',
  calendarIds: readonly string[],
): Promise<void> => {
  const { userId, position, at } = source;
  if (change === 'calendar-removed') await sql.query('delete from changes where calendar_id = any($1)', [calendarIds]);
  await sql.query(
    ...named(
      `insert into changes (user_id, position, part, calendar_id, at, change)
       select :userId, :position, part + :taken, calendar_id, :at, :change
       from unnest(:calendarIds::uuid[]) with ordinality as listed(calendar_id, part)`,
      { userId, position, at, change, calendarIds: [...calendarIds].sort(), taken: await lastPart(sql, source) },
    ),
  );
  await tell(sql, userId);
};

/** Records that a connection stands otherwise than before; how, is read where connections are read. */
export const recordConnectionChange = async (
  sql: Sql,
  { userId, position, at }: Source,
  connectionId: string,
  category: 'connection' | 'calendar',
): Promise<void> => {
  await sql.query(
    `insert into changes (user_id, position, part, connection_id, category, at, change)
     select $1, $2, (select count(*) + 1 from changes where user_id = $1 and position = $2), $3, $4, $5, 'connection-changed'`,
    [userId, position, connectionId, category, at],
  );
  await tell(sql, userId);
};

/** Drops the changes that no cursor can ask for any more at the time of the fact, so that a replay drops the same. */
export const dropOldChanges = async (sql: Sql, { userId, at }: Pick<DeltaSynced, 'userId' | 'at'>): Promise<void> => {
  await sql.query(`delete from changes where user_id = $1 and at < $2::timestamptz - $3 * interval '1 day'`, [
    userId,
    at,
    CHANGES_KEPT_DAYS,
  ]);
};
