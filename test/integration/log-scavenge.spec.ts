import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, streamNameFilter } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { feedCodec } from '../../src/sync/feed.codec.js';
import { calendarCleanUps } from '../../src/sync/feeds.cleanup.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { countedStore, logStanding } from '../../src/infra/eventstore/counted.store.js';
import { operationsOf } from '../../src/infra/eventstore/operations.client.js';
import { logCleanUps } from '../../src/infra/eventstore/scavenge.cleanup.js';
import { rebuildProjection } from '../../src/infra/postgres/projection.rebuild.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { type Database } from '../../src/kernel/sql.js';
import { writeChangeCursor } from '../../src/merged-events/changes/change-cursor.js';
import { admitChangeCursor, endOfChanges } from '../../src/merged-events/changes/changes.sql.js';
import { NOW } from '../support/builders.js';
import { noted, until } from '../support/event-store.js';
import { metadata, SILENT } from '../support/store.js';
import {
  type Adopted,
  adopted,
  chunks,
  claim,
  dyingAt,
  lunch,
  merged,
  passTime,
  replay,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
} from '../support/synced-calendar.js';

const DAY = 86_400_000;
const UNHURRIED: Lease = { epoch: 0n, permit: () => Promise.resolve(), signal: new AbortController().signal };

let client: EventStoreDBClient;
let present = NOW;

beforeAll(async () => {
  await startSyncing();
  client = EventStoreDBClient.connectionString(stores.engines.eventStoreUrl);
});

afterAll(async () => {
  await client.dispose();
  await stopSyncing();
});

const clock = { now: () => present };

const sync = async (calendar: Adopted): Promise<void> => {
  const { row, lease } = await claim(calendar);
  await syncCalendar({ ...runtimeOf(calendar), store: countedStore(stores.store, stores.database, clock) })(row, lease);
};

/** Lets so many days pass, for the syncs and for what is counted. */
const days = (count: number): void => {
  passTime(count * DAY);
  present += count * DAY;
};

const look = async (database: Database = stores.database, operations = stores.operations): Promise<number> => {
  const [task] = logCleanUps({ database, operations, clock, log: SILENT });
  return (await task?.remove(present, UNHURRIED)) ?? 0;
};

/** The events of a calendar's feed that are in the log, whether a reader of the feed sees them or not. */
const logged = async ({ calendarId }: Adopted): Promise<readonly bigint[]> => {
  const revisions: bigint[] = [];
  for await (const { event } of client.readAll()) if (event?.streamId === `feed-${calendarId}`) revisions.push(event.revision);
  return revisions;
};

const scavenges = async (): Promise<number> => {
  const streams = new Set<string>();
  for await (const { event } of client.readAll()) if (event?.streamId.startsWith('$scavenges-') === true) streams.add(event.streamId);
  return streams.size;
};

/** A calendar with a superseded generation in its feed. */
const renewed = async (): Promise<Adopted> => {
  present = NOW;
  await stores.database.query('delete from log_chunk');
  await stores.database.query('delete from log_scavenge');
  const calendar = await adopted();
  calendar.account.put(lunch('lunch', 20), lunch('dinner', 21));
  await sync(calendar);
  expect(await logStanding(stores.database)).toMatchObject({ hidden: 0, hiddenSince: null });
  days(15);
  calendar.account.put(lunch('lunch', 20, 'brunch'));
  await sync(calendar);
  return calendar;
};

const rowsIn = async (table: string, { calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ line: string }>(
    `select t::text as line from ${table} t where calendar_id = $1 order by line`,
    [calendarId],
  );
  return rows.map(({ line }) => line);
};

describe('What a new generation hides in the log', () => {
  it('is counted, and stays for a week as long as it is little', async () => {
    const calendar = await renewed();
    const { bytes, hidden, hiddenSince } = await logStanding(stores.database);
    expect(hidden).toBeGreaterThan(800);
    expect(bytes).toBeGreaterThan(hidden);
    expect(hiddenSince).toBe(present);
    days(6);
    expect(await look()).toBe(0);
    expect(await logged(calendar)).toEqual([0n, 1n]);
  });

  it('goes from the log then, while what is shown stays, also when it is projected from the first event', async () => {
    const calendar = await renewed();
    const tables = ['user_calendar_events', 'event_contents'];
    expect(await shown(calendar)).toEqual(['brunch', 'dinner']);
    const before = await Promise.all(tables.map((table) => rowsIn(table, calendar)));
    days(8);
    expect(await look()).toBe(1);
    expect(await logged(calendar)).toEqual([1n]);
    expect(await logStanding(stores.database)).toMatchObject({ hidden: 0, hiddenSince: null });
    await replay();
    expect(await shown(calendar)).toEqual(['brunch', 'dinner']);
    expect(await Promise.all(tables.map((table) => rowsIn(table, calendar)))).toEqual(before);
    expect(await chunks(calendar)).toHaveLength(1);
  });

  it('is not what is held of an object that could not be read since, through as many generations as there are', async () => {
    const calendar = await renewed();
    const tables = ['user_calendar_events', 'event_contents'];
    calendar.account.put(lunch('dinner', 62));
    await sync(calendar);
    calendar.account.spoil('dinner');
    for (let generation = 0; generation < 3; generation += 1) {
      days(15);
      calendar.account.put(lunch('lunch', 60, `brunch ${generation}`));
      await sync(calendar);
    }
    calendar.account.put(lunch('later', 61));
    await sync(calendar);
    const titles = ['brunch 2', 'later', 'dinner'];
    expect(await shown(calendar)).toEqual(titles);
    expect((await chunks(calendar)).flatMap(({ upserts }) => upserts.map(({ changed }) => changed))).toEqual([true, false, true]);
    const before = await Promise.all(tables.map((table) => rowsIn(table, calendar)));
    days(8);
    expect(await look()).toBeGreaterThan(0);
    await replay();
    expect(await shown(calendar)).toEqual(titles);
    expect(await Promise.all(tables.map((table) => rowsIn(table, calendar)))).toEqual(before);
    // Mended at last, it is the object it always was.
    calendar.account.put(lunch('dinner', 62, 'supper'));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['brunch 2', 'later', 'supper']);
  });

  it('keeps no reading from its end where a part of it cannot be decoded', async () => {
    const calendar = await renewed();
    const stored = feedCodec.reads.at(-1) ?? '';
    const broken = { ...feedCodec, encode: () => ({ type: stored, data: { generation: 'none' } }) };
    const last = (await chunks(calendar)).at(-1);
    if (last === undefined) throw new Error('nothing was read');
    await stores.store.append(`feed-${calendar.calendarId}`, null, [last], broken, metadata());
    calendar.account.spoil('dinner');
    calendar.account.put(lunch('lunch', 20, 'again'));
    days(15);
    await sync(calendar);
    expect((await chunks(calendar)).flatMap(({ upserts }) => upserts.map(({ ref }) => ref))).toHaveLength(1);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
  });

  it('takes old changes from a read model that is built again, so that cursors from before are told to begin again', async () => {
    const calendar = await renewed();
    await shown(calendar);
    const cursor = writeChangeCursor(await endOfChanges(stores.database, Date.now()));
    const rebuild = () => rebuildProjection(stores, merged, () => undefined, new AbortController().signal);
    await rebuild();
    await admitChangeCursor(stores.database, cursor, Date.now());
    days(8);
    await look();
    await admitChangeCursor(stores.database, cursor, Date.now());
    await rebuild();
    await expect(admitChangeCursor(stores.database, cursor, Date.now())).rejects.toMatchObject({ code: 'changes.cursor-expired' });
    const fresh = writeChangeCursor(await endOfChanges(stores.database, Date.now() + 1));
    await admitChangeCursor(stores.database, fresh, Date.now());
    expect(await shown(calendar)).toEqual(['brunch', 'dinner']);
  });

  it('is looked for at most every 20 hours', async () => {
    await renewed();
    days(8);
    await look();
    const began = await scavenges();
    days(0.5);
    await stores.database.query(`insert into log_chunk values ('feed-x', 0, 100000000, $1)`, [new Date(present).toISOString()]);
    await look();
    expect(await scavenges()).toBe(began);
    days(0.5);
    expect(await look()).toBe(1);
    expect(await scavenges()).toBe(began + 1);
  });

  it.each(['set scavenge_id', 'set ended_at', 'delete from log_chunk'])(
    'goes by the next look when the process dies where it would `%s`',
    async (words) => {
      const calendar = await renewed();
      days(8);
      await expect(look(dyingAt(words))).rejects.toThrow('died');
      expect(await look()).toBe(1);
      expect(await logged(calendar)).toEqual([1n]);
    },
  );

  it('goes from every node that the connection string names', async () => {
    const calendar = await renewed();
    days(8);
    const [authority = '', host = ''] = /\/\/(?:[^/?]*@)?([^@/?]*)/.exec(stores.engines.eventStoreUrl) ?? [];
    const several = operationsOf(
      client,
      stores.engines.eventStoreUrl.replace(authority, `${authority},${host.replace('localhost', '127.0.0.1')}`),
    );
    expect(await look(stores.database, several)).toBe(1);
    expect(await logged(calendar)).toEqual([1n]);
    const rows = await stores.database.query('select result from log_scavenge');
    expect(rows).toEqual([{ result: 'Success' }, { result: 'Success' }]);
    const discovering = operationsOf(client, stores.engines.eventStoreUrl.replace(/^esdb:/, 'esdb+discover:'));
    expect(await discovering.nodes()).toEqual([host]);
  });

  it('stays, and is said to stay, where the user of the event store may not scavenge', async () => {
    const calendar = await renewed();
    days(8);
    const stranger = operationsOf(client, stores.engines.eventStoreUrl.replace(/\/\/.*?@/, '//admin:guessed@'));
    expect(await look(stores.database, stranger)).toBe(0);
    expect(await stores.database.query('select result from log_scavenge')).toEqual([{ result: 'Refused' }]);
    expect(await logged(calendar)).toEqual([0n, 1n]);
    expect((await logStanding(stores.database)).hidden).toBeGreaterThan(0);
  });
});

describe('A feed that has expired', () => {
  it('leaves no contents in the log, though a store keeps the newest event of each stream', async () => {
    const calendar = await renewed();
    const { store, database } = { ...stores, store: countedStore(stores.store, stores.database, clock) };
    days(31);
    const expiry = calendarCleanUps({ database, store, entropy: { uuid: () => randomUUID(), fraction: () => 0.5 } })[0];
    expect(await expiry?.remove(present, UNHURRIED)).toBeGreaterThan(0);
    days(8);
    expect(await look()).toBeGreaterThan(0);
    const contents: unknown[] = [];
    for await (const { event } of client.readAll())
      if (event?.streamId === `feed-${calendar.calendarId}`) contents.push(...(event.data as { upserts: unknown[] }).upserts);
    expect(contents).toEqual([]);
    await replay();
    expect(await shown(calendar)).toEqual([]);
    calendar.account.put(lunch('supper', 60));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['supper']);
  });
});

describe('A scavenge while the service works', () => {
  it('loses and doubles nothing for those who append and those who follow the log', async () => {
    const calendar = await renewed();
    days(8);
    const mark = `busy${calendar.calendarId.replaceAll('-', '')}`;
    const texts = Array.from({ length: 400 }, (_, index) => String(index));
    const following = until(
      client.subscribeToAll({ filter: streamNameFilter({ prefixes: [`${mark}-`] }) }),
      (seen) => seen.length === texts.length,
    );
    const appending = (async () => {
      for (const text of texts) await client.appendToStream(`${mark}-1`, noted(text));
    })();
    expect(await look()).toBe(1);
    await appending;
    expect(await following).toEqual(texts);
  });
});
