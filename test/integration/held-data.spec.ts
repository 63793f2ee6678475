import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { HELD_DATA } from '../../src/app/held-data.js';
import { type AccountEvent } from '../../src/calendar/account-events.js';
import { calendarFamily } from '../../src/calendar/calendar.codec.js';
import { calendars } from '../../src/calendar/calendars.projection.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { connection } from '../../src/connection/connection.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { tendConnection } from '../../src/connection/connection.worker.js';
import { connections } from '../../src/connection/connections.projection.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { handle } from '../../src/kernel/commands.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { userCalendarEvents } from '../../src/merged-events/user-calendar-events.projection.js';
import { preferenceFamily } from '../../src/preference/preference.codec.js';
import { feedFamily } from '../../src/sync/feed.codec.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { connectedAccount, connectionRuntime } from '../support/account.js';
import { memoryAccount, NOW } from '../support/builders.js';
import { columnsOf, KEPT, mentions, removable, type Revoked, unstated } from '../support/held-rows.js';
import { suiteResources } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, type Stores } from '../support/store.js';

const at = new Date(NOW).toISOString();
const ACCOUNTS = [connectionFamily, calendarFamily];
const LEASE: Lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };

const opened = suiteResources();
let stores: Stores;
beforeAll(async () => {
  stores = await opened(openStores());
  const running = [
    startProjection(stores, connections),
    startProjection<AccountEvent>(stores, calendars(ACCOUNTS)),
    startProjection<AccountEvent>(stores, schedule(ACCOUNTS)),
    startProjection(stores, userCalendarEvents([...ACCOUNTS, feedFamily, preferenceFamily])),
  ];
  for (const each of running) await opened(Promise.resolve(each));
});

const query = <Row extends Readonly<Record<string, unknown>>>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
  stores.database.query<Row>(sql, [...values]);

const SAMPLES: Readonly<Record<string, unknown>> = {
  boolean: false,
  json: '{}',
  uuid: randomBytes(16).toString('hex'),
  text: 'a',
  bytea: 'a',
};

/** A row of a calendar in a table, with all else that the table needs. `set_aside` has rows of every projection: one of a projection there is. */
const fill = async (table: string, ids: Readonly<Record<string, string>>): Promise<void> => {
  const columns = (await columnsOf(query)).filter((each) => each.table === table && (each.filled || each.column in ids));
  const special: Readonly<Record<string, unknown>> = { projection: 'calendars', state: 'live', channel_id: randomUUID() };
  const values = columns.map(
    ({ column, type }) => ids[column] ?? special[column] ?? SAMPLES[type] ?? (type.startsWith('timestamp') ? at : 1),
  );
  await query(
    `insert into ${table} (${columns.map(({ column }) => column).join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    values,
  );
};

/** A connection with two calendars and a row in every table that a revoke removes rows from. */
const connectedWithRows = async () => {
  const keys = vault(stores.database, randomBytes(32));
  const runtime = connectionRuntime(stores, keys, memoryAccount().provider);
  const { userId, connectionId } = await connectedAccount(stores, keys);
  const found = ['work', 'home'].map((name) => ({
    ...{ remoteId: `/${name}/`, address: `/${name}/`, name },
    ...{ color: null, writable: true, busyOnly: false, timeZone: null },
  }));
  await recordDiscovery(runtime, { connectionId, userId, provider: 'caldav', cause }, found);
  const owned = async (table: string): Promise<readonly string[]> =>
    (await query<{ id: string }>(`select calendar_id::text as id from ${table} where connection_id = $1 order by 1`, [connectionId])).map(
      ({ id }) => id,
    );
  for (const table of ['calendars', 'sync_state', 'event_calendars'])
    await eventually(`its calendars are in ${table}`, async () => (await owned(table)).length === found.length);
  const revoked: Revoked = { connectionId, calendarIds: await owned('calendars') };
  for (const [table, rows] of Object.entries(await removable(query, revoked)))
    if (rows === 0) await fill(table, { calendar_id: revoked.calendarIds[0] ?? '', connection_id: connectionId, user_id: userId });
  return { ...revoked, userId, runtime };
};

describe('Every table', () => {
  it('is listed with whose rows it holds, or as infrastructure', async () => {
    expect(await unstated(query)).toEqual([]);
  });

  it.each([
    ['newcomer (id uuid)', ['newcomer is not listed']],
    ['newcomer (user_id text)', ['newcomer is not listed', 'newcomer.user_id names an owner and is not stated']],
  ])('that is new and not listed is found: %s', async (definition, problems) => {
    await query(`create table ${definition}`);
    try {
      expect(await unstated(query)).toEqual(problems);
    } finally {
      await query('drop table newcomer');
    }
  });

  it('is found when one of its columns names an owner and is not stated', async () => {
    await query('alter table remote_object add column user_id text');
    try {
      expect(await unstated(query)).toEqual(['remote_object.user_id names an owner and is not stated']);
    } finally {
      await query('alter table remote_object drop column user_id');
    }
  });
});

describe('A revoked connection', () => {
  it('has no row left where the list says so, and is mentioned only where the list says why', async () => {
    const { connectionId, calendarIds, runtime } = await connectedWithRows();
    const other = await connectedWithRows();
    const before = await removable(query, { connectionId, calendarIds });
    expect(Object.entries(before).filter(([, rows]) => rows === 0)).toEqual([]);

    const command = { type: 'Revoke', owner: null, at } as const;
    await handle(stores.store, connection, connectionCodec, { id: connectionId, command, metadata: metadata(), ifMatch: null });
    const due = `select * from connection_state where connection_id = $1 and task = 'revoke'`;
    const row = await eventually('it is due to be wound up', async () => (await query<ConnectionRow>(due, [connectionId]))[0]);
    await tendConnection(runtime)(row, LEASE);

    const nothing = Object.fromEntries(Object.keys(before).map((table) => [table, 0]));
    await eventually('nothing is left', async () =>
      Object.values(await removable(query, { connectionId, calendarIds })).every((rows) => rows === 0),
    );
    expect(await removable(query, { connectionId, calendarIds })).toEqual(nothing);
    const mentioned = Object.keys(await mentions(query, { connectionId, calendarIds }));
    expect(mentioned.filter((table) => !KEPT.includes(table))).toEqual([]);
    expect(mentioned).toEqual(expect.arrayContaining(['connections', 'vault', 'calendar_tombstones']));
    expect(Object.values(await removable(query, other)).filter((rows) => rows === 0)).toEqual([]);
  });

  it('leaves rows only where the list gives a reason', () => {
    for (const { onRevoke } of HELD_DATA) if (onRevoke !== 'removed') expect(onRevoke.keptBecause).toMatch(/\w+ \w+ \w+/);
  });
});
