import { afterEach, describe, expect, it } from '@jest/globals';
import { type ProviderFault, type ScanRequest } from '../../src/provider/calendar-provider.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { type Grant } from '../../src/provider/grant.js';
import { type GuardedHttpOptions } from '../../src/provider/http/guarded.settings.js';
import { allowed, allTold, knownAfter, nearHttp, type Scan, scanAllBy, told } from '../support/caldav.js';
import {
  type Asked,
  eventPage,
  googleError,
  googleEvent,
  type GoogleServer,
  renewing,
  type Reply,
  SECRET,
  startGoogleServer,
} from '../support/google-server.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CALENDAR = 'c_#1@group.calendar.google.com';

type Reading = Readonly<{
  server: GoogleServer;
  scan: (request?: Partial<ScanRequest>, grant?: Grant) => Promise<Scan>;
  discover: (grant?: Grant) => ReturnType<ReturnType<typeof googleProvider>['discover']>;
}>;

const reading = async (
  reply: (asked: Asked, count: number) => Reply | null,
  { prefix = '', ...options }: Partial<GuardedHttpOptions> & Readonly<{ prefix?: string }> = {},
): Promise<Reading> => {
  const server = await startGoogleServer(reply, prefix);
  const http = nearHttp({ retries: 2, ...options });
  closing.push(server.stop, () => http.close());
  const provider = googleProvider({ http, clock: { now: () => Date.now() }, google: server.settings });
  return {
    server,
    scan: (request = {}, grant = renewing()) => scanAllBy(provider, grant, CALENDAR, request),
    discover: (grant = renewing()) => provider.discover(grant, allowed()),
  };
};

const faultOf = (work: Promise<unknown>): Promise<ProviderFault> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => {
      const text = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack ?? ''}`;
      for (const secret of [SECRET.accessToken, SECRET.refreshToken, 'renewed-token-of-ada', CALENDAR]) expect(text).not.toContain(secret);
      return error as ProviderFault;
    },
  );

const last = (items: readonly unknown[], token = 'token-1'): Reply => ({ body: eventPage(items, { nextSyncToken: token }) });
const page = (items: readonly unknown[], next: string): Reply => ({ body: eventPage(items, { nextPageToken: next }) });

const after = (scan: Scan): Partial<ScanRequest> => ({ cursor: scan.end.cursor });

describe('A calendar at Google', () => {
  it('is asked for below the path of GOOGLE_API_URL, by its id, with the access token', async () => {
    const { server, scan } = await reading(() => last([googleEvent('a')]), { prefix: '/gw/www.googleapis.com' });
    expect(allTold(await scan())).toEqual(['object Event a']);
    const [asked] = server.asked;
    expect(asked?.path).toBe(`/gw/www.googleapis.com/calendar/v3/calendars/${encodeURIComponent(CALENDAR)}/events`);
    expect(asked?.authorization).toBe(`Bearer ${SECRET.accessToken}`);
    expect(Object.fromEntries(asked?.query ?? [])).toEqual({ singleEvents: 'false', maxResults: '1000' });
  });

  it('sync-rule 3: is read to the last page, over empty ones, and only its token is kept', async () => {
    const pages = [page([], 'p1'), page([googleEvent('a')], 'p2'), page([], 'p3'), last([googleEvent('b')])];
    const { server, scan } = await reading((_, count) => pages[count - 1] ?? last([]));
    const whole = await scan();
    expect(allTold(whole)).toEqual(['object Event a', 'object Event b']);
    expect(whole.end).toMatchObject({ whole: true, again: false, expected: 2 });
    expect(server.asked.map(({ query }) => query.get('pageToken'))).toEqual([null, 'p1', 'p2', 'p3']);
    expect(whole.end.cursor).toContain('token-1');
  });

  it('sync-rule 3: is read on from its token with the same parameters, and moves it also when nothing changed', async () => {
    const { server, scan } = await reading(({ query }) =>
      query.get('syncToken') === null ? last([googleEvent('a')]) : query.get('pageToken') === null ? page([], 'p1') : last([], 'token-2'),
    );
    const delta = await scan(after(await scan()));
    expect(delta.changes).toEqual([]);
    expect(delta.end).toMatchObject({ whole: false, again: false });
    expect(delta.end.cursor).toContain('token-2');
    expect(server.asked.slice(1).map(({ query }) => Object.fromEntries(query))).toEqual([
      { singleEvents: 'false', maxResults: '1000', syncToken: 'token-1' },
      { singleEvents: 'false', maxResults: '1000', syncToken: 'token-1', pageToken: 'p1' },
    ]);
  });

  it('keeps its place where Google gives no new token', async () => {
    const { scan } = await reading(({ query }) => (query.get('syncToken') === null ? last([]) : { body: eventPage([]) }));
    const whole = await scan();
    expect((await scan(after(whole))).end.cursor).toBe(whole.end.cursor);
  });

  it('shows the urgent days first, in a list of their own, and takes back what is gone since', async () => {
    const { scan } = await reading(({ query }) =>
      query.get('timeMin') === null
        ? last([googleEvent('a'), googleEvent('b', { etag: '"b-2"' }), googleEvent('d')])
        : { body: eventPage([googleEvent('a'), googleEvent('b'), googleEvent('c')]) },
    );
    const soon = { start: '2026-03-20T00:00:00.000Z', end: '2026-03-21T00:00:00.000Z' };
    const { pages } = await scan({ soon });
    expect(pages.map((changes) => changes.map(told))).toEqual([
      ['object Event a', 'object Event b', 'object Event c'],
      ['object Event b', 'object Event d'],
      ['removed c'],
    ]);
  });

  it('asks for a week around the urgent days too, because an instance that was moved out of them is listed by its new time alone', async () => {
    const { server, scan } = await reading(() => last([]));
    await scan({ soon: { start: '2026-03-20T00:00:00.000Z', end: '2026-03-21T00:00:00.000Z' } });
    expect(server.asked[0]?.query.get('timeMin')).toBe('2026-03-13T00:00:00.000Z');
    expect(server.asked[0]?.query.get('timeMax')).toBe('2026-03-28T00:00:00.000Z');
  });

  it('leaves tombstones out of what is listed', async () => {
    const { scan } = await reading(() => last([{ id: 'gone', status: 'cancelled' }, googleEvent('a')]));
    expect(allTold(await scan())).toEqual(['object Event a']);
  });

  it('sync-rule 9: takes an instance out of its series, and all of them with the series', async () => {
    const hole = (id: string, of: string) => ({
      id,
      status: 'cancelled',
      recurringEventId: of,
      originalStartTime: { dateTime: '2026-03-27T09:00:00+01:00' },
    });
    const pages = [page([hole('s_1', 's'), hole('r_1', 'r')], 'p1'), last([{ id: 's', status: 'cancelled' }, hole('s_2', 's')], 'token-2')];
    const { scan } = await reading(({ query }, count) => (query.get('syncToken') === null ? last([]) : (pages[count - 2] ?? last([]))));
    const { changes } = await scan(after(await scan()));
    expect(changes.map((change) => `${change.kind} ${change.kind === 'object' ? change.object.remoteId : change.remoteId}`)).toEqual([
      ...['object s_1', 'object r_1'],
      ...['removed s', 'removed s_2', 'removed s_1'],
    ]);
  });

  it('sync-rule 9: asks what is left when a series goes of which an instance was changed, and only then', async () => {
    const changed = googleEvent('s_1', { recurringEventId: 's', originalStartTime: { dateTime: '2026-03-27T09:00:00+01:00' } });
    const removed = (id: string) => last([{ id, status: 'cancelled' }], 'token-2');
    let [everything, delta] = [last([googleEvent('a'), googleEvent('s'), changed]), removed('a')];
    const { scan } = await reading(({ query }) => (query.get('syncToken') === null ? everything : delta));
    const whole = await scan();
    const known = knownAfter(whole);
    const single = await scan({ ...after(whole), known });
    expect([single.changes.map(told), single.end.whole]).toEqual([['removed a'], false]);
    [everything, delta] = [last([googleEvent('b')], 'token-3'), removed('s')];
    const series = await scan({ ...after(single), known });
    expect([series.changes.map(told), series.end.whole]).toEqual([['removed s', 'object Event b'], true]);
    expect(series.end.cursor).toContain('token-3');
  });

  it('sync-rule 1: hides no event because of one that makes no sense', async () => {
    const { scan } = await reading(() => last([googleEvent('a'), googleEvent('b', { start: {} }), null, googleEvent('c')]));
    expect(allTold(await scan())).toEqual([
      'object Event a',
      'object Event c',
      'unreadable b object.bad-time',
      'unreadable nameless-3 object.bad-address',
    ]);
  });

  it.each([['{}'], ['null'], ['[]'], ['<html>'], [''], ['{"kind":"calendar#calendarList"}'], ['{"items":7}']])(
    'sync-rule 1: is not empty because of an answer that cannot be read: %s',
    async (body) => {
      const { scan } = await reading(() => ({ body, headers: { 'content-type': 'application/json' } }));
      expect((await faultOf(scan())).fault).toBe('malformed');
    },
  );

  it('is no list without an end', async () => {
    const { scan } = await reading(() => page([googleEvent('a')], 'p1'));
    expect((await faultOf(scan())).fault).toBe('malformed');
  });

  describe('sync-rule 2: is to be read whole again', () => {
    const gone: Reply = { status: 410, body: googleError(410, 'fullSyncRequired') };

    it('when its token is not known any more', async () => {
      const { scan } = await reading(({ query }) => (query.get('syncToken') === null ? last([]) : gone));
      expect((await faultOf(scan(after(await scan())))).fault).toBe('cursor-expired');
    });

    it('in the middle of paging too', async () => {
      const { scan } = await reading(({ query }) => (query.get('pageToken') === null ? page([googleEvent('a')], 'p1') : gone));
      expect((await faultOf(scan())).fault).toBe('cursor-expired');
    });

    it('when its token was never one of Google’s', async () => {
      const refused: Reply = { status: 400, body: googleError(400, 'invalid') };
      const { scan } = await reading(({ query }) => (query.get('syncToken') === null ? last([]) : refused));
      expect((await faultOf(scan(after(await scan())))).fault).toBe('cursor-expired');
    });
  });

  describe('is refused', () => {
    it.each([
      [400, 'invalid', 'malformed'],
      [403, 'insufficientPermissions', 'forbidden'],
      [403, 'forbidden', 'forbidden'],
      [403, 'accessNotConfigured', 'misconfigured'],
      [404, 'notFound', 'calendar-gone'],
      [410, 'deleted', 'calendar-gone'],
      [500, 'backendError', 'unavailable'],
      [503, 'backendError', 'unavailable'],
    ])('with %i %s as %s', async (status, reason, fault) => {
      const { scan } = await reading(() => ({ status, body: googleError(status, reason) }));
      expect((await faultOf(scan())).fault).toBe(fault);
    });

    it('as misconfigured where the API is not turned on', async () => {
      const body = { error: { code: 403, message: 'x', status: 'PERMISSION_DENIED', details: [{ reason: 'SERVICE_DISABLED' }] } };
      const { scan } = await reading(() => ({ status: 403, body }));
      expect((await faultOf(scan())).fault).toBe('misconfigured');
    });

    it('by an answer that says nothing', async () => {
      const { scan } = await reading(() => ({ status: 403, body: '<html>no</html>' }));
      expect((await faultOf(scan())).fault).toBe('forbidden');
    });

    it.each([
      [403, 'rateLimitExceeded'],
      [403, 'userRateLimitExceeded'],
      [403, 'quotaExceeded'],
      [429, 'rateLimitExceeded'],
    ])('sync-rule 14: for asking too often, with %i %s, until it is asked again', async (status, reason) => {
      const { server, scan } = await reading((_, count) =>
        count < 3 ? { status, body: googleError(status, reason) } : last([googleEvent('a')]),
      );
      expect(allTold(await scan())).toEqual(['object Event a']);
      expect(server.asked).toHaveLength(3);
    });

    it('sync-rule 14: for asking too often, and is asked again when Google says', async () => {
      const reply: Reply = { status: 403, body: googleError(403, 'rateLimitExceeded'), headers: { 'retry-after': '120' } };
      const { server, scan } = await reading(() => reply);
      expect(await faultOf(scan())).toMatchObject({ fault: 'throttled', retryAfter: 120 });
      expect(server.asked).toHaveLength(1);
    });

    it('not for a failure that passes', async () => {
      const { scan } = await reading((_, count) =>
        count === 1 ? null : count === 2 ? { status: 500, body: 'oops' } : last([googleEvent('a')]),
      );
      expect(allTold(await scan())).toEqual(['object Event a']);
    });
  });

  describe('sync-rule 14: when its access token is refused', () => {
    const refused: Reply = { status: 401, body: googleError(401, 'authError', 'Invalid Credentials') };

    it('is asked for once more with a renewed one', async () => {
      const { server, scan } = await reading(({ authorization }) =>
        authorization === `Bearer ${SECRET.accessToken}` ? refused : last([googleEvent('a')]),
      );
      const grant = renewing();
      expect(allTold(await scan({}, grant))).toEqual(['object Event a']);
      expect(grant.renewals).toEqual([SECRET.accessToken]);
      expect(server.asked).toHaveLength(2);
    });

    it('is out of reach when the renewed one is refused too', async () => {
      const { server, scan } = await reading(() => refused);
      const grant = renewing();
      expect((await faultOf(scan({}, grant))).fault).toBe('access-revoked');
      expect([grant.renewals.length, server.asked.length]).toEqual([1, 2]);
    });

    it('fails as its renewal does', async () => {
      const { scan } = await reading(() => refused);
      const away = new Error('the vault is away');
      await expect(scan({}, { ...renewing(), renew: () => Promise.reject(away) })).rejects.toBe(away);
    });
  });

  it('is asked for with leave before each request', async () => {
    const { server, scan } = await reading((_, count) => (count === 1 ? page([], 'p1') : last([])));
    const superseded = new Error('superseded');
    let leave = 1;
    const permit = () => (leave-- > 0 ? Promise.resolve() : Promise.reject(superseded));
    await expect(scan({ call: { ...allowed(), permit } })).rejects.toBe(superseded);
    expect(server.asked).toHaveLength(1);
  });
});

describe('An account at Google', () => {
  const calendar = (id: string, change: Readonly<Record<string, unknown>> = {}) => ({
    kind: 'calendar#calendarListEntry',
    ...{ etag: '"1"', id, summary: `Calendar ${id}`, timeZone: 'Europe/Paris', colorId: '24', backgroundColor: '#A47AE2' },
    ...{ foregroundColor: '#000000', selected: true, accessRole: 'owner', defaultReminders: [], ...change },
  });
  const list = (items: readonly unknown[], rest = {}): Reply => ({ body: { kind: 'calendar#calendarList', etag: '"1"', ...rest, items } });

  it('has the calendars of every page, its own first', async () => {
    const { server, discover } = await reading((_, count) =>
      count === 1
        ? list([calendar('b', { summaryOverride: 'Mine', timeZone: 'Mars/Olympus', backgroundColor: 'red' })], { nextPageToken: 'p1' })
        : list([calendar('ada@example.org', { primary: true })], { nextSyncToken: 't' }),
    );
    const found = await discover();
    expect(found).toMatchObject({ accountId: SECRET.subject, accountName: SECRET.email });
    expect(found.calendars).toEqual([
      {
        remoteId: 'ada@example.org',
        address: 'ada@example.org',
        name: 'Calendar ada@example.org',
        color: '#a47ae2',
        writable: true,
        busyOnly: false,
        timeZone: 'Europe/Paris',
      },
      { remoteId: 'b', address: 'b', name: 'Mine', color: null, writable: true, busyOnly: false, timeZone: null },
    ]);
    expect(server.asked.map(({ path, query }) => [path, query.get('maxResults'), query.get('pageToken')])).toEqual([
      ['/calendar/v3/users/me/calendarList', '250', null],
      ['/calendar/v3/users/me/calendarList', '250', 'p1'],
    ]);
  });

  it.each([
    ['owner', true, false],
    ['writer', true, false],
    ['writerWithoutPrivateAccess', true, false],
    ['reader', false, false],
    ['freeBusyReader', false, true],
    ['somethingNew', false, false],
    [undefined, false, false],
  ])('has as %s a calendar that may be written to: %s, and shows when it is busy only: %s', async (accessRole, writable, busyOnly) => {
    const { discover } = await reading(() => list([calendar('a', { accessRole })]));
    expect((await discover()).calendars).toMatchObject([{ writable, busyOnly }]);
  });

  it('does not have what was taken off its list, or hidden from it', async () => {
    const { discover } = await reading(() =>
      list([
        calendar('a', { deleted: true }),
        calendar('b', { hidden: true }),
        calendar('c'),
        calendar('d', { hidden: true, primary: true }),
      ]),
    );
    expect((await discover()).calendars.map(({ remoteId }) => remoteId)).toEqual(['d', 'c']);
  });

  it('goes by its primary calendar where nothing else names it', async () => {
    const { discover } = await reading(() => list([calendar('ada@example.org', { primary: true })]));
    const { subject: _, email: __, ...bare } = SECRET;
    const grant = { secret: () => Promise.resolve(bare), renew: () => Promise.resolve(bare) };
    expect(await discover(grant)).toMatchObject({ accountId: 'ada@example.org', accountName: 'ada@example.org' });
  });

  it.each([[{}], [{ kind: 'calendar#events', items: 7 }], [{ kind: 'calendar#calendarList', items: [{}] }], ['<html>']])(
    'is not without calendars because its list cannot be read: %j',
    async (body) => {
      const { discover } = await reading(() => ({ body }));
      expect((await faultOf(discover())).fault).toBe('malformed');
    },
  );
});
