import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { calendars } from '../../src/calendar/calendars.projection.js';
import { ChooseHandler } from '../../src/calendar/choose.handler.js';
import { recordDiscovery } from '../../src/connection/account.discovery.js';
import { connectionFamily } from '../../src/connection/connection.codec.js';
import { openDatabase, type Postgres } from '../../src/infra/postgres/database.postgres.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type EventStore } from '../../src/kernel/event-store.js';
import { type Written } from '../../src/kernel/projection.js';
import { type Vault } from '../../src/kernel/vault.js';
import { ChangeSettingsHandler } from '../../src/preference/change-settings.handler.js';
import { preferences } from '../../src/preference/preferences.projection.js';
import { ChangeSettings } from '../../src/preference/settings.commands.js';
import { type SettingsChange } from '../../src/preference/settings.contract.js';
import { MySettings, MySettingsHandler } from '../../src/preference/settings.query.js';
import { connectedAccount, connectionRuntime } from '../support/account.js';
import { NOW } from '../support/builders.js';
import { suiteResources } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { cause, eventually, metadata, openStores, SILENT, type Stores } from '../support/store.js';

const POOL = 3;
const projected = calendars([connectionFamily, calendarFamily]);
const opened = suiteResources();
let stores: Stores;
let keys: Vault;
let small: Postgres;
beforeAll(async () => {
  stores = await opened(openStores());
  keys = vault(stores.database, randomBytes(32));
  const running = [startProjection(stores, projected), startProjection(stores, preferences)];
  for (const each of running) await opened(Promise.resolve(each));
  small = await openDatabase(stores.engines.databaseUrl('juy'), SILENT, POOL);
});
afterAll(() => small.close());

const clock = { now: () => NOW };
const entropy = { uuid: () => randomUUID(), fraction: () => 0.5 };
const handlerOn = (store: EventStore): ChangeSettingsHandler =>
  new ChangeSettingsHandler(store, new ChooseHandler(store, small, entropy), keys, clock, entropy);

const shows = (written: Written): Promise<boolean> =>
  readModels(stores.database, [projected, preferences]).reached([projected.name, preferences.name], written, 20_000);

/** A person with some calendars, who changes settings and reads them. */
const person = async (count: number) => {
  const { userId, connectionId } = await connectedAccount(stores, keys);
  const found = Array.from({ length: count }, (_, index) => ({
    remoteId: `/${index}/`,
    address: `/${index}/`,
    name: `calendar ${index}`,
    color: null,
    writable: true,
    busyOnly: false,
    timeZone: null,
  }));
  const written = await recordDiscovery(connectionRuntime(stores, keys), { connectionId, userId, provider: 'caldav', cause }, found);
  await eventually('the calendars are there', () => shows(written));
  const actor = { userId, roles: ['user'], teams: [] } as const;
  const change = async (changed: SettingsChange, ifMatch: string | null = null, store: EventStore = stores.store): Promise<void> => {
    const told = await handlerOn(store).execute(new ChangeSettings(actor, changed, ifMatch, cause));
    await eventually('it is shown', () => shows(told.written));
  };
  const read = () => new MySettingsHandler(stores.database, keys).execute(new MySettings(actor));
  const ids = (await read()).view.calendars.map(({ calendarId }) => calendarId);
  return { userId, change, read, ids };
};

/** An event store that keeps everybody waiting who appends, until it is let go. */
const slow = () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let waiting = 0;
  const append: EventStore['append'] = async (...given) => {
    waiting += 1;
    await gate;
    return stores.store.append(...given);
  };
  return {
    store: { ...stores.store, append },
    open: () => {
      open();
    },
    waiting: () => waiting,
  };
};

/** An event store in which somebody is quicker, once, before the first append to a stream of a kind. */
const overtaken = (prefix: string, by: () => Promise<void>): EventStore => {
  let once = false;
  return {
    ...stores.store,
    append: async (stream, ...rest) => {
      if (!once && stream.startsWith(prefix)) {
        once = true;
        await by();
      }
      return stores.store.append(stream, ...rest);
    },
  };
};

const code = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : error instanceof Error ? error.name : error;

describe('Changing settings while the event store is slow', () => {
  it('takes no database connection away from anybody, however many do it', async () => {
    const people = await Promise.all(Array.from({ length: POOL * 3 }, () => person(1)));
    const { store, open, waiting } = slow();
    const changes = people.map(({ change, ids }) =>
      change({ calendars: ids.map((calendarId) => ({ calendarId, visible: false })) }, null, store),
    );
    await eventually('all of them wait for it', () => waiting() === people.length);
    expect(small.pool()).toMatchObject({ busy: 0, waiting: 0 });
    expect(await small.query('select 1 as one')).toEqual([{ one: 1 }]);
    open();
    await Promise.all(changes);
    for (const { read } of people) expect((await read()).view.calendars).toMatchObject([{ visible: false }]);
  });
});

describe('Changes of settings that saw the same', () => {
  const racing = async (first: (ids: readonly string[]) => SettingsChange, second: (ids: readonly string[]) => SettingsChange) => {
    const { change, read, ids } = await person(2);
    const { tag } = await read();
    const outcomes = await Promise.allSettled([change(first(ids), tag), change(second(ids), tag)]);
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : code(outcome.reason))).sort();
  };
  const hide =
    (...indexes: readonly number[]) =>
    (ids: readonly string[]): SettingsChange => ({
      calendars: indexes.map((index) => ({ calendarId: ids[index] ?? '', visible: false })),
    });
  const live = () => ({ timeZone: 'Europe/Paris' });

  it.each([
    ['one calendar', hide(0), hide(0)],
    ['two calendars, in another order', hide(0, 1), hide(1, 0)],
    ['different calendars', hide(0), hide(1)],
    ['a calendar and the person', hide(0), live],
  ])('and are about %s are told apart: one is made, the other refused', async (_, first, second) => {
    const [made, refused] = await racing(first, second);
    const outcomes = [refused, made].map(String);
    expect(outcomes.filter((each) => each !== 'done')).toEqual([expect.stringMatching(/request.stale|WrongRevision/)]);
  });

  it('are refused when another was made between the look and the write, about anything, and with or without a condition', async () => {
    for (const condition of [true, false]) {
      const { change, read, ids } = await person(2);
      const { tag } = await read();
      const quicker = overtaken('preference-', () => change(hide(1)(ids), condition ? tag : null));
      await expect(change(hide(0)(ids), tag, quicker)).rejects.toMatchObject({ name: 'WrongRevision' });
      expect((await read()).view.calendars.filter(({ visible }) => !visible).map(({ calendarId }) => calendarId)).toEqual([ids[1]]);
    }
  });
});

describe('A change of settings that loses a race', () => {
  it('is decided again on what is there then, also when it named what it saw and a sync was quicker', async () => {
    const { change, read, ids } = await person(1);
    const { tag } = await read();
    const [calendarId = ''] = ids;
    const failed = { type: 'SyncFailed', fault: 'unavailable', at: new Date(NOW).toISOString() } as const;
    const sync = async (): Promise<void> => {
      await stores.store.append(`calendar-${calendarId}`, null, [failed], calendarCodec, metadata());
    };
    await change({ calendars: [{ calendarId, mode: 'write' }] }, tag, overtaken('calendar-', sync));
    expect((await read()).view.calendars).toMatchObject([{ mode: 'write' }]);
  });

  it('is made all the same when a hundred others are made at once and none names what it saw', async () => {
    const { userId, read, ids } = await person(2);
    const actor = { userId, roles: ['user'], teams: [] } as const;
    const handler = handlerOn(stores.store);
    const zones = ['Asia/Tokyo', 'Europe/Paris', 'America/Lima'];
    const changes = Array.from({ length: 120 }, (_, index): SettingsChange =>
      index % 2 === 0
        ? { timeZone: zones[index % 3] ?? null }
        : { calendars: ids.map((calendarId) => ({ calendarId, visible: index % 4 === 1 })) },
    );
    const told = await Promise.all(changes.map((each) => handler.execute(new ChangeSettings(actor, each, null, cause))));
    for (const { written } of told) await eventually('it is shown', () => shows(written));
    expect(zones).toContain((await read()).view.timeZone);
  });

  it('keeps what the quicker one chose beside it', async () => {
    const { change, read } = await person(0);
    const quicker = overtaken('preference-', () => change({ timeZone: 'Asia/Tokyo' }));
    await change({ tentativeIsBusy: false }, null, quicker);
    expect((await read()).view).toMatchObject({ timeZone: 'Asia/Tokyo', tentativeIsBusy: false });
  });

  it('changes nothing, and no tag, when it is refused or names what is so already', async () => {
    const { change, read, ids } = await person(2);
    const { tag } = await read();
    await change({ calendars: ids.map((calendarId) => ({ calendarId, visible: true })), tentativeIsBusy: true }, tag);
    const unknown = {
      calendars: [
        { calendarId: ids[0] ?? '', visible: false },
        { calendarId: randomUUID(), visible: false },
      ],
    };
    await expect(change(unknown, tag)).rejects.toMatchObject({ code: 'calendar.unknown' });
    expect((await read()).tag).toBe(tag);
  });
});
