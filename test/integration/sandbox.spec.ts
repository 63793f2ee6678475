import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandbox } from '../../src/embedded/caldav.sandbox.js';
import { SANDBOX_PASSWORD, seedOf } from '../../src/embedded/caldav/seed.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { allowed, allTold, event, knownAfter, nearHttp, nearProvider, type Scan, scanAll } from '../support/caldav.js';
import { eventually } from '../support/store.js';
import { emptyCalendar, type FaultOrder, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'UTC'];
const WINDOW = { start: '2026-10-22T00:00:00.000Z', end: '2027-11-22T00:00:00.000Z' };

const http = nearHttp();
const provider = nearProvider(http);
afterAll(() => http.close());

describe('The people of the sandbox', () => {
  it('live the same lives for the same seed, and others for another', () => {
    const texts = (seed: number) =>
      JSON.stringify(seedOf(NOW, 'Europe/Berlin', seed).accounts.map(({ calendars }) => calendars.map(({ objects }) => [...objects])));
    expect(texts(7)).toBe(texts(7));
    expect(texts(8)).not.toBe(texts(7));
  });

  it.each(ZONES)('have calendars that can be read to the last event, in %s as well', async (timeZone) => {
    const sandbox = await startSandbox({ clock: { now: () => NOW }, port: 0, timeZone, restlessness: null });
    try {
      const found: Record<string, number> = {};
      for (const username of ['mia@work.example', 'mia@home.example', 'noah@work.example']) {
        const secret = { serverUrl: sandbox.url, username, password: SANDBOX_PASSWORD };
        const { calendars } = await provider.discover(fixedGrant(secret), allowed());
        for (const calendar of calendars) {
          const { changes } = await scanAll(provider, secret, calendar.remoteId, { window: WINDOW });
          expect(changes.filter(({ kind }) => kind !== 'object')).toEqual([]);
          expect(calendar.timeZone).toBe(timeZone);
          found[`${username} ${calendar.name}${calendar.writable ? '' : ', read only'}`] = changes.length;
        }
      }
      expect(found).toEqual({
        'mia@work.example Work': 73,
        'mia@work.example Team (shared by Ivy), read only': 4,
        'mia@home.example Private': 30,
        'mia@home.example Family': 3,
        'mia@home.example Birthdays, read only': 3,
        'noah@work.example Work': 66,
      });
    } finally {
      await sandbox.stop();
    }
  });

  it('move a meeting now and then, so that there is something to sync', async () => {
    const sandbox = await startSandbox({ clock: { now: () => NOW }, port: 0, timeZone: 'Europe/Berlin', restlessness: 20 });
    try {
      const secret = { serverUrl: sandbox.url, username: 'mia@work.example', password: SANDBOX_PASSWORD };
      const work = `${sandbox.url}dav/calendars/mia%40work.example/work/`;
      const before = await scanAll(provider, secret, work, { window: WINDOW });
      const delta = await eventually('something has changed', async () => {
        const since = await scanAll(provider, secret, work, { cursor: before.end.cursor, known: knownAfter(before) });
        return since.changes.length > 0 ? since : null;
      });
      expect(allTold(delta)).toEqual(delta.changes.map(() => expect.stringMatching(/^object \S+/)));
    } finally {
      await sandbox.stop();
    }
  });
});

describe('The sandbox', () => {
  let sandbox: TestSandbox;
  let calendar: string;
  let made = 0;

  const secret = () => ({ serverUrl: sandbox.url, username: sandbox.user, password: sandbox.password });
  const scan = (request: Parameters<typeof scanAll>[3] = {}): Promise<Scan> => scanAll(provider, secret(), calendar, request);
  const since = (earlier: Scan): Promise<Scan> => scan({ cursor: earlier.end.cursor, known: knownAfter(earlier) });
  const seen = (): Promise<readonly string[]> => scan().then(allTold);
  const ALL = ['object A', 'object B', 'object C', 'object D'];

  beforeAll(async () => {
    const calendars = Array.from({ length: 40 }, (_, index) => emptyCalendar(`calendar${index + 1}`));
    sandbox = await startTestSandbox([...calendars, emptyCalendar('shared', 'read')]);
  });
  beforeEach(async () => {
    made += 1;
    calendar = sandbox.calendar(`calendar${made}`);
    for (const [index, title] of ['A', 'B', 'C', 'D'].entries())
      await sandbox.put(calendar, `${title}.ics`, event(title, `2026031${index}`));
  });
  afterEach(() => sandbox.switchOff());
  afterAll(() => sandbox.stop());

  describe('guards what it stores', () => {
    const text = { 'content-type': 'text/calendar' };

    it('against writers who did not see the last version', async () => {
      const etag = await sandbox.put(calendar, 'A.ics', event('A, changed', '20260310', 'A'));
      expect(await sandbox.request('PUT', `${calendar}A.ics`, event('A'), { ...text, 'if-match': '"stale"' })).toMatchObject({
        status: 412,
      });
      expect(await sandbox.request('PUT', `${calendar}A.ics`, event('A'), { ...text, 'if-none-match': '*' })).toMatchObject({
        status: 412,
      });
      expect(await sandbox.request('DELETE', `${calendar}A.ics`, undefined, { 'if-match': '"stale"' })).toMatchObject({ status: 412 });
      expect(await sandbox.request('GET', `${calendar}A.ics`)).toMatchObject({ status: 200, etag });
      expect(await sandbox.request('DELETE', `${calendar}A.ics`, undefined, { 'if-match': etag })).toMatchObject({ status: 204 });
      expect(await sandbox.request('DELETE', `${calendar}A.ics`)).toMatchObject({ status: 404 });
    });

    it('against nonsense, second copies of a UID, and those who may only read', async () => {
      const refusal = (condition: string) => ({ status: 403, body: expect.stringContaining(condition) as unknown });
      expect(await sandbox.request('PUT', `${calendar}x.ics`, 'BEGIN:VCALENDAR', text)).toMatchObject(refusal('valid-calendar-data'));
      expect(await sandbox.request('PUT', `${calendar}x.ics`, event('A'), text)).toMatchObject(refusal('no-uid-conflict'));
      expect(await sandbox.request('PUT', `${sandbox.calendar('shared')}x.ics`, event('X'), text)).toMatchObject(
        refusal('need-privileges'),
      );
      expect(await seen()).toEqual(ALL);
    });

    it('against other people, and unknown names', async () => {
      const others = calendar.replace('alice', 'bob');
      expect(await sandbox.request('GET', `${others}A.ics`)).toMatchObject({ status: 403 });
      expect(await sandbox.request('GET', `${calendar}A.ics`, undefined, { authorization: 'Basic bm9ib2R5OnNlY3JldA==' })).toMatchObject({
        status: 401,
      });
      expect(await sandbox.request('GET', `${calendar}A.ics`, undefined, { authorization: 'nonsense' })).toMatchObject({ status: 401 });
    });
  });

  describe('has bad days, on which the calendar', () => {
    const switchOn = (fault: Parameters<TestSandbox['switchOn']>[0]): Promise<void> => sandbox.switchOn(fault);

    it.each<readonly [FaultOrder, string]>([
      [{ fault: 'password-refused' }, 'access-revoked'],
      [{ fault: 'throttled', retryAfter: 120 }, 'throttled'],
      [{ fault: 'unavailable' }, 'unavailable'],
      [{ fault: 'broken' }, 'unavailable'],
      [{ fault: 'cut' }, 'unavailable'],
      [{ fault: 'slow', milliseconds: 30_000 }, 'unavailable'],
    ])('cannot be read: %j is %s', async (fault, expected) => {
      const impatient = nearHttp({ headersTimeout: 1_000, totalTimeout: 3_000, retries: 1 });
      try {
        await switchOn(fault);
        await expect(scanAll(nearProvider(impatient), secret(), calendar)).rejects.toMatchObject({ fault: expected });
        await sandbox.switchOff();
        expect(await seen()).toEqual(ALL);
      } finally {
        await impatient.close();
      }
    });

    it.each([400, 403, 409, 412] as const)('forgets its sync tokens, and says so with %i', async (status) => {
      const whole = await scan();
      await switchOn({ fault: 'token-refused', status, times: 1 });
      await expect(since(whole)).rejects.toMatchObject({ fault: 'cursor-expired' });
      expect((await since(whole)).changes).toEqual([]);
    });

    it.each(['sync-unsupported', 'ctag-unsupported', 'multiget-missing', 'etag-missing', 'absolute-hrefs', 'unescaped-hrefs'] as const)(
      'is odd and can be read all the same: %s',
      async (fault) => {
        await switchOn({ fault });
        const whole = await scan();
        expect(allTold(whole)).toEqual(ALL);
        await sandbox.delete(calendar, 'A.ics');
        await sandbox.put(calendar, 'E.ics', event('E'));
        const delta = await since(whole);
        const gone = allTold(delta).filter((line) => line.startsWith('removed'));
        // Without sync-collection the listing is whole: what is not on it is gone.
        if (delta.end.whole) expect(allTold(delta).filter((line) => !line.startsWith('unchanged'))).toEqual(['object E']);
        else expect([allTold(delta)[0], gone.length]).toEqual(['object E', 1]);
      },
    );

    it('comes in parts, each with a token to go on from', async () => {
      await switchOn({ fault: 'truncated', size: 1 });
      expect(await seen()).toEqual(ALL);
    });

    it('holds one event that makes no sense, and hides no other', async () => {
      await switchOn({ fault: 'malformed-object' });
      expect(await seen()).toEqual([...ALL.slice(1), `unreadable ${new URL(calendar).pathname}A.ics object.not-icalendar`].sort());
    });

    it('is sent on to another host, which gets no password', async () => {
      await switchOn({ fault: 'redirected', to: sandbox.url.replace('localhost', '127.0.0.1') });
      await expect(scan()).rejects.toMatchObject({ fault: 'elsewhere' });
    });
  });

  it('has a bad day in one calendar only, and only as often as it is told', async () => {
    const other = sandbox.calendar('calendar40');
    await sandbox.switchOn({ fault: 'broken', account: sandbox.user, calendar: `calendar${made}`, times: 1 });
    expect(await scanAll(provider, secret(), other)).toMatchObject({ changes: [] });
    expect(await sandbox.request('GET', `${calendar}A.ics`)).toMatchObject({ status: 500 });
    expect(await sandbox.request('GET', `${calendar}A.ics`)).toMatchObject({ status: 200 });
  });

  it('says who lives in it, and refuses faults it does not know', async () => {
    const described = await sandbox.request('GET', `${sandbox.url}sandbox`);
    expect(JSON.parse(described.body)).toMatchObject({ serverUrl: sandbox.url, accounts: [{ username: sandbox.user }], faults: [] });
    const json = { 'content-type': 'application/json' };
    const answers = [{ fault: 'tired' }, { fault: 'slow' }, 'nothing', { fault: 'cut', times: 0 }].map((order) =>
      sandbox.request('POST', `${sandbox.url}sandbox/faults`, JSON.stringify(order), json),
    );
    for (const answer of await Promise.all(answers))
      expect([answer.status, answer.body]).toEqual([422, expect.stringContaining('sandbox.no-such-fault')]);
  });
});
