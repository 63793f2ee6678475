import { named } from '../kernel/sql.js';
import { applyEach, type Projection } from '../kernel/projection.js';
import { idOf } from '../kernel/event-store.js';
import { type ConnectionEvent } from './connection.js';
import { connectionFamily } from './connection.codec.js';

/** One row per account a person linked, for as long as the log knows of it; revoking keeps who, what and when, and drops the rest. */
export const connections: Projection<ConnectionEvent> = {
  name: 'connections',
  meaning: 2,
  families: [connectionFamily],
  apply: applyEach<ConnectionEvent>({
    CalendarConnected: (sql, { stream, revision, event }) =>
      sql.query(
        ...named(
          `insert into connections (connection_id, user_id, provider, access, account, status, sealed, consent_version, consented_at, connected_at, revision)
           values (:connectionId, :userId, :provider, :access, :account, 'connected', :sealed, :consentVersion, :consentedAt, :connectedAt, :revision)`,
          {
            connectionId: idOf(stream),
            userId: event.userId,
            provider: event.provider,
            access: event.access,
            account: event.account,
            sealed: event.sealed,
            consentVersion: event.consent.textVersion,
            consentedAt: event.consent.givenAt,
            connectedAt: event.at,
            revision,
          },
        ),
      ),
    AccessGranted: (sql, { stream, revision, event }) =>
      sql.query('update connections set access = $2, revision = $3 where connection_id = $1', [idOf(stream), event.access, revision]),
    CalendarsDiscovered: (sql, { stream, revision }) =>
      sql.query('update connections set revision = $2 where connection_id = $1', [idOf(stream), revision]),
    ConnectionFailing: (sql, { stream, revision, event }) =>
      sql.query(
        ...named(
          `update connections set status = :status, reason = :fault, sign_in_hours = :hours, revision = :revision,
             notice_at = case when :notice then :at::timestamptz else notice_at end
           where connection_id = :connectionId`,
          {
            connectionId: idOf(stream),
            status: event.needsReconnect ? 'needs_reconnect' : 'failing',
            ...{ fault: event.fault, hours: event.hours, notice: event.notice, at: event.at, revision },
          },
        ),
      ),
    ConnectionReauthorized: (sql, { stream, revision, event }) =>
      sql.query(
        `update connections set status = 'connected', reason = null, account = coalesce($3, account), revision = $2 where connection_id = $1`,
        [idOf(stream), revision, event.account],
      ),
    ConnectionRecovered: (sql, { stream, revision }) =>
      sql.query(`update connections set status = 'connected', reason = null, revision = $2 where connection_id = $1`, [
        idOf(stream),
        revision,
      ]),
    ConnectionRevoked: (sql, { stream, revision, event }) =>
      sql.query(
        `update connections set status = 'revoked', reason = null, sealed = null, revoked_at = $2, revision = $3 where connection_id = $1`,
        [idOf(stream), event.at, revision],
      ),
    GrantRevoked: (sql, { stream, revision, event }) =>
      sql.query('update connections set grant_ended = $2, revision = $3 where connection_id = $1', [idOf(stream), event.how, revision]),
    ConnectionPurged: (sql, { stream, revision, event }) =>
      sql.query('update connections set purged_at = $2, revision = $3 where connection_id = $1', [idOf(stream), event.at, revision]),
  }),
  tables: ['connections'],
  separable: null,
};
