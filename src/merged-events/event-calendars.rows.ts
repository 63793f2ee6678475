import { type AccountEvent } from '../calendar/account-events.js';
import { type Deciding } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { recordCalendarChanges, recordConnectionChange, type Source } from './changes/changes.rows.js';

/** Of the projection that writes these rows. */
export const NAME = 'user_calendar_events';

/** What is known of a calendar's content. */
const OF_CALENDARS = ['user_calendar_events', 'event_contents', 'event_series'] as const;

/** A calendar that was adopted behind a revoke belongs to no connection and never becomes a row, because its adopter had not heard of the revoke. */
export const adopt = async (sql: Sql, calendarId: string, event: Extract<AccountEvent, { type: 'CalendarAdopted' }>): Promise<void> => {
  await sql.query(
    `insert into event_calendars (calendar_id, connection_id, user_id, provider, time_zone) select $1::uuid, $2::uuid, $3, $4, $5
     where not exists (select 1 from event_tombstones where connection_id = $2::uuid) on conflict do nothing`,
    [calendarId, event.connectionId, event.userId, event.provider, event.timeZone],
  );
};

/** Of a hidden calendar it has been told already that it is gone. */
export const forget = async (sql: Sql, source: Source, connectionId: string): Promise<void> => {
  await sql.query('insert into event_tombstones (connection_id) values ($1) on conflict do nothing', [connectionId]);
  const gone = await sql.query<{ calendar_id: string; visible: boolean }>(
    'delete from event_calendars where connection_id = $1 returning calendar_id, visible',
    [connectionId],
  );
  const idsOf = (calendars: typeof gone): readonly string[] => calendars.map(({ calendar_id }) => calendar_id);
  for (const table of OF_CALENDARS) await sql.query(`delete from ${table} where calendar_id = any($1)`, [idsOf(gone)]);
  await sql.query('delete from set_aside where projection = $1 and calendar_id = any($2)', [NAME, idsOf(gone)]);
  const shown = gone.filter(({ visible }) => visible);
  await recordCalendarChanges(sql, source, 'calendar-removed', idsOf(shown));
};

/** Takes a calendar for one that has not been read whole. Answers whose it is when they have been told of it, else null. */
const untold = async (sql: Sql, calendarId: string): Promise<string | null> => {
  const [row] = await sql.query<{ user_id: string; told: boolean }>(
    `update event_calendars set whole = false from event_calendars before
     where event_calendars.calendar_id = $1 and before.calendar_id = $1 returning before.user_id, before.whole and before.visible as told`,
    [calendarId],
  );
  return row?.told === true ? row.user_id : null;
};

/** The calendar stays; what was known of it has outlived its time. */
export const empty = async (sql: Sql, calendarId: string, at: Pick<Source, 'position' | 'at'>): Promise<void> => {
  for (const table of OF_CALENDARS) await sql.query(`delete from ${table} where calendar_id = $1`, [calendarId]);
  const owner = await untold(sql, calendarId);
  if (owner !== null) await recordCalendarChanges(sql, { userId: owner, ...at }, 'calendar-removed', [calendarId]);
};

/** Tells whose calendar a fact of its own stream is about that its connection stands otherwise; no person once that is revoked. */
export const tellOwner = async (sql: Sql, { calendarId, position, at }: Deciding): Promise<void> => {
  const [owner] = await sql.query<{ user_id: string; connection_id: string }>(
    'select user_id, connection_id from event_calendars where calendar_id = $1',
    [calendarId],
  );
  if (owner !== undefined) await recordConnectionChange(sql, { userId: owner.user_id, position, at }, owner.connection_id, 'calendar');
};

/** A client that follows the changes drops a calendar that is hidden, and reads it whole when it is shown again. */
export const show = async (sql: Sql, source: Omit<Source, 'userId'>, calendarId: string, visible: boolean): Promise<void> => {
  const [calendar] = await sql.query<{ user_id: string; whole: boolean }>(
    'update event_calendars set visible = $2 where calendar_id = $1 returning user_id, whole',
    [calendarId, visible],
  );
  if (calendar?.whole !== true) return;
  const change = visible ? 'calendar-added' : 'calendar-removed';
  await recordCalendarChanges(sql, { ...source, userId: calendar.user_id }, change, [calendarId]);
};

/** Who follows the changes reads a calendar again that was aside: what came meanwhile was not told. */
export const takeBack = async (sql: Sql, { calendarId, position, at }: Deciding): Promise<void> => {
  const owner = await untold(sql, calendarId);
  if (owner !== null) await recordCalendarChanges(sql, { userId: owner, position, at }, 'calendar-removed', [calendarId]);
};
