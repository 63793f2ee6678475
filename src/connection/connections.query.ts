import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Freshness, FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../sync/freshness.js';
import { nextStepFor, reasonFor } from '../sync/reasons.js';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { KeyDestroyed, type Sealer, VAULT, type Vault } from '../kernel/vault.js';
import { type ProviderName } from '../provider/names.js';
import { entryOf } from '../provider/registry.js';
import { type AttemptStatus, endInWords, endOf } from './attempt.js';
import { attemptToConnect, identifiedIn } from './attempts.sql.js';
import { type Access, type GrantEnd } from './connection.js';
import { type ConnectionView } from './connection.contract.js';

/** The read models that show a connection. */
export const SHOWN_IN = ['connections', 'calendars', 'schedule'];

/** Those that a revoked connection goes from; the last also waits for other people's events. */
export const GONE_FROM = [...SHOWN_IN, 'user_calendar_events'];

/** A connection and the revision its stream is at; null while there is only an attempt to connect it. */
export type SeenConnection = Readonly<{ view: ConnectionView; revision: bigint | null }>;

/** The connections of the person who asks, oldest first; one of them, revoked or not, when an id is given. */
export class MyConnections extends Query<readonly SeenConnection[]> {
  constructor(
    readonly actor: Actor,
    readonly connectionId: string | null,
  ) {
    super();
  }
}

type ConnectionRow = Readonly<{
  connection_id: string;
  provider: ProviderName;
  access: Access;
  status: 'connected' | 'failing' | 'needs_reconnect' | 'revoked';
  reason: string | null;
  sign_in_hours: number | null;
  notice_at: Date | null;
  sealed: string | null;
  consent_version: string;
  consented_at: Date;
  connected_at: Date;
  revoked_at: Date | null;
  grant_ended: GrantEnd | null;
  revision: string;
  /** Looking for its calendars has failed again and again, for an unforeseen reason. */
  set_aside: boolean;
}>;

type CalendarRow = Readonly<{
  calendar_id: string;
  connection_id: string;
  status: 'listed' | 'adopted';
  mode: 'read_only' | 'write';
  writable: boolean;
  color: string | null;
  sealed: string;
}>;

/** What is wrong weighs more than what is going on. */
const statusOf = (row: ConnectionRow, states: readonly Freshness[]): ConnectionView['status'] => {
  if (row.status !== 'connected') return row.status;
  if (states.some(({ state }) => state === 'needs_reconnect')) return 'needs_reconnect';
  if (row.set_aside || states.some(({ state }) => state === 'failing')) return 'failing';
  return states.some(({ state }) => state === 'syncing') ? 'syncing' : 'connected';
};

/** What is wrong with the account, else with the calendar that needs its owner most. */
const faultOf = (row: ConnectionRow, states: readonly Freshness[]): string | null => {
  const worst = states.find(({ state }) => state === 'needs_reconnect') ?? states.find(({ code }) => code !== null);
  return row.reason ?? worst?.code ?? (row.set_aside ? 'set-aside' : null);
};

/** What its owner is told of the access at the service that a revoked connection has left there; null where nothing was to be given back. */
const leftoverOf = ({ provider, grant_ended }: ConnectionRow): string | null => {
  const { givesBack, words } = entryOf(provider);
  if (grant_ended === null || grant_ended === 'revoked') return null;
  if (givesBack === 'nothing') return words.left === undefined ? null : 'grant.owners';
  return grant_ended === 'shared' ? 'grant.shared' : 'grant.left';
};

/** What a connection that is being made waits for, by a stable code; null for the calendar service. */
const PENDING: Readonly<Record<AttemptStatus, string | null>> = {
  open: null,
  waiting: 'oauth.pending',
  'signed-in': 'oauth.password-needed',
  used: null,
};

@QueryHandler(MyConnections)
export class MyConnectionsHandler implements IQueryHandler<MyConnections> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ actor: { userId }, connectionId }: MyConnections): Promise<readonly SeenConnection[]> {
    const rows = await this.database.query<ConnectionRow>(
      `select c.*, coalesce(s.set_aside is not null and s.task = 'discover', false) as set_aside
       from connections c left join connection_state s using (connection_id)
       where c.user_id = $1 and ($2::uuid is null and c.status <> 'revoked' or connection_id = $2) order by c.connected_at, connection_id`,
      [userId, connectionId],
    );
    if (rows.length === 0 && connectionId !== null) return [await this.pending(userId, connectionId)];
    const calendars = await this.database.query<CalendarRow>('select * from calendars where user_id = $1 order by calendar_id', [userId]);
    const freshness = await this.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, null]);
    const states = freshness.map((row) => freshnessOf(row, this.clock.now()));
    return Promise.all(
      rows.map((row) =>
        this.seen(
          userId,
          row,
          calendars.filter((calendar) => calendar.connection_id === row.connection_id),
          states,
        ),
      ),
    );
  }

  /** A connection that is being made: its person is at the vendor's pages, has come back in a browser that has to be confirmed, or has to give a password. */
  private async pending(userId: string, connectionId: string): Promise<SeenConnection> {
    const attempt = await attemptToConnect(this.database, userId, connectionId);
    if (attempt === null || attempt.consent === null) throw new Refused('connection.unknown', 404, 'There is no such connection.');
    const ended = endOf(attempt, this.clock.now());
    if (ended !== null) throw new Refused(ended, 404, endInWords(ended));
    const { provider, access, consent } = attempt;
    const identified = await identifiedIn(this.vault, attempt);
    const code = PENDING[attempt.status];
    const words = { code, reason: reasonFor(code, provider), nextStep: nextStepFor(code, provider) };
    const none = { account: identified?.username ?? null, noticeAt: null, connectedAt: null, revokedAt: null, calendars: [] };
    return { revision: null, view: { connectionId, provider, status: 'pending', access, consent, ...words, ...none } };
  }

  private async seen(
    userId: string,
    row: ConnectionRow,
    calendars: readonly CalendarRow[],
    all: readonly Freshness[],
  ): Promise<SeenConnection> {
    const ids = new Set(calendars.map(({ calendar_id }) => calendar_id));
    const states = all.filter(({ calendarId }) => ids.has(calendarId));
    const sealer = await this.keyOf(userId, row);
    const code = row.status === 'revoked' ? leftoverOf(row) : faultOf(row, states);
    return {
      revision: BigInt(row.revision),
      view: {
        connectionId: row.connection_id,
        provider: row.provider,
        account:
          sealer === null || row.sealed === null ? null : nameIn(sealer, `connection:${row.connection_id}`, row.sealed, 'accountName'),
        status: statusOf(row, states),
        code,
        reason: reasonFor(code, row.provider, row.sign_in_hours),
        nextStep: nextStepFor(code, row.provider),
        noticeAt: row.notice_at?.toISOString() ?? null,
        access: row.access,
        consent: { textVersion: row.consent_version, givenAt: row.consented_at.toISOString() },
        connectedAt: row.connected_at.toISOString(),
        revokedAt: row.revoked_at?.toISOString() ?? null,
        calendars: sealer === null ? [] : calendars.map((calendar) => seenCalendar(sealer, calendar, states)),
      },
    };
  }

  private async keyOf(userId: string, { status, connection_id }: ConnectionRow): Promise<Sealer | null> {
    if (status === 'revoked') return null;
    return this.vault.connection(userId, connection_id).catch((error: unknown) => {
      if (error instanceof KeyDestroyed) return null;
      throw error;
    });
  }
}

const nameIn = (sealer: Sealer, object: string, sealed: string, field: 'name' | 'accountName'): string =>
  (JSON.parse(sealer.open(object, sealed)) as Record<typeof field, string>)[field];

const seenCalendar = (sealer: Sealer, row: CalendarRow, states: readonly Freshness[]): ConnectionView['calendars'][number] => ({
  calendarId: row.calendar_id,
  name: nameIn(sealer, `calendar:${row.calendar_id}`, row.sealed, 'name'),
  color: row.color,
  mode: row.mode,
  writable: row.writable,
  adopted: row.status === 'adopted',
  sync: states.find(({ calendarId }) => calendarId === row.calendar_id) ?? null,
});
