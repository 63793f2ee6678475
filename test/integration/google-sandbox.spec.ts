import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type GoogleSandbox, startGoogleSandbox } from '../../src/embedded/google.sandbox.js';
import {
  ANN,
  askApi,
  BOB,
  CALENDAR_SCOPE,
  EVENTS_SCOPE,
  FREE_BUSY,
  type GoogleReply,
  HOLIDAYS,
  LIST_SCOPE,
  movedClock,
  startTwoPeople,
  TEAM,
  tokensFor,
} from '../support/google-sandbox.js';

type Row = Readonly<Record<string, unknown>>;

const clock = movedClock();
let sandbox: GoogleSandbox;
let token: unknown;

beforeEach(async () => {
  sandbox = await startTwoPeople(clock);
  token = (await tokensFor(sandbox))['access_token'];
});
afterEach(() => sandbox.stop());

const ask = (path: string): Promise<GoogleReply> => askApi(sandbox, token, path);
const eventsOf = (calendar: string, query: Readonly<Record<string, string>> = {}): Promise<GoogleReply> =>
  ask(`calendars/${encodeURIComponent(calendar)}/events?${new URLSearchParams(query).toString()}`);
const itemsOf = ({ json }: GoogleReply): readonly Row[] => (json['items'] ?? []) as readonly Row[];
const idsOf = (reply: GoogleReply): readonly unknown[] => itemsOf(reply).map(({ id }) => id);
const reasonOf = ({ status, json }: GoogleReply): string => {
  const { errors = [], code } = (json['error'] ?? {}) as Readonly<{ errors?: readonly Row[]; code?: number }>;
  expect(code).toBe(status);
  return `${status} ${String(errors[0]?.['reason'])}`;
};
const at = (hour: number, day = 24) => ({ dateTime: `2026-11-${day}T${String(hour).padStart(2, '0')}:00:00Z`, timeZone: 'Europe/Paris' });
const put = (id: string, more: Row = {}, calendar = ANN): string =>
  sandbox.calendars.putEvent(calendar, { id, summary: id, start: at(9), end: at(10), ...more });
const series = (id = 'series'): string => put(id, { recurrence: ['RRULE:FREQ=DAILY;COUNT=4', 'EXDATE;TZID=Europe/Paris:20261126T100000'] });

/** All pages of a list, and how many there were. */
const readAll = async (calendar: string, query: Readonly<Record<string, string>> = {}) => {
  const rows: Row[] = [];
  for (let [pageToken, pages]: [string, number] = ['', 1]; ; pages += 1) {
    const reply = await eventsOf(calendar, pageToken === '' ? query : { ...query, pageToken });
    expect([reply.status, reply.json['nextPageToken'] === undefined]).toEqual([200, reply.json['nextSyncToken'] !== undefined]);
    rows.push(...itemsOf(reply));
    pageToken = (reply.json['nextPageToken'] ?? '') as string;
    if (pageToken === '') return { rows, pages, syncToken: String(reply.json['nextSyncToken']) };
  }
};

describe('The calendar list of the Google sandbox', () => {
  it('tells what each calendar is, and what its reader may do', async () => {
    const reply = await ask('users/me/calendarList');
    expect(reply.headers.get('content-type')).toBe('application/json; charset=UTF-8');
    expect(reply.json).toMatchObject({
      kind: 'calendar#calendarList',
      etag: expect.stringMatching(/^"p\w+"$/),
      nextSyncToken: expect.any(String),
    });
    expect(itemsOf(reply).map(({ id, accessRole, primary }) => [id, accessRole, primary])).toEqual([
      [HOLIDAYS, 'reader', undefined],
      [ANN, 'owner', true],
      [TEAM, 'reader', undefined],
      [FREE_BUSY, 'freeBusyReader', undefined],
    ]);
    expect(itemsOf(reply)[2]).toMatchObject({
      etag: expect.stringMatching(/^"\d+"$/),
      summary: 'Team',
      summaryOverride: 'My team',
      timeZone: 'Europe/Paris',
    });
    expect((await ask('users/me/calendarList/primary')).json).toMatchObject({ id: ANN });
  });

  it('comes in pages, the token only with the last one, and goes on from it', async () => {
    const first = await ask('users/me/calendarList?maxResults=3');
    expect([itemsOf(first).length, first.json['nextSyncToken']]).toEqual([3, undefined]);
    const last = await ask(`users/me/calendarList?maxResults=3&pageToken=${String(first.json['nextPageToken'])}`);
    expect([itemsOf(last).length, last.json['nextPageToken']]).toEqual([1, undefined]);
    const since = (): Promise<GoogleReply> =>
      ask(`users/me/calendarList?syncToken=${encodeURIComponent(String(last.json['nextSyncToken']))}`);
    expect(itemsOf(await since())).toEqual([]);
    sandbox.calendars.removeCalendar(TEAM);
    expect(itemsOf(await since())).toEqual([expect.objectContaining({ id: TEAM, deleted: true })]);
    expect(reasonOf(await ask('users/me/calendarList?syncToken=x&minAccessRole=owner'))).toBe('400 invalid');
  });

  it('leaves out what is hidden, and who may do too little', async () => {
    sandbox.calendars.share(ANN, TEAM, { accessRole: 'reader', hidden: true });
    expect(idsOf(await ask('users/me/calendarList'))).not.toContain(TEAM);
    expect(idsOf(await ask('users/me/calendarList?showHidden=true'))).toContain(TEAM);
    expect(idsOf(await ask('users/me/calendarList?minAccessRole=writer'))).toEqual([ANN]);
  });
});

describe('An event of the Google sandbox', () => {
  it('has the offset of the calendar, whichever zone it names beside it', async () => {
    put('flight', { start: { dateTime: '2026-11-24T09:00:00', timeZone: 'America/Los_Angeles' }, end: at(20) });
    const [row] = itemsOf(await eventsOf('primary'));
    expect(row).toMatchObject({
      start: { dateTime: '2026-11-24T14:00:00-03:00', timeZone: 'America/Los_Angeles' },
      end: { dateTime: '2026-11-24T17:00:00-03:00', timeZone: 'Europe/Paris' },
    });
    expect(itemsOf(await eventsOf(ANN, { timeZone: 'UTC' }))[0]).toMatchObject({ start: { dateTime: '2026-11-24T17:00:00Z' } });
  });

  it('is told with quoted marks, and with new ones after every change', async () => {
    put('a');
    const [first] = itemsOf(await eventsOf(ANN));
    expect(first).toMatchObject({
      kind: 'calendar#event',
      status: 'confirmed',
      eventType: 'default',
      iCalUID: 'a@google.com',
      etag: expect.stringMatching(/^"\d+"$/),
    });
    put('a', { summary: 'A, changed' });
    const changed = await ask('calendars/primary/events/a');
    expect(changed.json).toMatchObject({ summary: 'A, changed' });
    expect([changed.headers.get('etag'), changed.json['etag'] !== first?.['etag']]).toEqual([changed.json['etag'], true]);
  });

  it('keeps what it was after it is deleted, for those who ask for it alone', async () => {
    put('a');
    sandbox.calendars.removeEvent(ANN, 'a');
    expect((await ask('calendars/primary/events/a')).json).toMatchObject({ status: 'cancelled', summary: 'a' });
    expect(reasonOf(await ask('calendars/primary/events/never'))).toBe('404 notFound');
  });

  it('marks the guest whose calendar it is, and no one on another calendar', async () => {
    const guests = {
      attendees: [
        { email: ANN, responseStatus: 'declined' },
        { email: BOB, responseStatus: 'accepted' },
      ],
    };
    put('mine', guests);
    put('ours', guests, TEAM);
    const selves = async (calendar: string) =>
      itemsOf(await eventsOf(calendar)).flatMap(({ attendees }) => (attendees as readonly Row[]).map(({ self }) => self));
    expect([await selves(ANN), await selves(TEAM)]).toEqual([
      [true, undefined],
      [undefined, undefined],
    ]);
  });

  it('is a time and nothing else to those who may see no more', async () => {
    put('secret', { visibility: 'private', description: 'hush', attendees: [{ email: BOB }] }, TEAM);
    put('open', {}, FREE_BUSY);
    const [hidden] = itemsOf(await eventsOf(TEAM));
    const [busy] = itemsOf(await eventsOf(FREE_BUSY));
    for (const row of [hidden, busy]) {
      expect(row).toMatchObject({ visibility: 'private', start: { dateTime: '2026-11-24T10:00:00+01:00' } });
      for (const field of ['summary', 'description', 'attendees', 'organizer']) expect(row).not.toHaveProperty(field);
    }
    const bob = (await tokensFor(sandbox, { account: BOB }))['access_token'];
    const owned = await askApi(sandbox, bob, `calendars/${encodeURIComponent(TEAM)}/events/secret`);
    expect(owned.json).toMatchObject({ summary: 'secret', description: 'hush' });
  });

  it('of a series is told by its original start, with exceptions in its place', async () => {
    series();
    const moved = sandbox.calendars.putEvent(ANN, {
      recurringEventId: 'series',
      originalStartTime: at(9, 25),
      summary: 'Moved',
      start: at(15, 25),
      end: at(16, 25),
    });
    expect(moved).toBe('series_20261125T090000Z');
    const reply = await ask('calendars/primary/events/series/instances');
    expect(itemsOf(reply).map(({ id, summary, recurringEventId }) => [id, summary, recurringEventId])).toEqual([
      ['series_20261124T090000Z', 'series', 'series'],
      ['series_20261125T090000Z', 'Moved', 'series'],
      ['series_20261127T090000Z', 'series', 'series'],
    ]);
    expect((await ask('calendars/primary/events/series_20261127T090000Z')).json).toMatchObject({
      originalStartTime: { dateTime: '2026-11-27T06:00:00-03:00' },
    });
    expect(idsOf(await ask('calendars/primary/events/series_20261127T090000Z/instances'))).toEqual(['series_20261127T090000Z']);
    put('days', { start: { date: '2026-11-24' }, end: { date: '2026-11-25' }, recurrence: ['RRULE:FREQ=WEEKLY;COUNT=2'] });
    expect(idsOf(await ask('calendars/primary/events/days/instances'))).toEqual(['days_20261124', 'days_20261201']);
  });
});

describe('The event list of the Google sandbox', () => {
  it('comes in pages that may be short or empty, the sync token only with the last', async () => {
    for (let index = 0; index < 5; index += 1) put(`e${index}`);
    sandbox.switchOn({ fault: 'empty-pages' });
    sandbox.switchOn({ fault: 'short-pages', size: 2 });
    const { rows, pages } = await readAll(ANN);
    expect([rows.map(({ id }) => id), pages]).toEqual([['e0', 'e1', 'e2', 'e3', 'e4'], 6]);
  });

  it('goes on from a token, with what changed and what is gone', async () => {
    put('a');
    put('b');
    const { syncToken } = await readAll(ANN);
    expect(await readAll(ANN, { syncToken })).toMatchObject({ rows: [] });
    sandbox.calendars.removeEvent(ANN, 'a');
    put('c');
    const { rows } = await readAll(ANN, { syncToken });
    expect(rows.map(({ id, status }) => [id, status])).toEqual([
      ['a', 'cancelled'],
      ['c', 'confirmed'],
    ]);
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual(['etag', 'id', 'kind', 'status']);
  });

  it('hides deleted events, but never a hole in a living series', async () => {
    series();
    put('a');
    sandbox.calendars.removeEvent(ANN, 'a');
    sandbox.calendars.putEvent(ANN, { recurringEventId: 'series', originalStartTime: at(9, 25), status: 'cancelled' });
    expect(idsOf(await eventsOf(ANN))).toEqual(['series', 'series_20261125T090000Z']);
    const hole = itemsOf(await eventsOf(ANN))[1];
    expect(Object.keys(hole ?? {}).sort()).toEqual(['etag', 'id', 'kind', 'originalStartTime', 'recurringEventId', 'status']);
    expect(idsOf(await eventsOf(ANN, { showDeleted: 'true' }))).toContain('a');
    sandbox.calendars.removeEvent(ANN, 'series');
    expect(idsOf(await eventsOf(ANN))).toEqual([]);
  });

  it('tells instances one by one, when it is asked to, and those a changed series has no more', async () => {
    series();
    const single = { singleEvents: 'true' };
    const { rows, syncToken } = await readAll(ANN, single);
    expect(rows.map(({ id }) => id)).toEqual(['series_20261124T090000Z', 'series_20261125T090000Z', 'series_20261127T090000Z']);
    put('series', { recurrence: ['RRULE:FREQ=DAILY;COUNT=1'] });
    const since = await readAll(ANN, { ...single, syncToken });
    expect(since.rows.map(({ id, status }) => `${String(id)} ${String(status)}`)).toEqual([
      'series_20261124T090000Z confirmed',
      'series_20261125T090000Z cancelled',
      'series_20261127T090000Z cancelled',
    ]);
    expect(reasonOf(await eventsOf(ANN, { syncToken }))).toBe('400 invalid');
  });

  it('is bounded by the end after a time and the start before another, and searched', async () => {
    put('early', { start: at(1), end: at(2) });
    put('late', { start: at(20), end: at(21), extendedProperties: { private: { mark: 'x' } } });
    series();
    const [from, to] = ['2026-11-24T02:00:00Z', '2026-11-24T20:00:00Z'];
    expect(idsOf(await eventsOf(ANN, { timeMin: from, timeMax: to }))).toEqual(['series']);
    expect(idsOf(await eventsOf(ANN, { timeMin: '2026-12-01T00:00:00Z' }))).toEqual([]);
    expect(reasonOf(await eventsOf(ANN, { timeMin: to, timeMax: from }))).toBe('400 timeRangeEmpty');
    expect(reasonOf(await eventsOf(ANN, { timeMin: '2026-11-24T02:00:00' }))).toBe('400 badRequest');
    expect(idsOf(await eventsOf(ANN, { privateExtendedProperty: 'mark=x' }))).toEqual(['late']);
    expect(idsOf(await eventsOf(ANN, { q: 'EARL' }))).toEqual(['early']);
    expect(idsOf(await eventsOf(ANN, { singleEvents: 'true', orderBy: 'startTime', timeMax: to }))).toEqual([
      'early',
      'series_20261124T090000Z',
    ]);
    expect(reasonOf(await eventsOf(ANN, { updatedMin: '2020-01-01T00:00:00Z' }))).toBe('410 updatedMinTooLongAgo');
  });

  it.each(['orderBy=updated', 'q=a', 'iCalUID=a@google.com', 'privateExtendedProperty=a=b', 'sharedExtendedProperty=a=b'])(
    'cannot be gone on with after %s',
    async (parameter) => {
      put('a');
      const [name = '', ...value] = parameter.split('=');
      const reply = await eventsOf(ANN, { [name]: value.join('=') });
      expect([reply.status, reply.json['nextSyncToken'], reply.json['nextPageToken']]).toEqual([200, undefined, undefined]);
    },
  );

  it.each([
    ...['iCalUID=a', 'orderBy=updated', 'privateExtendedProperty=a=b', 'q=a', 'sharedExtendedProperty=a=b'],
    ...['timeMin=2026-11-24T00:00:00Z', 'timeMax=2026-11-24T00:00:00Z', 'updatedMin=2026-11-24T00:00:00Z', 'showDeleted=false'],
  ])('takes no token together with %s', async (parameter) => {
    const { syncToken } = await readAll(ANN);
    const [name = '', ...value] = parameter.split('=');
    expect(reasonOf(await eventsOf(ANN, { syncToken, [name]: value.join('=') }))).toBe('400 badRequest');
  });

  it('takes no page token of another list, and no sync token of another calendar', async () => {
    for (const id of ['a', 'b']) put(id);
    const { json } = await eventsOf(ANN, { maxResults: '1' });
    const pageToken = String(json['nextPageToken']);
    expect(reasonOf(await eventsOf(ANN, { maxResults: '1', pageToken, showDeleted: 'true' }))).toBe('400 invalid');
    expect(reasonOf(await eventsOf(TEAM, { maxResults: '1', pageToken }))).toBe('400 invalid');
    const { syncToken } = await readAll(ANN);
    expect(reasonOf(await eventsOf(TEAM, { syncToken }))).toBe('400 invalid');
    expect(reasonOf(await eventsOf(ANN, { syncToken: 'nonsense' }))).toBe('400 invalid');
  });

  it('shows only the fields asked for, and forgets the tokens of those who do not ask for them', async () => {
    put('a');
    expect((await eventsOf(ANN, { fields: 'items(id,start/timeZone)' })).json).toEqual({
      items: [{ id: 'a', start: { timeZone: 'Europe/Paris' } }],
    });
    expect(reasonOf(await eventsOf(ANN, { fields: 'items(' }))).toBe('400 invalid');
  });

  it('goes on through all kinds of events', async () => {
    for (const eventType of ['default', 'birthday', 'focusTime', 'fromGmail', 'outOfOffice', 'workingLocation'])
      put(eventType.toLowerCase(), { eventType });
    expect((await readAll(ANN)).rows).toHaveLength(6);
    expect(idsOf(await eventsOf(ANN, { eventTypes: 'birthday' }))).toEqual(['birthday']);
  });
});

describe('The Google sandbox refuses', () => {
  it('who brings no good token', async () => {
    for (const wrong of ['', 'nonsense']) {
      const reply = await askApi(sandbox, wrong, 'users/me/calendarList');
      expect(reasonOf(reply)).toBe('401 authError');
    }
    sandbox.act({ action: 'expire-access', account: ANN });
    expect(reasonOf(await ask('users/me/calendarList'))).toBe('401 authError');
  });

  it.each([
    [`${CALENDAR_SCOPE}.readonly`, '200 200'],
    [EVENTS_SCOPE, '403 200'],
    [LIST_SCOPE, '200 403'],
    [`${CALENDAR_SCOPE}.freebusy`, '403 403'],
    [`${CALENDAR_SCOPE}.events.owned.readonly`, '403 200'],
    [`${CALENDAR_SCOPE}.events.freebusy`, '403 200'],
  ])('a method that the scope does not open: %s', async (scope, expected) => {
    token = (await tokensFor(sandbox, {}, { scope }))['access_token'];
    const replies = [await ask('users/me/calendarList'), await eventsOf(ANN)];
    expect(replies.map(({ status }) => status).join(' ')).toBe(expected);
    for (const reply of replies.filter(({ status }) => status === 403)) {
      expect(reasonOf(reply)).toBe('403 insufficientPermissions');
      expect(reply.json).toMatchObject({
        error: { status: 'PERMISSION_DENIED', details: [{ reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }] },
      });
    }
  });

  it('a calendar that is not on the list, is gone, or is not owned by who may read only those', async () => {
    expect(reasonOf(await eventsOf(BOB))).toBe('404 notFound');
    sandbox.calendars.removeCalendar(TEAM);
    expect(reasonOf(await eventsOf(TEAM))).toBe('404 notFound');
    token = (await tokensFor(sandbox, {}, { scope: `${CALENDAR_SCOPE}.events.owned` }))['access_token'];
    expect(reasonOf(await eventsOf(HOLIDAYS))).toBe('404 notFound');
  });

  it('a sync token that it has forgotten, on demand and when access has changed', async () => {
    for (const id of ['a', 'b']) put(id);
    put('c', {}, TEAM);
    const [own, team] = [(await readAll(ANN)).syncToken, (await readAll(TEAM)).syncToken];
    sandbox.switchOn({ fault: 'token-refused', calendar: ANN, times: 1 });
    const refused = await eventsOf(ANN, { syncToken: own });
    expect(reasonOf(refused)).toBe('410 fullSyncRequired');
    expect(refused.json).toMatchObject({ error: { errors: [{ domain: 'calendar', location: 'syncToken', locationType: 'parameter' }] } });
    expect((await eventsOf(ANN, { syncToken: own })).status).toBe(200);
    sandbox.calendars.share(ANN, TEAM, { accessRole: 'writer' });
    expect(reasonOf(await eventsOf(TEAM, { syncToken: team }))).toBe('410 fullSyncRequired');
    sandbox.act({ action: 'forget-sync', calendar: null });
    expect(reasonOf(await eventsOf(ANN, { syncToken: own }))).toBe('410 fullSyncRequired');
  });

  it('a sync token in the middle of its pages', async () => {
    const { syncToken } = await readAll(ANN);
    for (const id of ['a', 'b']) put(id);
    sandbox.switchOn({ fault: 'token-refused-midway' });
    const first = await eventsOf(ANN, { syncToken, maxResults: '1' });
    expect(idsOf(first)).toEqual(['a']);
    const second = await eventsOf(ANN, { syncToken, maxResults: '1', pageToken: String(first.json['nextPageToken']) });
    expect(reasonOf(second)).toBe('410 fullSyncRequired');
  });

  it.each([
    [{ fault: 'rate-limited' }, '403 rateLimitExceeded', null],
    [{ fault: 'rate-limited', reason: 'userRateLimitExceeded', retryAfter: 3 }, '403 userRateLimitExceeded', '3'],
    [{ fault: 'rate-limited', status: 429, retryAfter: 3 }, '429 rateLimitExceeded', '3'],
    [{ fault: 'rate-limited', status: 429 }, '429 rateLimitExceeded', null],
    [{ fault: 'rate-limited', reason: 'quotaExceeded' }, '403 quotaExceeded', null],
    [{ fault: 'access-refused' }, '401 authError', null],
    [{ fault: 'api-disabled' }, '403 accessNotConfigured', null],
    [{ fault: 'unavailable', retryAfter: 9 }, '503 backendError', '9'],
    [{ fault: 'broken' }, '500 backendError', null],
  ] as const)('everything on a bad day: %j', async (fault, reason, retryAfter) => {
    sandbox.switchOn({ ...fault, account: BOB });
    expect((await eventsOf(ANN)).status).toBe(200);
    sandbox.switchOn({ ...fault, account: ANN, times: 1 });
    const reply = await eventsOf(ANN);
    expect([reasonOf(reply), reply.headers.get('retry-after')]).toEqual([reason, retryAfter]);
    expect((await eventsOf(ANN)).status).toBe(200);
  });

  it('to finish an answer, or to hurry', async () => {
    put('a');
    sandbox.switchOn({ fault: 'cut', times: 1 });
    await expect(eventsOf(ANN)).rejects.toThrow();
    sandbox.switchOn({ fault: 'slow', milliseconds: 600_000 });
    const asked = fetch(`${sandbox.url}calendar/v3/users/me/calendarList`, {
      headers: { authorization: `Bearer ${String(token)}` },
      signal: AbortSignal.timeout(300),
    });
    await expect(asked).rejects.toThrow('aborted');
  });
});

describe('The Google sandbox, over HTTP,', () => {
  const order = (method: string, path: string, content?: unknown): Promise<Response> =>
    fetch(`${sandbox.url}sandbox${path}`, {
      method,
      ...(content === undefined ? {} : { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }),
    });

  it('says who is there, and takes calendars, events and accesses', async () => {
    const made = 'c_new@group.calendar.google.com';
    expect((await order('PUT', `/calendars/${made}`, { summary: 'New', timeZone: 'Europe/Paris' })).status).toBe(200);
    expect((await order('PUT', `/people/${ANN}/calendars/${made}`, { accessRole: 'writer' })).status).toBe(200);
    expect((await order('PUT', `/calendars/${made}/events/a`, { summary: 'A', start: at(9), end: at(10) })).status).toBe(200);
    expect(idsOf(await eventsOf(made))).toEqual(['a']);
    expect([
      (await order('DELETE', `/calendars/${made}/events/a`)).status,
      (await order('DELETE', `/calendars/${made}/events/a`)).status,
    ]).toEqual([204, 404]);
    expect((await order('PUT', `/people/${ANN}/calendars/${made}`, null)).status).toBe(200);
    expect(reasonOf(await eventsOf(made))).toBe('404 notFound');
    expect((await order('DELETE', '/calendars/never')).status).toBe(404);
    expect(await (await order('GET', '')).json()).toMatchObject({
      clientId: 'sandbox',
      accounts: [{ email: ANN }, { email: BOB }],
      faults: [],
    });
  });

  it('takes faults and actions, and refuses those it does not know', async () => {
    expect((await order('POST', '/faults', { fault: 'broken', times: 1 })).status).toBe(201);
    expect(reasonOf(await eventsOf(ANN))).toBe('500 backendError');
    expect((await order('POST', '/actions', { action: 'revoke', account: ANN })).status).toBe(204);
    expect(reasonOf(await eventsOf(ANN))).toBe('401 authError');
    for (const wrong of [{ fault: 'tired' }, { fault: 'slow' }, 'nothing', { fault: 'cut', times: 0 }])
      expect((await order('POST', '/faults', wrong)).status).toBe(422);
    expect((await order('POST', '/actions', { action: 'sleep' })).status).toBe(422);
    expect((await fetch(`${sandbox.url}sandbox/faults`, { method: 'POST', body: '{}' })).status).toBe(415);
    expect((await order('DELETE', '/faults')).status).toBe(204);
  });
});

describe('The made-up people of the Google sandbox', () => {
  let people: GoogleSandbox;
  beforeAll(async () => {
    people = await startGoogleSandbox({ clock, port: 0, timeZone: 'Europe/Berlin', restlessness: null });
  });
  afterAll(() => people.stop());

  it('have the calendars of the cast, the holidays, and a colleague of whom only times are seen', async () => {
    const found: Record<string, number> = {};
    for (const account of ['mia@work.example', 'mia@home.example', 'noah@work.example']) {
      const access = (await tokensFor(people, { account }))['access_token'];
      for (const { id, summary, accessRole } of itemsOf(await askApi(people, access, 'users/me/calendarList'))) {
        const rows = itemsOf(await askApi(people, access, `calendars/${encodeURIComponent(String(id))}/events`));
        found[`${account} ${String(summary)}, ${String(accessRole)}`] = rows.length;
      }
    }
    expect(found).toEqual({
      'mia@work.example Work, owner': 76,
      'mia@work.example Team (shared by Ivy), reader': 4,
      'mia@work.example Work, freeBusyReader': 67,
      'mia@work.example Holidays in Nowhere, reader': 3,
      'mia@home.example Private, owner': 30,
      'mia@home.example Family, owner': 3,
      'mia@home.example Birthdays, reader': 3,
      'mia@home.example Holidays in Nowhere, reader': 3,
      'noah@work.example Work, owner': 67,
      'noah@work.example Holidays in Nowhere, reader': 3,
    });
  });
});
