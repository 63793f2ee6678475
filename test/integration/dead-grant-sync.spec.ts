import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type AccountEvent } from '../../src/calendar/account-events.js';
import { calendarCodec, calendarFamily } from '../../src/calendar/calendar.codec.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { linked } from '../support/account.js';
import { NOW } from '../support/builders.js';
import { suiteResources } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, metadata, openStores, type Stores } from '../support/store.js';

const at = new Date(NOW).toISOString();

const opened = suiteResources();
let stores: Stores;
beforeAll(async () => {
  stores = await opened(openStores());
  await opened(Promise.resolve(startProjection<AccountEvent>(stores, schedule([connectionFamily, calendarFamily]))));
});

describe('A sync that somebody waits for', () => {
  it('ends when the grant of the account dies before all of its calendars were read', async () => {
    const { store, database } = stores;
    const [userId, connectionId, calendarId, syncId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const described = { writable: true, busyOnly: false, color: null, timeZone: null, sealed: 'a' };
    const adopted = { type: 'CalendarAdopted', connectionId, userId, provider: 'caldav', ...described, at } as const;
    await store.append(`connection-${connectionId}`, -1n, [linked(userId)], connectionCodec, metadata());
    await store.append(`calendar-${calendarId}`, -1n, [adopted], calendarCodec, metadata());
    await eventually('it is scheduled', async () => {
      const rows = await database.query('select 1 from sync_state where calendar_id = $1', [calendarId]);
      return rows.length > 0;
    });
    await database.query(
      `insert into sync_run (sync_id, calendar_id, user_id, requested_at, full_read, state) values ($1, $2, $3, $4, false, 'queued')`,
      [syncId, calendarId, userId, at],
    );
    const failing = {
      type: 'ConnectionFailing',
      userId,
      fault: 'access-revoked',
      needsReconnect: true,
      hours: null,
      notice: true,
      at,
    } as const;
    await store.append(`connection-${connectionId}`, 0n, [failing], connectionCodec, metadata());
    const [ended] = await eventually('it has ended', async () => {
      const rows = await database.query('select state, code from sync_run where sync_id = $1 and finished_at is not null', [syncId]);
      return rows.length > 0 && rows;
    });
    expect(ended).toEqual({ state: 'failed', code: 'access-revoked' });
  });
});
