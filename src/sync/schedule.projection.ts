import { named } from '../kernel/sql.js';
import { type EventFamily, idOf } from '../kernel/event-store.js';
import { applyEach, FACTS_OF_CALENDARS, type Handlers, type Projection } from '../kernel/projection.js';
import { type AccountEvent } from '../calendar/account-events.js';
import { ACCOUNT_FAULTS, DEAD_GRANTS } from '../connection/account-fault.js';
import { PROVIDER_NAMES } from '../provider/names.js';
import { entryOf } from '../provider/registry.js';

/** How long after connecting the account is looked at again, should the request that connected it have died before its calendars were adopted. */
const REPAIR = `interval '20 seconds'`;

/** A list of codes as SQL has it. */
const listed = (codes: readonly string[]): string => codes.map((code) => `'${code}'`).join(', ');

/** A refused password is history, and what failed before counts once: whether it is over is told by the next reading. */
const FORGIVEN = `failures = least(failures, 1), fault = case when fault in (${listed(DEAD_GRANTS)}) then null else fault end`;

/** A server that asked for time gets it, also when another calendar could be read. */
const RETRIED = ACCOUNT_FAULTS.filter((fault) => fault !== 'throttled');

/** Services that tell of changes in calendars. */
const PUSHING = PROVIDER_NAMES.filter((name) => entryOf(name).sweeps !== null);

/** Has the channels of calendars looked at. `wake`: also where that is being done. */
const look = (where: 'calendar_id' | 'connection_id') =>
  `update watch_state set due_at = least(due_at, $2), wake = true where ${where} = $1`;

/** What became of an account as a whole holds for all of its calendars. */
const health: Handlers<AccountEvent> = {
  // A password that was refused for one calendar is tried on no other: too many tries could lock the account.
  ConnectionFailing: async (sql, { stream, event }) => {
    if (!event.needsReconnect) return;
    await sql.query(`update sync_state set due_at = 'infinity', wake = false, fault = $2 where connection_id = $1`, [
      idOf(stream),
      event.fault,
    ]);
    // A sync that somebody waits for ends here for the calendars it has not come to: none of them is tried.
    await sql.query(
      `update sync_run set state = 'failed', code = $2, finished_at = $3 from sync_state
       where connection_id = $1 and sync_state.calendar_id = sync_run.calendar_id and sync_run.state = 'queued'`,
      [idOf(stream), event.fault, event.at],
    );
  },
  ConnectionReauthorized: async (sql, { stream, event }) => {
    // Channels may have ended with the access that they were opened by.
    await sql.query(`update watch_channel set renew_at = least(renew_at, $2) where connection_id = $1 and state = 'live'`, [
      idOf(stream),
      event.at,
    ]);
    await sql.query(`update sync_state set due_at = $2, ${FORGIVEN} where connection_id = $1`, [idOf(stream), event.at]);
    await sql.query(`update connection_state set due_at = $2, failures = 0 where connection_id = $1 and task = 'discover'`, [
      idOf(stream),
      event.at,
    ]);
    await sql.query(look('connection_id'), [idOf(stream), event.at]);
    await sql.query('notify sync_state');
    await sql.query('notify watch_state');
  },
  ConnectionRecovered: async (sql, { stream, event }) => {
    await sql.query(
      `update sync_state set due_at = least(due_at, $2), ${FORGIVEN}
       where connection_id = $1 and fault = any($3)`,
      [idOf(stream), event.at, RETRIED],
    );
    await sql.query('notify sync_state');
  },
};

const beginningAndEnd: Handlers<AccountEvent> = {
  CalendarConnected: (sql, { stream, event }) =>
    sql.query(
      `insert into connection_state (connection_id, user_id, provider, task, due_at)
       values ($1, $2, $3, 'discover', $4::timestamptz + ${REPAIR}) on conflict do nothing`,
      [idOf(stream), event.userId, event.provider, event.at],
    ),
  CalendarAdopted: async (sql, { stream, event }) => {
    await sql.query(
      ...named(
        `insert into sync_state (calendar_id, connection_id, user_id, provider, sealed, due_at)
         select :calendarId::uuid, :connectionId::uuid, :userId, :provider, :sealed, :at::timestamptz
         where not exists (select 1 from schedule_tombstones where connection_id = :connectionId::uuid)
         on conflict (calendar_id) do nothing`,
        {
          calendarId: idOf(stream),
          connectionId: event.connectionId,
          userId: event.userId,
          provider: event.provider,
          sealed: event.sealed,
          at: event.at,
        },
      ),
    );
    await sql.query(
      `insert into watch_state (calendar_id, connection_id, user_id, provider, due_at)
       select calendar_id, connection_id, user_id, provider, $2 from sync_state where calendar_id = $1 and provider = any($3)
       on conflict do nothing`,
      [idOf(stream), event.at, PUSHING],
    );
    await sql.query('notify sync_state');
    await sql.query('notify watch_state');
  },
  // The account may write its address otherwise than when it was adopted.
  CalendarDescribed: (sql, { stream, event }) =>
    sql.query('update sync_state set sealed = $2 where calendar_id = $1', [idOf(stream), event.sealed]),
  ConnectionRevoked: async (sql, { stream, event }) => {
    await sql.query(
      `insert into connection_state (connection_id, user_id, provider, task, due_at) values ($1, $2, $3, 'revoke', $4)
       on conflict (connection_id) do update set task = 'revoke', due_at = excluded.due_at, failures = 0, epoch = connection_state.epoch + 1,
         claimed_until = null`,
      [idOf(stream), event.userId, event.provider, event.at],
    );
    // A calendar adopted from here on belongs to no connection, and is never due.
    await sql.query('insert into schedule_tombstones (connection_id) values ($1) on conflict do nothing', [idOf(stream)]);
    await sql.query('delete from sync_state where connection_id = $1', [idOf(stream)]);
    await sql.query('notify connection_state');
  },
  ConnectionPurged: (sql, { stream }) => sql.query('delete from connection_state where connection_id = $1', [idOf(stream)]),
};

/** What decides whether a calendar is worth a channel. */
const worthWatching: Handlers<AccountEvent> = {
  VisibilitySet: async (sql, { stream, event }) => {
    await sql.query(look('calendar_id'), [idOf(stream), event.at]);
    await sql.query('notify watch_state');
  },
  SyncFailed: (sql, { stream, event }) => sql.query(look('calendar_id'), [idOf(stream), event.at]),
  SyncRecovered: (sql, { stream, event }) => sql.query(look('calendar_id'), [idOf(stream), event.at]),
};

/**
 * Turns facts into due work: a connected account is discovered, an adopted calendar is synced, a revoked connection is wound up. Its rows are
 * operational and outlive a replay: what exists is left as it is.
 */
export const schedule = (families: readonly EventFamily<AccountEvent>[]): Projection<AccountEvent> => ({
  name: 'schedule',
  meaning: 1,
  families,
  apply: applyEach<AccountEvent>({ ...beginningAndEnd, ...health, ...worthWatching }),
  tables: [],
  separable: FACTS_OF_CALENDARS,
});
