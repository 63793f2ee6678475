import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { feedCodec, feedFamily } from '../../src/sync/feed.codec.js';
import { type DeltaSynced } from '../../src/sync/feed.js';
import { type Pace } from '../../src/sync/feed.pace.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { type SyncRuntime } from '../../src/sync/sync.context.js';
import { sweepOf } from '../../src/sync/sweep.sql.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { type SyncRow } from '../../src/sync/sync.state.js';
import { zonesFamily } from '../../src/merged-events/zone-change.codec.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { grantsOf } from '../../src/connection/account.grant.js';
import { faultReporter, keyGoneReporter, recoveryReporter } from '../../src/connection/connection.worker.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Written } from '../../src/kernel/projection.js';
import { type Lease, Superseded } from '../../src/kernel/due-work.js';
import { type Database, type Sql } from '../../src/kernel/sql.js';
import { type Vault } from '../../src/kernel/vault.js';
import { type PlacementRow } from '../../src/merged-events/placement.rows.js';
import { placeDue } from '../../src/merged-events/placement.worker.js';
import { userCalendarEvents } from '../../src/merged-events/user-calendar-events.projection.js';
import { preferenceFamily } from '../../src/preference/preference.codec.js';
import { type Fault, ProviderFault } from '../../src/provider/calendar-provider.js';
import { calendarObject, component, memoryAccount, type MemoryAccount, NOW } from './builders.js';
import { type Running, startProjection } from './running.js';
import { metadata, openStores, SILENT, type Stores } from './store.js';

export const MINUTE = 60_000;

/** For runs that no projection follows by itself. */
export const unpaced: Pace = { enter: () => Promise.resolve(() => undefined) };
export const merged = userCalendarEvents([connectionFamily, calendarFamily, feedFamily, preferenceFamily, zonesFamily]);
export const due = schedule([connectionFamily, calendarFamily]);

export let stores: Stores;
let keys: Vault;
export const keysOfVault = (): Vault => keys;
let now = NOW;
let running: readonly Running[] = [];

/** Starts the engines and the two projections a sync works with. */
export const startSyncing = async (): Promise<void> => {
  stores = await openStores();
  keys = vault(stores.database, randomBytes(32));
  running = [startProjection(stores, merged), startProjection(stores, due)];
};
export const stopProjections = async (): Promise<void> => {
  await Promise.all(running.map(({ stop }) => stop()));
};
export const stopSyncing = async (): Promise<void> => {
  await stopProjections();
  await stores.stop();
};
export const presentOf = (): number => now;
export const passTime = (milliseconds: number): void => {
  now += milliseconds;
};

/** An object of one hour at ten, so many days from now. */
export const lunch = (remoteId: string, day = 1, title = remoteId) =>
  calendarObject(remoteId, {
    components: [
      component({ start: { wall: new Date(NOW + day * 86_400_000).toISOString().slice(0, 19), zone: 'UTC' } }, { uid: remoteId, title }),
    ],
  });
export const many = (count: number) =>
  Array.from({ length: count }, (_, index) => lunch(`event-${String(index).padStart(2, '0')}`, 1 + index));

type Linked = Readonly<{ userId: string; connectionId: string }>;

const connected = async (): Promise<Linked> => {
  const [userId, connectionId, at] = [randomUUID(), randomUUID(), new Date(now).toISOString()];
  await keys.keep(userId, connectionId, { password: 'secret' });
  await keys.activate(connectionId);
  const consent = { textVersion: '2026-01', givenAt: at };
  const linked: ConnectionEvent = {
    type: 'CalendarConnected',
    userId,
    provider: 'caldav',
    access: 'read',
    consent,
    account: 'a',
    sealed: 'a',
    at,
  };
  await stores.store.append(`connection-${connectionId}`, -1n, [linked], connectionCodec, metadata());
  return { userId, connectionId };
};

/** Waits until the read models of a sync show what was written. */
export const projectedTo = async (written: Written): Promise<void> => {
  expect(await readModels(stores.database, [merged, due]).reached([merged.name, due.name], written, 60_000)).toBe(true);
};

/** A connected account with an adopted calendar that is due to be synced; another calendar of the account `of` another is in, if one is named. */
export const adopted = async (
  account: MemoryAccount = memoryAccount(),
  timeZone: string | null = 'Europe/Paris',
  of: Linked | null = null,
) => {
  now = NOW;
  const { userId, connectionId } = of ?? (await connected());
  const [calendarId, at] = [randomUUID(), new Date(now).toISOString()];
  const sealer = await keys.connection(userId, connectionId);
  const found: CalendarEvent = {
    type: 'CalendarAdopted',
    connectionId,
    userId,
    provider: 'caldav',
    writable: true,
    busyOnly: false,
    color: null,
    timeZone,
    sealed: sealer.seal(`calendar:${calendarId}`, JSON.stringify({ remoteId: '/work/', name: 'Work' })),
    at,
  };
  const { position } = await stores.store.append(`calendar-${calendarId}`, -1n, [found], calendarCodec, metadata());
  await projectedTo({ calendar: position });
  // The row is dated by the database's own clock, which knows nothing of the tests' present.
  await stores.database.query('update sync_state set retained_from = $2 where calendar_id = $1', [calendarId, at]);
  return { account, userId, connectionId, calendarId, sealer };
};
export type Adopted = Awaited<ReturnType<typeof adopted>>;

/** Two calendars of one account. */
export const adoptedTwo = async (): Promise<readonly [Adopted, Adopted]> => {
  const first = await adopted();
  return [first, await adopted(memoryAccount(), 'Europe/Paris', first)];
};

export const runtimeOf = ({ account }: Adopted, database: Database = stores.database): SyncRuntime => {
  const shared = {
    database,
    store: stores.store,
    vault: keys,
    providers: new Map([['caldav', account.provider]]),
    clock: { now: () => now },
    entropy: { uuid: () => randomUUID(), fraction: () => 0.5 },
    log: SILENT,
    pace: unpaced,
    mostListed: 100_000,
    sweep: sweepOf(stores.database, 2 * MINUTE),
  };
  const connections = shared;
  return {
    ...shared,
    grantOf: grantsOf(shared),
    reportFault: faultReporter(connections),
    reportRecovery: recoveryReporter(connections),
    reportKeyGone: keyGoneReporter(connections),
  };
};

/** Claims the calendar's row as a worker does. */
export const claim = async ({ calendarId }: Adopted): Promise<Readonly<{ row: SyncRow; lease: Lease }>> => {
  const [row] = await stores.database.query<SyncRow & { epoch: string }>(
    'update sync_state set epoch = epoch + 1, wake = false where calendar_id = $1 returning *',
    [calendarId],
  );
  if (row === undefined) throw new Error('there is no such row');
  const epoch = BigInt(row.epoch);
  const permit = async (): Promise<void> => {
    const held = await stores.database.query('select 1 from sync_state where calendar_id = $1 and epoch = $2', [calendarId, epoch]);
    if (held.length === 0) throw new Superseded();
  };
  return { row, lease: { epoch, permit, signal: new AbortController().signal } };
};

export const sync = async (calendar: Adopted, database?: Database): Promise<void> => {
  const { row, lease } = await claim(calendar);
  await syncCalendar(runtimeOf(calendar, database))(row, lease);
};

/** What waits to be placed for the owner of a calendar. */
export const placements = ({ userId }: Pick<Adopted, 'userId'>) =>
  stores.database.query<{ name: string; asked: number }>('select name, asked from placement where user_id = $1 order by name', [userId]);

/** Works at the due placements of a calendar's owner as a worker does, each once. */
export const place = async ({ userId }: Pick<Adopted, 'userId'>, database: Database = stores.database): Promise<void> => {
  const rows = await stores.database.query<PlacementRow & { epoch: string }>(
    'update placement set epoch = epoch + 1 where user_id = $1 returning *',
    [userId],
  );
  for (const row of rows) {
    const lease = { epoch: BigInt(row.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
    await placeDue({ database, clock: { now: () => now }, rest: 0 })(row, lease);
  }
};

/** A sync that ends with a fault. */
export const failing = async (calendar: Adopted, fault: Fault, retryAfter: number | null = null): Promise<void> => {
  calendar.account.failNext(new ProviderFault(fault, 'for a while', retryAfter));
  await sync(calendar);
};

export const chunks = async ({ calendarId }: Adopted): Promise<readonly DeltaSynced[]> =>
  await stores.store.load(`feed-${calendarId}`, feedCodec);
export const facts = async ({ calendarId }: Adopted): Promise<readonly CalendarEvent[]> =>
  await stores.store.load(`calendar-${calendarId}`, calendarCodec);
export const factTypes = async (calendar: Adopted): Promise<readonly string[]> => (await facts(calendar)).map(({ type }) => type).slice(1);
export const stateOf = async ({ calendarId }: Adopted) => {
  const [row] = await stores.database.query<SyncRow & { due: string; last_success_at: Date | null }>(
    'select *, due_at::text as due from sync_state where calendar_id = $1',
    [calendarId],
  );
  if (row === undefined) throw new Error('there is no such row');
  return { ...row, dueIn: row.due === 'infinity' ? Infinity : Date.parse(row.due) - now };
};

/** Waits until the read model shows everything appended so far. */
export const projected = async (): Promise<void> => {
  // A fact that is not shown, whose place in the log is behind everything else.
  const fact: CalendarEvent = { type: 'SyncRecovered', at: new Date(NOW).toISOString() };
  const { position } = await stores.store.append(`calendar-${randomUUID()}`, -1n, [fact], calendarCodec, metadata());
  await projectedTo({ calendar: position });
};

/** Empties the read model under its running projection, which then builds it again from the first event. */
export const replay = async (): Promise<void> => {
  await stores.database.transaction(async (sql) => {
    await sql.query('update checkpoint set position = null where name = $1', [merged.name]);
    await sql.query('truncate event_calendars, event_contents, event_series, user_calendar_events, changes, placement, event_zone_rules');
  });
  await projected();
};

/** Waits for the read model, and answers the titles of the occurrences it shows, in order of their start. */
export const shown = async ({ calendarId, sealer }: Adopted): Promise<readonly string[]> => {
  await projected();
  const rows = await stores.database.query<{ ref: string; component: number; sealed: string }>(
    `select e.ref, e.component, c.sealed from user_calendar_events e join event_contents c using (calendar_id, ref)
     where calendar_id = $1 order by start_at, original`,
    [calendarId],
  );
  return rows.map(({ ref, component: index, sealed }) => {
    const opened = JSON.parse(sealer.open(`object:${calendarId}:${ref}`, sealed)) as { contents: { title: string }[] };
    return opened.contents[index]?.title ?? '';
  });
};
export const changedIn = (deltas: readonly DeltaSynced[]): readonly boolean[] =>
  deltas.flatMap(({ upserts }) => upserts.map(({ changed }) => changed));

/** The same database, with something done before each statement. */
const guardedBy = (guarded: (sql: Sql) => Sql): Database => ({
  ...stores.database,
  ...guarded(stores.database),
  transaction: (work) => stores.database.transaction((sql) => work(guarded(sql))),
});

/** A database that notes each statement it is asked for. */
export const noting = (asked: string[]): Database =>
  guardedBy((sql) => ({
    query: (text, values) => {
      asked.push(text);
      return sql.query(text, values);
    },
  }));

/** A database that dies once, when it is asked for a statement that holds `words`. */
export const dyingAt = (words: string): Database => {
  let dead = false;
  const guarded = (sql: Sql): Sql => ({
    query: (text, values) => {
      if (dead || !text.includes(words)) return sql.query(text, values);
      dead = true;
      return Promise.reject(new Error('the process died here'));
    },
  });
  return guardedBy(guarded);
};
