import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { DAY } from '../../src/kernel/clock.js';
import { RELAY_TOPICS } from '../../src/relay/topics.contract.js';
import { testEndings } from '../support/opened.js';
import { append, appendTo, at, broker, mirrored, relay as started, revoke, synced, typesOf, type Value } from '../support/relaying.js';
import { eventually, metadata } from '../support/store.js';
import { adopted, lunch, many, projected, startSyncing, stopSyncing, stores } from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);
const atEnd = testEndings();

const SCHEMAS = new Map(RELAY_TOPICS.flatMap(({ messages }) => messages.map(({ type, schema }) => [type, schema] as const)));

const relay = async (...of: Parameters<typeof started>) => {
  const running = await started(...of);
  atEnd(running.stop);
  return running;
};

describe('The relay of connections', () => {
  const topic = 'juy.calendar.connections.v1';

  it('publishes what becomes of an account and its calendars in order, under the ids of the log, and what to drop when it is revoked', async () => {
    const publisher = broker();
    const calendar = await adopted();
    const { userId, connectionId, calendarId } = calendar;
    const never = randomUUID();
    const found = [calendarId, never].map((id) => ({
      calendarId: id,
      writable: true,
      busyOnly: false,
      color: null,
      timeZone: null,
      sealed: 's',
    }));
    await appendTo(connectionId, { type: 'CalendarsDiscovered', userId, provider: 'caldav', calendars: found, at });
    await append(calendar, { type: 'WriteToggled', mode: 'write', at });
    await append(calendar, { type: 'VisibilitySet', visible: false, at });
    await append(calendar, { type: 'SyncFailed', fault: 'unavailable', at });
    await appendTo(connectionId, {
      type: 'ConnectionFailing',
      userId,
      fault: 'access-revoked',
      needsReconnect: true,
      hours: null,
      notice: true,
      at,
    });
    await revoke(calendar);
    await relay(publisher, 'relay_connections');
    await eventually('the revoke is published', () => typesOf(publisher.of(topic, connectionId)).includes('revoked'));
    const told = publisher.of(topic, connectionId);
    expect(typesOf(told)).toEqual([
      'connected',
      'calendar-adopted',
      'write-toggled',
      'visibility-set',
      'sync-failed',
      'failing',
      'revoked',
    ]);
    for (const value of told) expect(SCHEMAS.get(value.type)?.parse(value)).toEqual(value);
    expect(told.at(-1)?.data).toEqual({ userId, connectionId, calendarIds: [calendarId, never] });
    expect(new Set(publisher.messages.filter(({ value }) => value.includes(connectionId)).map(({ key }) => key))).toEqual(
      new Set([connectionId]),
    );
    expect(publisher.messages.every(({ id, value }) => (JSON.parse(value) as Value).id === id)).toBe(true);
  });

  it('publishes again what the broker refused or did not answer for, with the same ids, and loses nothing', async () => {
    const publisher = broker();
    const calendar = await adopted();
    const { health } = await relay(publisher, 'relay_connections');
    await eventually('it has come so far', () => publisher.of(topic, calendar.calendarId).length === 1);
    publisher.failures.push('refused', 'unanswered');
    await append(calendar, { type: 'PrivacySet', privacy: 'full', at });
    await eventually('it is published twice', () => publisher.of(topic, calendar.calendarId).length === 3);
    const told = publisher.of(topic, calendar.calendarId);
    expect(typesOf(told)).toEqual(['calendar-adopted', 'privacy-set', 'privacy-set']);
    expect(told[1]).toEqual(told[2]);
    await eventually('it is well', async () => (await health.run()).find(({ name }) => name === 'relay connections')?.ok);
  });

  it('leaves a fact of a calendar out that cannot be read, notes it, and goes on with everything else', async () => {
    const publisher = broker();
    const calendar = await adopted();
    const broken = { ...calendarCodec, encode: () => ({ type: 'WriteToggled.v1', data: { mode: 'sideways' } }) };
    await stores.store.append(`calendar-${calendar.calendarId}`, null, [{ type: 'SyncRecovered', at }], broken, metadata());
    await append(calendar, { type: 'PrivacySet', privacy: 'full', at });
    await relay(publisher, 'relay_connections');
    await eventually('the next is published', () => typesOf(publisher.of(topic, calendar.calendarId)).includes('privacy-set'));
    expect(typesOf(publisher.of(topic, calendar.calendarId))).toEqual(['calendar-adopted', 'privacy-set']);
    expect(
      await stores.database.query(`select code from set_aside where projection = 'relay_connections' and calendar_id = $1`, [
        calendar.calendarId,
      ]),
    ).toEqual([{ code: 'event-unreadable' }]);
  });
});

describe('The relay of events', () => {
  const topic = 'juy.calendar.events.v1';

  it('has a consumer hold at every moment what the merged calendar holds: as it is read, changed, hidden, shown and revoked', async () => {
    const publisher = broker();
    const calendar = await adopted();
    await relay(publisher, 'relay_events');
    calendar.account.put(...many(3));
    await synced(calendar);
    await mirrored(publisher, calendar, 3);
    const told = () => publisher.of(topic, calendar.calendarId);
    const whole = ['calendar-added', 'present', 'present', 'present', 'calendar-complete'];
    expect(typesOf(told()).filter((type) => type !== 'calendar-removed')).toEqual(whole);
    const before = told().length;
    calendar.account.put(lunch('event-00', 9), lunch('new', 4));
    calendar.account.remove('event-01');
    publisher.failures.push('unanswered');
    await synced(calendar);
    await mirrored(publisher, calendar, 3);
    expect(new Set(typesOf(told().slice(before)))).toEqual(new Set(['added', 'changed', 'removed']));
    await append(calendar, { type: 'VisibilitySet', visible: false, at });
    await mirrored(publisher, calendar, 0);
    await append(calendar, { type: 'VisibilitySet', visible: true, at });
    await mirrored(publisher, calendar, 3);
    await revoke(calendar);
    await mirrored(publisher, calendar, 0);
    for (const value of told()) expect(SCHEMAS.get(value.type)?.parse(value)).toEqual(value);
    expect(typesOf(told()).at(-1)).toBe('calendar-removed');
  });

  it('publishes everything whole when it comes later than changes are kept, and that what is no more is gone', async () => {
    const publisher = broker();
    const [kept, gone] = [await adopted(), await adopted()];
    for (const calendar of [kept, gone]) {
      calendar.account.put(lunch('lunch', 1), lunch('dinner', 2));
      await synced(calendar);
    }
    const first = await relay(publisher, 'relay_events');
    await mirrored(publisher, kept, 2);
    await mirrored(publisher, gone, 2);
    await first.stop();
    kept.account.remove('dinner');
    await synced(kept);
    await revoke(gone);
    await projected();
    // As if 31 days had gone.
    await stores.database.query('delete from changes');
    const { metrics } = await relay(publisher, 'relay_events', 31 * DAY);
    await mirrored(publisher, kept, 1);
    await mirrored(publisher, gone, 0);
    expect(await metrics.page()).toContain('relay_whole_total{reason="late"} 1');
  });

  it('publishes everything whole when the merged calendar was built again while it followed', async () => {
    const publisher = broker();
    const calendar = await adopted();
    calendar.account.put(lunch('lunch', 1), lunch('dinner', 2));
    await synced(calendar);
    const { metrics, health } = await relay(publisher, 'relay_events');
    await mirrored(publisher, calendar, 2);
    await stores.database.transaction(async (sql) => {
      await sql.query(
        `delete from user_calendar_events where calendar_id = $1 and series = (select max(series) from user_calendar_events where calendar_id = $1)`,
        [calendar.calendarId],
      );
      await sql.query(`select set_config('calendar.meaning', meaning::text, true) from checkpoint where name = 'user_calendar_events'`);
      await sql.query(`update checkpoint set begun_at = clock_timestamp() where name = 'user_calendar_events'`);
    });
    await mirrored(publisher, calendar, 1);
    expect(await metrics.page()).toContain('relay_whole_total{reason="built-again"} 1');
    const before = publisher.messages.length;
    await append(calendar, { type: 'VisibilitySet', visible: false, at });
    await mirrored(publisher, calendar, 0);
    expect(publisher.messages.slice(before).map(({ value }) => (JSON.parse(value) as Value).type)).toEqual([
      'juy.calendar.events.calendar-removed.v1',
    ]);
    await eventually('it is well', async () => (await health.run()).find(({ name }) => name === 'relay events')?.ok);
  });
});

describe('The relay of the audit trail', () => {
  it('publishes one message for every event of the log, keyed by whom it is about, and nothing that stands in it', async () => {
    const publisher = broker();
    const calendar = await adopted();
    calendar.account.put(lunch('Zanzibar-Marker', 1, 'Zanzibar-Marker'));
    await synced(calendar);
    await relay(publisher, 'relay_audit');
    const head = await stores.store.head();
    await eventually('it has come to the end of the log', async () => {
      const [row] = await stores.database.query<{ position: string | null }>(`select position from checkpoint where name = 'relay_audit'`);
      return BigInt(row?.position ?? -1) >= (head?.position ?? 0n);
    });
    const told = publisher.of('juy.calendar.audit.v1', calendar.calendarId);
    for (const value of told) expect(SCHEMAS.get(value.type)?.parse(value)).toEqual(value);
    const stream = await stores.store.lastRevision(`calendar-${calendar.calendarId}`);
    expect(told.filter(({ data }) => (data['stream'] as { category: string }).category === 'calendar').length).toBe(Number(stream) + 1);
    expect(publisher.messages.some(({ value }) => value.includes('Zanzibar-Marker'))).toBe(false);
    expect(publisher.messages.every(({ key }) => key !== '')).toBe(true);
  });
});
