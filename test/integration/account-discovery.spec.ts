import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { calendar } from '../../src/calendar/calendar.js';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { calendars } from '../../src/calendar/calendars.projection.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { handle } from '../../src/kernel/commands.js';
import { type Vault } from '../../src/kernel/vault.js';
import { type DiscoveredCalendar } from '../../src/provider/calendar-provider.js';
import { connectedAccount, connectionRuntime } from '../support/account.js';
import { NOW } from '../support/builders.js';
import { type Running, startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, type Stores } from '../support/store.js';
import { due, merged } from '../support/synced-calendar.js';

const at = new Date(NOW).toISOString();
const projected = calendars([connectionFamily, calendarFamily]);
const WORK: DiscoveredCalendar = {
  remoteId: 'https://dav.example.org/work/',
  address: 'https://dav.example.org/work/',
  name: 'Work',
  color: '#112233',
  writable: true,
  busyOnly: false,
  timeZone: null,
};
const HOME: DiscoveredCalendar = {
  ...WORK,
  remoteId: 'https://dav.example.org/home/',
  address: 'https://dav.example.org/home/',
  name: 'Home',
};

let stores: Stores;
let keys: Vault;
let running: readonly Running[];
beforeAll(async () => {
  stores = await openStores();
  keys = vault(stores.database, randomBytes(32));
  running = [startProjection(stores, projected), startProjection(stores, merged), startProjection(stores, due)];
});
afterAll(async () => {
  await Promise.all(running.map(({ stop }) => stop()));
  await stores.stop();
});

type Row = Readonly<{ calendar_id: string; mode: string; writable: boolean; color: string; time_zone: string | null; sealed: string }>;

/** An account whose calendars are discovered as often as one asks, and what the read models show of it. */
const account = async (...first: readonly DiscoveredCalendar[]) => {
  const { userId, connectionId } = await connectedAccount(stores, keys);
  const discover = async (...found: readonly DiscoveredCalendar[]): Promise<void> => {
    const looked = { connectionId, userId, provider: 'caldav', cause };
    const written = await recordDiscovery(connectionRuntime(stores, keys), looked, found);
    const names = ['calendars', merged.name, due.name];
    await eventually('it is shown', () => readModels(stores.database, [projected, merged, due]).reached(names, written, 20_000));
  };
  await discover(...first);
  const rows = () => stores.database.query<Row>('select * from calendars where connection_id = $1 order by calendar_id', [connectionId]);
  const shown = async (name: string) => {
    const sealer = await keys.connection(userId, connectionId);
    const named = (await rows()).find((row) => sealer.open(`calendar:${row.calendar_id}`, row.sealed).includes(`"${name}"`));
    if (named === undefined) throw new Error(`there is no calendar ${name}`);
    return named;
  };
  const write = async (calendarId: string): Promise<void> => {
    const command = { type: 'ToggleWrite', owner: userId, mode: 'write', at } as const;
    await handle(stores.store, calendar, calendarCodec, { id: calendarId, command, metadata: metadata(), ifMatch: null });
  };
  const factsOf = async (calendarId: string) => (await stores.store.load(`calendar-${calendarId}`, calendarCodec)).map(({ type }) => type);
  const lists = async () =>
    (await stores.store.load(`connection-${connectionId}`, connectionCodec)).filter(({ type }) => type === 'CalendarsDiscovered').length;
  return { userId, connectionId, discover, shown, write, factsOf, lists };
};

describe('What an account says of its calendars, read again', () => {
  it('says nothing while it is the same, however often', async () => {
    const { discover, shown, factsOf, lists } = await account(WORK, HOME);
    for (let time = 0; time < 3; time += 1) await discover(HOME, WORK);
    expect([await lists(), await factsOf((await shown('Work')).calendar_id)]).toEqual([1, ['CalendarAdopted']]);
  });

  it('gives a calendar its new name, colour and zone', async () => {
    const { discover, shown, factsOf } = await account(WORK, HOME);
    const { calendar_id: calendarId } = await shown('Work');
    await discover({ ...WORK, name: 'Office', color: '#445566', timeZone: 'Asia/Tokyo' }, HOME);
    expect(await shown('Office')).toMatchObject({ calendar_id: calendarId, color: '#445566', time_zone: 'Asia/Tokyo' });
    expect(await factsOf(calendarId)).toEqual(['CalendarAdopted', 'CalendarDescribed']);
    expect(await factsOf((await shown('Home')).calendar_id)).toEqual(['CalendarAdopted']);
    const [placed] = await stores.database.query('select time_zone from event_calendars where calendar_id = $1', [calendarId]);
    expect(placed).toEqual({ time_zone: 'Asia/Tokyo' });
  });

  it('lets Juy write to a calendar that was read-only when it was adopted', async () => {
    const { discover, shown, write } = await account({ ...WORK, writable: false });
    const { calendar_id: calendarId } = await shown('Work');
    await expect(write(calendarId)).rejects.toMatchObject({ code: 'calendar.read-only' });
    await discover(WORK);
    await write(calendarId);
    await discover(WORK);
    expect(await shown('Work')).toMatchObject({ writable: true, mode: 'write' });
  });

  it('turns a calendar that may no longer be written back to reading, and tells its owner', async () => {
    const { userId, connectionId, discover, shown, write } = await account(WORK);
    const { calendar_id: calendarId } = await shown('Work');
    await write(calendarId);
    const told = () =>
      stores.database.query(`select 1 from changes where user_id = $1 and connection_id = $2 and change = 'connection-changed'`, [
        userId,
        connectionId,
      ]);
    const before = await eventually('the write mode is told', async () => {
      const rows = await told();
      return rows.length === 3 && rows.length;
    });
    await discover({ ...WORK, writable: false });
    expect(await shown('Work')).toMatchObject({ writable: false, mode: 'read_only' });
    expect((await told()).length).toBeGreaterThan(before);
    await discover(WORK);
    expect(await shown('Work')).toMatchObject({ writable: true, mode: 'read_only' });
  });

  it('gives a sync the address the account writes now, also of a calendar that was adopted without one', async () => {
    const { discover, shown, connectionId, userId } = await account(WORK);
    const { calendar_id: calendarId } = await shown('Work');
    await discover({ ...WORK, address: 'https://dav.example.org/%77ork/' });
    const [synced] = await stores.database.query<{ sealed: string }>('select sealed from sync_state where calendar_id = $1', [calendarId]);
    const sealer = await keys.connection(userId, connectionId);
    expect(sealer.open(`calendar:${calendarId}`, synced?.sealed ?? '')).toContain('%77ork');
  });

  it('gives a calendar that is only listed its new name, and leaves it listed', async () => {
    const { discover, shown, factsOf } = await account(WORK);
    await discover(WORK, HOME);
    await discover(WORK, { ...HOME, name: 'Family' });
    const { calendar_id: calendarId } = await shown('Family');
    expect(await factsOf(calendarId)).toEqual([]);
  });

  it('keeps a calendar the account no longer lists as it was', async () => {
    const { discover, shown, factsOf } = await account(WORK, HOME);
    const { calendar_id: calendarId } = await shown('Home');
    await discover(WORK);
    expect(await shown('Home')).toMatchObject({ calendar_id: calendarId, status: 'adopted' });
    expect(await factsOf(calendarId)).toEqual(['CalendarAdopted']);
  });
});
