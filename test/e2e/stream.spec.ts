import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DAY, icsOf } from '../support/calendar-item.js';
import { startEngines } from '../support/engines.js';
import { openEventStream } from '../support/event-stream.js';
import { dayFromNow, icsOfEvent, stampOn } from '../support/events.js';
import { suiteResources } from '../support/opened.js';
import { runProgram } from '../support/program.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, seedItems } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { writeChangeCursor } from '../../src/merged-events/changes/change-cursor.js';
import { type ChangePage } from '../../src/merged-events/changes/changes.contract.js';

const REBUILD = fileURLToPath(new URL('../../dist/programs/rebuild.tool.js', import.meta.url));

const items = seedItems({ events: 12, seed: 5, from: new Date(Math.floor(Date.now() / DAY) * DAY), recurring: 0 });

describe('The stream of a person, served by two processes', () => {
  const opened = suiteResources();
  let radicale: Radicale;
  let calendar: string;
  let [first, second]: [Service?, Service?] = [];
  let ada: Client;
  let token: string;
  let connection: ConnectionView;
  let settings: Readonly<Record<string, string>>;
  let rows: (sql: string) => Promise<{ rowCount: number | null }>;

  const url = (service: Service | undefined, query = '') => `${service?.url ?? ''}/v1/calendar/stream${query}`;
  const open = (service: Service | undefined, headers: Readonly<Record<string, string>> = {}) =>
    openEventStream(url(service), { authorization: `Bearer ${token}`, ...headers });
  const put = async (from: number, to: number): Promise<void> => {
    for (const item of items.slice(from, to)) await radicale.put(calendar, fileOf(item), icsOf(item));
  };

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    const engines = await opened(startEngines());
    const database = new pg.Client({ connectionString: engines.databaseUrl('juy') });
    await database.connect();
    await opened(Promise.resolve({ stop: () => database.end() }));
    rows = (sql) => database.query(sql);
    settings = {
      DATABASE_URL: engines.databaseUrl('juy'),
      EVENTSTORE_URL: engines.eventStoreUrl,
      MASTER_KEY: randomBytes(32).toString('base64'),
    };
    first = await opened(startService(settings));
    second = await opened(startService({ ...settings, ROLE: 'api' }));
    ada = await first.as('ada');
    token = await first.token('ada');
    calendar = await radicale.makeCalendar('work');
    await put(0, 5);
  });

  it('tells in either process that a connection was made, and how its first reading ends', async () => {
    const streams = [await open(first), await open(second)];
    connection = await ada.connect(radicale);
    for (const stream of streams) {
      expect(stream.headers.get('content-type')).toBe('text/event-stream');
      expect((await stream.next('connection-changed')).data).toEqual({ connectionId: connection.connectionId });
      expect((await stream.next('events-changed')).data).toMatchObject({ calendarIds: [connection.calendars[0]?.calendarId], range: null });
      stream.close();
    }
    await ada.settled();
  });

  it('tells how a sync gets on, what it brought, and shows it to a client that reads then', async () => {
    const stream = await open(second);
    await put(5, 8);
    const { body } = await ada.request<{ syncId: string }>('POST', '/v1/calendar/sync', {});
    const changed = await stream.next('events-changed');
    expect(changed.data).toMatchObject({ calendarIds: [connection.calendars[0]?.calendarId], changes: 3 });
    const { start, end } = changed.data['range'] as { start: string; end: string };
    expect((await ada.events(`${start}/${end}`)).length).toBeGreaterThanOrEqual(3);
    const done = await stream.next('sync-progress', ({ data }) => data['state'] === 'done');
    expect(done.data).toMatchObject({ syncId: body.syncId, calendars: [{ state: 'done' }] });
    stream.close();
  });

  it('goes on where it was cut off, in the other process', async () => {
    const stream = await open(first);
    await put(8, 9);
    await ada.sync();
    const { id } = await stream.next('events-changed');
    stream.close();
    await stream.ended;
    await put(9, 11);
    await ada.sync();
    const again = await open(second, { 'last-event-id': id });
    expect((await again.next('events-changed')).data).toMatchObject({ changes: 2 });
    expect(again.messages.filter(({ event }) => event === 'resync')).toEqual([]);
    again.close();
    const { body } = await ada.request<ChangePage>('GET', `/v1/calendar/changes?after=${id}`);
    expect(body.items).toHaveLength(2);
  });

  it('asks a client to read everything again whose place is too old, and goes on from there', async () => {
    const old = writeChangeCursor({ position: 0n, part: 1, at: Date.now() - 31 * DAY });
    const stream = await open(first, { 'last-event-id': old });
    expect((await stream.next('resync')).data).toEqual({ code: 'changes.cursor-expired' });
    await put(11, 12);
    await ada.sync();
    expect((await stream.next('events-changed')).data).toMatchObject({ changes: 1 });
    expect((await ada.request('GET', `/v1/calendar/changes?after=${old}`)).status).toBe(410);
    stream.close();
  });

  it('names a calendar of which more changed than is told one by one, as the change feed does, and goes on behind that', async () => {
    const stream = await open(second);
    const { body: end } = await ada.request<ChangePage>('GET', '/v1/calendar/changes');
    const often = icsOfEvent('often', [`DTSTART:${stampOn(dayFromNow(1), '000000')}`, 'DURATION:PT5M', 'RRULE:FREQ=MINUTELY;COUNT=2500']);
    await radicale.put(calendar, 'often.ics', often);
    await ada.sync();
    const calendarId = connection.calendars[0]?.calendarId;
    const told = await stream.next('calendar-changed');
    expect(told.data).toEqual({ calendarId });
    const { body } = await ada.request<ChangePage>('GET', `/v1/calendar/changes?after=${end.nextCursor}`);
    expect(body.items).toMatchObject([{ change: 'calendar-changed', calendarId, event: null }]);
    expect(body.more).toBe(false);
    await eventually('a worker has placed what is not placed at once', async () => {
      const { rowCount } = await rows(
        `select 1 from placement union all select 1 from event_series where repetitions > 2000 and share < 2500`,
      );
      return rowCount === 0;
    });
    await radicale.delete(calendar, 'often.ics');
    // Most of the calendar goes: the first reading holds that back, and the second takes it for what was meant.
    await ada.sync();
    await ada.sync();
    const { body: later } = await ada.request<ChangePage>('GET', `/v1/calendar/changes?after=${body.nextCursor}`);
    expect(later.items.map(({ change }) => change)).toContain('calendar-changed');
    stream.close();
  });

  it('is told to read everything again when the merged calendar was built again, and goes on from there', async () => {
    const streams = [await open(first), await open(second)];
    // A log that was scavenged no longer tells all that changed.
    await rows(`insert into log_scavenge (node, round_at) values ('one', now())`);
    expect(await runProgram([REBUILD, 'user_calendar_events'], settings)).toMatchObject({ code: 0 });
    await ada.request('PATCH', '/v1/calendar/settings', {
      calendars: [{ calendarId: connection.calendars[0]?.calendarId, visible: false }],
    });
    for (const stream of streams) {
      const { data, id } = await stream.next('resync');
      expect(data).toEqual({ code: 'changes.cursor-expired' });
      expect((await ada.request('GET', `/v1/calendar/changes?after=${id}`)).status).toBe(200);
    }
    await ada.request('PATCH', '/v1/calendar/settings', {
      calendars: [{ calendarId: connection.calendars[0]?.calendarId, visible: true }],
    });
    for (const stream of streams) {
      await stream.next('events-changed', ({ id }) => id > (stream.messages.find(({ event }) => event === 'resync')?.id ?? ''));
      expect(stream.messages.filter(({ event }) => event === 'resync')).toHaveLength(1);
      stream.close();
    }
  });

  it('opens to a ticket of another process, once', async () => {
    const { status, body } = await ada.request<{ ticket: string }>('POST', '/v1/calendar/stream/ticket');
    expect(status).toBe(201);
    const stream = await openEventStream(url(second, `?ticket=${body.ticket}`));
    expect(stream.status).toBe(200);
    const used = await fetch(url(first, `?ticket=${body.ticket}`));
    expect([used.status, await used.json()]).toEqual([401, expect.objectContaining({ code: 'auth.ticket-invalid' })]);
    expect((await fetch(`${first?.url ?? ''}/v1/calendar/events?ticket=${body.ticket}`)).status).toBe(401);
    stream.close();
  });

  it('is its owner’s alone, and has a limit of its own', async () => {
    const eve = await openEventStream(url(first), { authorization: `Bearer ${(await first?.token('eve')) ?? ''}` });
    await radicale.delete(calendar, fileOf(items[0] ?? (items.at(-1) as never)));
    const streams = [];
    for (let count = 0; count < 20; count += 1) streams.push(await open(first));
    const refused = await fetch(url(first), { headers: { authorization: `Bearer ${token}` } });
    expect([refused.status, await refused.json()]).toEqual([429, expect.objectContaining({ code: 'stream.too-many' })]);
    await ada.sync();
    for (const stream of streams) {
      expect((await stream.next('events-changed')).data).toMatchObject({ changes: 1 });
      stream.close();
    }
    expect(eve.messages).toEqual([]);
    eve.close();
  });

  it('tells that a connection was revoked', async () => {
    const stream = await open(first);
    await ada.request('DELETE', `/v1/calendar/connections/${connection.connectionId}`);
    await stream.next('connection-changed');
    expect((await stream.next('events-changed')).data).toMatchObject({ range: null });
    stream.close();
  });

  it('ends when its process stops, which does not wait for it', async () => {
    const stream = await open(second);
    await second?.halt();
    await stream.ended;
    expect([stream.status, second?.output()]).toEqual([200, expect.stringContaining('"msg":"stopped"')]);
  });
});
