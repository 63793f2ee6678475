import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Secret } from '../../src/kernel/vault.js';
import { allowed, allTold, etagsOf, event, knownAfter, nearHttp, nearProvider, type Scan, scanAll, told } from '../support/caldav.js';
import { startRadicale } from '../support/radicale.js';
import { emptyCalendar, startTestSandbox } from '../support/sandbox.js';

/** A server under the contract. `calendar`: makes or finds an empty one. */
type Server = Readonly<{
  url: string;
  user: string;
  password: string;
  calendar: () => Promise<string>;
  put: (calendar: string, filename: string, ics: string) => Promise<string>;
  delete: (calendar: string, filename: string) => Promise<void>;
  stop: () => Promise<void>;
}>;

const counter = (): (() => string) => {
  let count = 0;
  return () => `calendar${(count += 1)}`;
};

const radicale = async (): Promise<Server> => {
  const server = await startRadicale();
  const name = counter();
  return { ...server, calendar: () => server.makeCalendar(name()) };
};

const sandbox = async (): Promise<Server> => {
  const server = await startTestSandbox(Array.from({ length: 20 }, counterOf('calendar')).map((name) => emptyCalendar(name)));
  const name = counter();
  return { ...server, calendar: () => Promise.resolve(server.calendar(name())) };
};

function counterOf(prefix: string): (_: unknown, index: number) => string {
  return (_, index) => `${prefix}${index + 1}`;
}

/** What the provider relies on, held by a server that others wrote and by our own: what is true of the one is no peculiarity of the other. */
describe.each([
  ['Radicale', radicale],
  ['the sandbox', sandbox],
])('%s, read by our provider', (_, start) => {
  const http = nearHttp();
  const provider = nearProvider(http);
  let server: Server;
  let calendar: string;

  const secret = (): Secret => ({ serverUrl: server.url, username: server.user, password: server.password });
  const scan = (request: Parameters<typeof scanAll>[3] = {}): Promise<Scan> => scanAll(provider, secret(), calendar, request);
  const path = (filename: string): string => new URL(calendar).pathname + filename;

  beforeAll(async () => {
    server = await start();
  });
  beforeEach(async () => {
    calendar = await server.calendar();
  });
  afterAll(async () => {
    await http.close();
    await server.stop();
  });

  it('lists its calendars, which may be written to', async () => {
    const { calendars } = await provider.discover(secret(), allowed());
    expect(calendars.find(({ remoteId }) => remoteId === calendar)).toMatchObject({ writable: true, busyOnly: false });
  });

  it('refuses a wrong password', async () => {
    await expect(provider.discover({ ...secret(), password: 'wrong' }, allowed())).rejects.toMatchObject({ fault: 'access-revoked' });
  });

  it('is read whole, then only what changed', async () => {
    await server.put(calendar, 'lunch @noon.ics', event('Lunch'));
    const etag = await server.put(calendar, 'walk.ics', event('Walk'));
    const whole = await scan();
    expect(allTold(whole)).toEqual(['object Lunch', 'object Walk']);
    expect(whole.end).toMatchObject({ whole: true, expected: 2 });
    expect(etagsOf(whole).get(path('walk.ics'))).toBe(etag);

    await server.put(calendar, 'walk.ics', event('Long walk', '20260311', 'Walk'));
    await server.delete(calendar, 'lunch @noon.ics');
    const delta = await scan({ cursor: whole.end.cursor, known: knownAfter(whole) });
    expect(allTold(delta)).toEqual(['object Long walk', `removed ${path('lunch%20%40noon.ics')}`]);
    expect(delta.end).toMatchObject({ whole: false, expected: 2 });

    expect((await scan({ cursor: delta.end.cursor })).changes).toEqual([]);
  });

  it('tells an empty calendar from one that is not there', async () => {
    expect((await scan()).end).toMatchObject({ whole: true, expected: 0 });
    calendar = calendar.replace(/[^/]+\/$/, 'no-such-calendar/');
    await expect(scan()).rejects.toMatchObject({ fault: 'calendar-gone' });
  });

  it('gives the urgent days first', async () => {
    for (const day of ['20260310', '20260311', '20260601', '20270101']) await server.put(calendar, `${day}.ics`, event(day, day));
    const soon = { start: '2026-03-10T00:00:00.000Z', end: '2026-03-12T00:00:00.000Z' };
    const { pages } = await scan({ soon });
    expect(pages.map((page) => page.map(told).sort())).toEqual([
      ['object 20260310', 'object 20260311'],
      ['object 20260601', 'object 20270101'],
    ]);
  });

  it('finds a series by any of its instances', async () => {
    await server.put(calendar, 'series.ics', event('Weekly', '20260105').replace('SUMMARY', 'RRULE:FREQ=WEEKLY\r\nSUMMARY'));
    await server.put(calendar, 'once.ics', event('Once', '20260106'));
    const monday = { start: '2026-06-01T00:00:00.000Z', end: '2026-06-02T00:00:00.000Z' };
    const tuesday = { start: '2026-06-02T00:00:00.000Z', end: '2026-06-03T00:00:00.000Z' };
    expect((await scan({ soon: monday })).pages[0]?.map(told)).toEqual(['object Weekly']);
    expect((await scan({ soon: tuesday })).pages[0]?.map(told).sort()).toEqual(['object Once', 'object Weekly']);
  });

  it('asks for a new start when it does not know the token', async () => {
    const cursor = JSON.stringify({ rung: 'sync', token: 'urn:no:such:token' });
    await expect(scan({ cursor })).rejects.toMatchObject({ fault: 'cursor-expired' });
  });
});
