import { type EventFamily, idOf } from '../kernel/event-store.js';
import { applyEach, FACTS_OF_CALENDARS, type Handlers, type Projection } from '../kernel/projection.js';
import { named, type Sql } from '../kernel/sql.js';
import { type AccountEvent } from './account-events.js';

const NAME = 'calendars';

const insert = `insert into calendars
    (calendar_id, connection_id, user_id, provider, status, mode, privacy, visible, writable, busy_only, color, time_zone, sealed, generation,
     revision)
  select :calendarId::uuid, :connectionId::uuid, :userId, :provider, :status::text, 'read_only', 'busy_only', :status = 'adopted', :writable::boolean,
    :busyOnly::boolean, :color, :timeZone, :sealed, 0, :revision::bigint
  where not exists (select 1 from calendar_tombstones where connection_id = :connectionId::uuid)
  on conflict (calendar_id) do update set writable = excluded.writable, busy_only = excluded.busy_only, color = excluded.color,
    time_zone = excluded.time_zone, sealed = excluded.sealed,
    status = case when excluded.status = 'adopted' then 'adopted' else calendars.status end,
    visible = case when excluded.status = 'adopted' then true else calendars.visible end,
    revision = case when excluded.status = 'adopted' then excluded.revision else calendars.revision end`;

const forget = (sql: Sql, connectionId: string): Promise<unknown> =>
  sql.query(
    `with gone as (delete from calendars where connection_id = $1 returning calendar_id)
     delete from set_aside using gone where projection = $2 and set_aside.calendar_id = gone.calendar_id`,
    [connectionId, NAME],
  );

const whereFrom: Handlers<AccountEvent> = {
  CalendarsDiscovered: async (sql, { stream, event }) => {
    const { userId, provider } = event;
    for (const { calendarId, writable, busyOnly, color, timeZone, sealed } of event.calendars) {
      const described = { writable, busyOnly, color, timeZone, sealed };
      await sql.query(
        ...named(insert, { calendarId, connectionId: idOf(stream), userId, provider, status: 'listed', ...described, revision: -1 }),
      );
    }
  },
  CalendarAdopted: (sql, { stream, revision, event }) => {
    const { connectionId, userId, provider, writable, busyOnly, color, timeZone, sealed } = event;
    const described = { writable, busyOnly, color, timeZone, sealed };
    return sql.query(
      ...named(insert, { calendarId: idOf(stream), connectionId, userId, provider, status: 'adopted', ...described, revision }),
    );
  },
  // Who adopted a calendar meanwhile had not heard of it: from here on nothing of this connection becomes a row.
  ConnectionRevoked: async (sql, { stream }) => {
    await sql.query('insert into calendar_tombstones (connection_id) values ($1) on conflict do nothing', [idOf(stream)]);
    await forget(sql, idOf(stream));
  },
};

const howItStands: Handlers<AccountEvent> = {
  CalendarDescribed: (sql, { stream, revision, event }) => {
    const { writable, busyOnly, color, timeZone, sealed } = event;
    return sql.query(
      ...named(
        `update calendars set writable = :writable, busy_only = :busyOnly, color = :color, time_zone = :timeZone, sealed = :sealed, revision = :revision
         where calendar_id = :calendarId`,
        { calendarId: idOf(stream), writable, busyOnly, color, timeZone, sealed, revision },
      ),
    );
  },
  WriteToggled: (sql, { stream, revision, event }) =>
    sql.query('update calendars set mode = $2, revision = $3 where calendar_id = $1', [idOf(stream), event.mode, revision]),
  PrivacySet: (sql, { stream, revision, event }) =>
    sql.query('update calendars set privacy = $2, revision = $3 where calendar_id = $1', [idOf(stream), event.privacy, revision]),
  VisibilitySet: (sql, { stream, revision, event }) =>
    sql.query('update calendars set visible = $2, revision = $3 where calendar_id = $1', [idOf(stream), event.visible, revision]),
  GenerationStarted: (sql, { stream, revision }) =>
    sql.query('update calendars set revision = $2 where calendar_id = $1', [idOf(stream), revision]),
  BaselineCompleted: (sql, { stream, revision, event }) =>
    sql.query('update calendars set generation = $2, held_removals = null, revision = $3 where calendar_id = $1', [
      idOf(stream),
      event.generation,
      revision,
    ]),
  SyncFailed: (sql, { stream, revision, event }) =>
    sql.query('update calendars set fault = $2, revision = $3 where calendar_id = $1', [idOf(stream), event.fault, revision]),
  SyncRecovered: (sql, { stream, revision }) =>
    sql.query('update calendars set fault = null, revision = $2 where calendar_id = $1', [idOf(stream), revision]),
  MassChangeHeld: (sql, { stream, revision, event }) =>
    sql.query('update calendars set held_removals = $2, revision = $3 where calendar_id = $1', [idOf(stream), event.removals, revision]),
  WatchOpened: (sql, { stream, revision }) =>
    sql.query('update calendars set revision = $2 where calendar_id = $1', [idOf(stream), revision]),
  WatchClosed: (sql, { stream, revision }) =>
    sql.query('update calendars set revision = $2 where calendar_id = $1', [idOf(stream), revision]),
  FeedExpired: (sql, { stream, revision }) =>
    sql.query('update calendars set held_removals = null, revision = $2 where calendar_id = $1', [idOf(stream), revision]),
};

/** One row per calendar found in an account: `listed`, or `adopted` once it is synced. A revoked connection's rows go at once, and none come after. */
export const calendars = (families: readonly EventFamily<AccountEvent>[]): Projection<AccountEvent> => ({
  name: NAME,
  meaning: 2,
  families,
  apply: applyEach<AccountEvent>({ ...whereFrom, ...howItStands }),
  tables: ['calendars', 'calendar_tombstones'],
  separable: FACTS_OF_CALENDARS,
});
