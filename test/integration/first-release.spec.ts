import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { feedCodec } from '../../src/sync/feed.codec.js';
import { type DeltaSynced } from '../../src/sync/feed.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { openDatabase, type Postgres } from '../../src/infra/postgres/database.postgres.js';
import { Schema1763800000000 } from '../../src/infra/postgres/migrations/schema.migration.js';
import { NOW, TIMING } from '../support/builders.js';
import { linked } from '../support/account.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, openStores, SILENT, type Stores } from '../support/store.js';
import { merged } from '../support/synced-calendar.js';

const at = new Date(NOW).toISOString();
const [userId, connectionId, calendarId] = [randomUUID(), randomUUID(), randomUUID()];
const window = { start: new Date(NOW - 30 * 86_400_000).toISOString(), end: new Date(NOW + 365 * 86_400_000).toISOString() };

const adopted: CalendarEvent = {
  type: 'CalendarAdopted',
  connectionId,
  userId,
  provider: 'caldav',
  writable: true,
  busyOnly: false,
  color: null,
  timeZone: 'UTC',
  sealed: 'a',
  at,
};

/** An event at ten. */
const delta: DeltaSynced = {
  type: 'DeltaSynced',
  calendarId,
  userId,
  generation: 1,
  window,
  upserts: [
    {
      ref: 'ref',
      series: 'series',
      changed: true,
      hash: 'hash',
      components: [{ ...TIMING, start: { wall: `${at.slice(0, 10)}T10:00:00`, zone: 'UTC' }, copy: 'copy' }],
      zones: {},
      eventType: 'default',
      meeting: null,
      problems: [],
      sealed: 'sealed',
    },
  ],
  removals: [],
  kept: [],
  final: true,
  at,
};

describe('A database of the first release', () => {
  const atEnd = testEndings();
  let stores: Stores;
  let old: Postgres;
  beforeAll(async () => {
    stores = await openStores();
  });
  afterAll(async () => {
    await old.close();
    await stores.stop();
  });

  /** Its tables, with rows as that release left them: the event stands at nine. */
  const leave = async (url: string, position: bigint): Promise<void> => {
    const first = await new DataSource({ type: 'postgres', url, migrations: [Schema1763800000000] }).initialize();
    await first.runMigrations();
    await first.query('insert into checkpoint (name, position, applied) values ($1, $2, $2), ($3, $2, $2)', [
      merged.name,
      position,
      'connections',
    ]);
    await first.query(
      `insert into event_calendars (calendar_id, connection_id, user_id, provider, time_zone, window_start, window_end, whole)
       values ($1, $2, $3, 'caldav', 'UTC', $4, $5, true)`,
      [calendarId, connectionId, userId, window.start, window.end],
    );
    await first.query(
      `insert into event_contents (calendar_id, ref, series, generation, timings, unplaced, sealed, hash)
       values ($1, 'ref', 'series', 1, '{}', false, 'sealed', 'hash')`,
      [calendarId],
    );
    await first.query(
      `insert into user_calendar_events (calendar_id, series, original, ref, component, user_id, provider, generation, start_at, end_at, all_day,
         floating, status, busy, private, recurring, copy)
       values ($1, 'series', '', 'ref', 0, $2, 'caldav', 1, $3, $4, false, false, 'confirmed', 'busy', false, false, 'copy')`,
      [calendarId, userId, `${at.slice(0, 10)}T09:00:00Z`, `${at.slice(0, 10)}T10:00:00Z`],
    );
    await first.destroy();
  };

  const starts = async (): Promise<readonly string[]> =>
    (await old.query<{ start_at: Date }>('select start_at from user_calendar_events order by 1')).map(({ start_at }) =>
      start_at.toISOString().slice(11, 16),
    );

  it('opens with its rows, builds those again that have come to mean something else, and goes on', async () => {
    const { store, engines } = stores;
    await store.append(`connection-${connectionId}`, -1n, [linked(userId)], connectionCodec, metadata());
    await store.append(`calendar-${calendarId}`, -1n, [adopted], calendarCodec, metadata());
    const { position } = await store.append(`feed-${calendarId}`, -1n, [delta], feedCodec, metadata());
    await stores.database.query('create database first_release');
    const url = new URL(engines.databaseUrl('juy'));
    url.pathname = '/first_release';
    await leave(url.href, position);
    old = await openDatabase(url.href, SILENT);
    expect(await starts()).toEqual(['09:00']);
    const { progress, stop } = startProjection({ ...stores, database: old }, merged, { standingBy: 20 });
    atEnd(stop);
    await eventually('the rows are those of this version', async () => (await starts()).join() === '10:00');
    await eventually('it is live', () => progress.live);
    const meanings = await old.query('select name, meaning from checkpoint order by name');
    expect(meanings).toEqual([
      { name: 'connections', meaning: 1 },
      { name: merged.name, meaning: merged.meaning },
    ]);
    const later = { ...delta, upserts: [], removals: ['ref'], final: false };
    await store.append(`feed-${calendarId}`, null, [later], feedCodec, metadata());
    await eventually('what comes is applied', async () => (await starts()).length === 0);
  });
});
