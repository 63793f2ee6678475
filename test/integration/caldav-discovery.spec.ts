import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openAccount } from '../../src/connection/account.proof.js';
import { describeError } from '../../src/infra/logging/redaction.js';
import { type Discovery } from '../../src/provider/calendar-provider.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { allowed, nearHttp, nearProvider } from '../support/caldav.js';
import { anything, answered, asks, eachRow, type FaultProxy, listing, type Seen, startFaultProxy } from '../support/fault-proxy.js';
import { type Radicale, startRadicale } from '../support/radicale.js';

const http = nearHttp();
const provider = nearProvider(http);
let radicale: Radicale;
let proxy: FaultProxy;
let elsewhere: FaultProxy;

const PARIS = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'BEGIN:VTIMEZONE',
  'TZID:/example.org/Europe/Paris',
  'END:VTIMEZONE',
  'END:VCALENDAR',
].join('\r\n');

const discover = (serverUrl = proxy.url, password = radicale.password): Promise<Discovery> =>
  provider.discover(fixedGrant({ serverUrl, username: radicale.user, password }), allowed());

beforeAll(async () => {
  radicale = await startRadicale();
  proxy = await startFaultProxy(radicale.url);
  elsewhere = await startFaultProxy(radicale.url);
  await radicale.makeCalendar('2026', { displayname: '007', color: '#FF8800cc', timezone: PARIS });
  await radicale.makeCalendar('team @home', { displayname: 'Team', components: ['VEVENT', 'VTODO'] });
  await radicale.makeCalendar('tasks', { components: ['VTODO'] });
});
afterEach(() => {
  proxy.clear();
  elsewhere.clear();
});
afterAll(async () => {
  await http.close();
  await Promise.all([proxy.stop(), elsewhere.stop()]);
  await radicale.stop();
});

describe('discovering a CalDAV account', () => {
  it('lists the calendars that hold events, with names and colours as they are', async () => {
    const { accountName, calendars } = await discover(radicale.url);
    expect(accountName).toBe('alice');
    expect(calendars).toHaveLength(2);
    expect(calendars).toContainEqual({
      remoteId: `${radicale.url}alice/2026/`,
      address: `${radicale.url}alice/2026/`,
      name: '007',
      color: '#ff8800',
      writable: true,
      busyOnly: false,
      timeZone: 'Europe/Paris',
    });
    expect(calendars).toContainEqual({
      remoteId: `${radicale.url}alice/team%20%40home/`,
      address: `${radicale.url}alice/team%20%40home/`,
      name: 'Team',
      color: null,
      writable: true,
      busyOnly: false,
      timeZone: null,
    });
  });

  it('finds them from any address of the server', async () => {
    for (const path of ['', 'alice/', 'alice/2026/', 'no/such/place/'])
      expect((await discover(proxy.url + path)).calendars).toHaveLength(2);
  });

  it('follows a redirect of the same server with method, body and credentials', async () => {
    proxy.inject({ when: ({ path }) => path === '/moved/', instead: answered(301, { location: '/alice/' }) });
    expect((await discover(`${proxy.url}moved/`)).calendars).toHaveLength(2);
    expect(proxy.seen.slice(0, 2)).toMatchObject([
      { method: 'PROPFIND', path: '/moved/', authorized: true },
      { method: 'PROPFIND', path: '/alice/', authorized: true },
    ]);
    expect(proxy.seen[1]?.body).toBe(proxy.seen[0]?.body);
  });

  it('never shows the password to a server it is redirected to', async () => {
    proxy.inject({ when: anything, instead: answered(302, { location: `${elsewhere.url}alice/` }) });
    await expect(discover()).rejects.toMatchObject({ fault: 'elsewhere' });
    expect(elsewhere.seen.length).toBeGreaterThan(0);
    expect(elsewhere.seen.filter(({ authorized }) => authorized)).toEqual([]);
  });

  const connect = () =>
    openAccount(new Map([['caldav', provider]]), 'caldav', { serverUrl: proxy.url, username: radicale.user, password: radicale.password });

  it.each([
    ['every address', anything, 401],
    ['every address, where strangers are forbidden', anything, 403],
    ['the well-known address alone', ({ path }: Seen) => path.startsWith('/.well-known'), 401],
    ['the list of calendars', listing, 401],
  ])('tells its owner to connect with the host that %s leads to, and no other person', async (_, when, status) => {
    const away = new URL(elsewhere.url).origin;
    proxy.inject({ when, instead: answered(302, { location: `${away}/alice/` }) });
    if (when !== anything && when !== listing) proxy.inject({ when: anything, instead: answered(404) });
    elsewhere.inject({ when: anything, instead: answered(status) });
    const refused = await connect().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'connection.other-host', status: 422, detail: expect.stringContaining(away) as unknown });
    const fault = await discover().catch((error: unknown) => error);
    expect(fault).toMatchObject({ fault: 'elsewhere' });
    expect(JSON.stringify([describeError(refused), describeError(fault), fault, String(fault)])).not.toContain(new URL(away).host);
  });

  it('still says that a password is wrong where it is', async () => {
    proxy.inject({ when: anything, instead: answered(401) });
    await expect(connect()).rejects.toMatchObject({ code: 'connection.credentials-refused' });
  });

  it('gives up on redirects that never end', async () => {
    proxy.inject({ when: anything, instead: answered(307, { location: '/again' }) });
    await expect(discover()).rejects.toMatchObject({ fault: 'malformed' });
  });

  it('understands an absolute address of the calendars', async () => {
    proxy.inject({
      when: asks('calendar-home-set'),
      answer: (answer) => ({ ...answer, body: answer.body.replaceAll('<href>/alice/', `<href>${proxy.url}alice/`) }),
    });
    expect((await discover()).calendars).toHaveLength(2);
  });

  it('tells read-only from writable, and free/busy from both', async () => {
    const privileges = (names: string) => ({
      ...eachRow(listing, (row) =>
        row.replace(
          /<current-user-privilege-set>.*?<\/current-user-privilege-set>/s,
          `<current-user-privilege-set>${names}</current-user-privilege-set>`,
        ),
      ),
      times: 1,
    });
    proxy.inject(
      privileges('<privilege><read/></privilege>'),
      privileges('<privilege><f:read-free-busy xmlns:f="urn:ietf:params:xml:ns:caldav"/></privilege>'),
    );
    expect((await discover()).calendars).toMatchObject([
      { writable: false, busyOnly: false },
      { writable: false, busyOnly: false },
    ]);
    expect((await discover()).calendars).toMatchObject([
      { writable: false, busyOnly: true },
      { writable: false, busyOnly: true },
    ]);
  });

  it('shows an account without calendars as empty', async () => {
    const bare = await startRadicale([{ name: 'bob', password: 'secret' }]);
    try {
      const secret = { serverUrl: bare.url, username: 'bob', password: 'secret' };
      expect(await provider.discover(fixedGrant(secret), allowed())).toEqual({
        accountId: `${new URL(bare.url).origin}/bob`,
        accountName: 'bob',
        calendars: [],
      });
    } finally {
      await bare.stop();
    }
  });

  it('asks for the password again after the second refusal, not the first', async () => {
    await expect(discover(proxy.url, 'wrong')).rejects.toMatchObject({ fault: 'access-revoked' });
    expect(proxy.seen).toHaveLength(2);
    proxy.inject({ when: anything, times: 1, instead: answered(401) });
    expect((await discover()).calendars).toHaveLength(2);
  });

  it('never takes a listing it cannot read for an account without calendars', async () => {
    const web = { 'content-type': 'text/html' };
    const page = '<!doctype html><html><body>Sign in</body></html>';
    for (const [instead, fault] of [
      [answered(200, web, page), 'malformed'],
      [answered(207, web, page), 'malformed'],
      [answered(207, {}, ''), 'malformed'],
      [answered(207, {}, '<d:prop xmlns:d="DAV:"/>'), 'malformed'],
      [answered(207, {}, '<d:multistatus xmlns:d="DAV:"><d:response>'), 'malformed'],
      [answered(500), 'unavailable'],
      [answered(403), 'forbidden'],
    ] as const) {
      proxy.clear();
      proxy.inject({ when: listing, instead });
      await expect(discover()).rejects.toMatchObject({ fault });
    }
  });

  it('loses no calendar in silence that the server lists under no address', async () => {
    const named = (row: string) => row.replace('<href>/alice/2026/</href>', '<href>urn:uuid:2026</href>');
    proxy.inject(eachRow(listing, named));
    await expect(discover()).rejects.toMatchObject({ fault: 'malformed', detail: 'the server lists a calendar under no address' });
  });

  it('says so where there is no calendar server', async () => {
    proxy.inject({ when: anything, instead: answered(404) });
    await expect(discover()).rejects.toMatchObject({ fault: 'malformed' });
    await expect(discover('https://')).rejects.toMatchObject({ fault: 'refused-address' });
  });

  it('leaves giving the password back to its owner', async () => {
    const secret = { serverUrl: proxy.url, username: radicale.user, password: radicale.password };
    expect(await provider.revoke(secret, allowed())).toBe('manual');
    expect(proxy.seen).toEqual([]);
  });
});
