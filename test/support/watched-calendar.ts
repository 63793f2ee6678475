import { randomBytes, randomUUID } from 'node:crypto';
import { type GoogleSandbox } from '../../src/embedded/google.sandbox.js';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { grantsOf } from '../../src/connection/account.grant.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Lease, Superseded } from '../../src/kernel/due-work.js';
import { type Database } from '../../src/kernel/sql.js';
import { type Vault } from '../../src/kernel/vault.js';
import { type CalendarProvider, type Providers } from '../../src/provider/calendar-provider.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { sweepOf } from '../../src/sync/sweep.sql.js';
import { type WatchRow } from '../../src/watch/watch.sql.js';
import { type WatchRuntime } from '../../src/watch/watch.tended.js';
import { tendWatch } from '../../src/watch/watch.worker.js';
import { allowed, nearHttp } from './caldav.js';
import { ANN, consentOn, locationOf, movedClock, REDIRECT, startListener, startTwoPeople } from './google-sandbox.js';
import { startProjection } from './running.js';
import { metadata, openStores, type Stores } from './store.js';

export type WatchedCalendar = Readonly<{ userId: string; connectionId: string; calendarId: string; remoteId: string }>;

/** Everything that watching calendars of the simulator takes, and who listens to its notifications. Time is moved by `clock`. */
export type Watching = Readonly<{
  stores: Stores;
  keys: Vault;
  clock: ReturnType<typeof movedClock>;
  sandbox: GoogleSandbox;
  listener: Awaited<ReturnType<typeof startListener>>;
  provider: CalendarProvider;
  runtime: (change?: Partial<WatchRuntime>) => WatchRuntime;
  /** A calendar of a connected account, which is due to be watched. */
  adopted: (remoteId?: string) => Promise<WatchedCalendar>;
  /** Appends facts about a calendar and waits until what is due has taken note of them. */
  happened: (calendar: WatchedCalendar, event: CalendarEvent) => Promise<void>;
  /** Waits until what is due has taken note of a place in the log. */
  reached: (position: bigint) => Promise<unknown>;
  stop: () => Promise<void>;
}>;

const due = schedule([connectionFamily, calendarFamily]);

const connectedSecret = async ({ oauth }: CalendarProvider) => {
  if (oauth === null) throw new Error('Google is connected by OAuth');
  const begun = { redirectUri: REDIRECT, state: randomUUID(), verifier: `${randomUUID()}${randomUUID()}`, access: 'read' } as const;
  const back = locationOf(await consentOn(oauth.authorizationUrl({ ...begun, loginHint: null }), { account: ANN }));
  return (await oauth.complete({ ...begun, parameters: back.searchParams }, allowed())).secret;
};

const googleAt = (url: string) => ({
  ...{ clientId: 'sandbox', clientSecret: 'sandbox-secret', authUrl: `${url}o/oauth2/v2/auth`, tokenUrl: `${url}token` },
  ...{ revokeUrl: `${url}revoke`, apiUrl: url },
});

export const startWatching = async (): Promise<Watching> => {
  const [stores, clock] = [await openStores(), movedClock(Date.now())];
  const [sandbox, listener] = [await startTwoPeople(clock), await startListener()];
  const keys = vault(stores.database, randomBytes(32));
  const http = nearHttp({ retries: 1 });
  const provider = googleProvider({ http, clock, google: googleAt(sandbox.url) });
  const providers: Providers = new Map([['google', provider]]);
  const running = startProjection(stores, due);
  const at = () => new Date(clock.now()).toISOString();
  const reached = (position: bigint) => readModels(stores.database, [due]).reached([due.name], { calendar: position }, 60_000);
  return {
    ...{ stores, keys, clock, sandbox, listener, provider, reached },
    runtime: (change = {}) => ({
      ...{ database: stores.database, store: stores.store, vault: keys, providers, clock },
      entropy: { uuid: () => randomUUID(), fraction: () => 0.5 },
      grantOf: grantsOf({ vault: keys, providers, clock }),
      webhookOf: () => listener.url,
      sweep: sweepOf(stores.database, 60_000),
      ...change,
    }),
    adopted: async (remoteId = ANN) => {
      const [userId, connectionId, calendarId] = [randomUUID(), randomUUID(), randomUUID()];
      await keys.keep(userId, connectionId, await connectedSecret(provider));
      await keys.activate(connectionId);
      const consent = { textVersion: '2026-01', givenAt: at() };
      const linked: ConnectionEvent = {
        ...{ type: 'CalendarConnected', userId, provider: 'google', access: 'read' },
        ...{ consent, account: 'a', sealed: 'a', at: at() },
      };
      await stores.store.append(`connection-${connectionId}`, -1n, [linked], connectionCodec, metadata());
      const sealer = await keys.connection(userId, connectionId);
      const sealed = sealer.seal(`calendar:${calendarId}`, JSON.stringify({ remoteId, address: remoteId, name: 'Work' }));
      const found: CalendarEvent = {
        ...{ type: 'CalendarAdopted', connectionId, userId, provider: 'google', writable: true, busyOnly: false },
        ...{ color: null, timeZone: null, sealed, at: at() },
      };
      const { position } = await stores.store.append(`calendar-${calendarId}`, -1n, [found], calendarCodec, metadata());
      await reached(position);
      return { userId, connectionId, calendarId, remoteId };
    },
    happened: async ({ calendarId }, event) => {
      const revision = await stores.store.lastRevision(`calendar-${calendarId}`);
      const { position } = await stores.store.append(`calendar-${calendarId}`, revision, [event], calendarCodec, metadata());
      await reached(position);
    },
    stop: async () => {
      await running.stop();
      await Promise.all([http.close(), sandbox.stop(), listener.stop()]);
      await stores.stop();
    },
  };
};

/** Claims the row of a calendar as a worker does. */
export const claimWatch = async (
  { stores }: Watching,
  { calendarId }: WatchedCalendar,
): Promise<Readonly<{ row: WatchRow; lease: Lease }>> => {
  const [row] = await stores.database.query<WatchRow & { epoch: string }>(
    'update watch_state set epoch = epoch + 1, wake = false where calendar_id = $1 returning *',
    [calendarId],
  );
  if (row === undefined) throw new Error('there is no such row');
  const epoch = BigInt(row.epoch);
  const permit = async (): Promise<void> => {
    const held = await stores.database.query('select 1 from watch_state where calendar_id = $1 and epoch = $2', [calendarId, epoch]);
    if (held.length === 0) throw new Superseded();
  };
  return { row, lease: { epoch, permit, signal: new AbortController().signal } };
};

/** Looks after a calendar once. `database`: one that may die. */
export const tend = async (watching: Watching, calendar: WatchedCalendar, change: Partial<WatchRuntime> = {}): Promise<void> => {
  const { row, lease } = await claimWatch(watching, calendar);
  await tendWatch(watching.runtime(change))(row, lease);
};

/** A database that dies once, when it is asked for a statement that holds `words`. */
export const dying = (database: Database, words: string): Database => {
  let isDead = false;
  const guarded = (sql: Pick<Database, 'query'>): Pick<Database, 'query'> => ({
    query: (text, values) => {
      if (isDead || !text.includes(words)) return sql.query(text, values);
      isDead = true;
      return Promise.reject(new Error('the process died here'));
    },
  });
  return { ...database, ...guarded(database), transaction: (work) => database.transaction((sql) => work(guarded(sql))) };
};

type Row = Readonly<{ channel_id: string; state: string; remote: string | null; expires_at: Date; renew_at: Date }>;

export const channelRows = ({ stores }: Watching, { calendarId }: WatchedCalendar): Promise<readonly Row[]> =>
  stores.database.query<Row>('select * from watch_channel where calendar_id = $1 order by opened_at', [calendarId]);

/** How a calendar is watched, and in how many milliseconds it is looked at again. */
export const watchStanding = async ({ stores, clock }: Watching, { calendarId }: WatchedCalendar) => {
  const [row] = await stores.database.query<{ mode: string; reason: string | null; due: string; failures: number }>(
    'select mode, reason, failures, due_at::text as due from watch_state where calendar_id = $1',
    [calendarId],
  );
  if (row === undefined) throw new Error('there is no such row');
  const { mode, reason, failures, due: dueAt } = row;
  return { mode, reason, failures, dueIn: dueAt === 'infinity' ? Infinity : Date.parse(dueAt) - clock.now() };
};

/** What the door for notifications notes of a genuine one. */
export const heard = async ({ stores, clock }: Watching, { calendarId }: WatchedCalendar): Promise<void> => {
  await stores.database.query(`update watch_channel set heard_at = $2 where calendar_id = $1 and state = 'live'`, [
    calendarId,
    new Date(clock.now()).toISOString(),
  ]);
  await stores.database.query('update watch_state set missed = 0, missed_at = null where calendar_id = $1', [calendarId]);
};
