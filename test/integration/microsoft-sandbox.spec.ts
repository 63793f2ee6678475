import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { PERSONAL_TENANT } from '../../src/embedded/microsoft/account.js';
import { graphId, type GraphBody } from '../../src/embedded/microsoft/event.js';
import { type MicrosoftSandbox, startMicrosoftSandbox, startMicrosoftSandboxAgain } from '../../src/embedded/microsoft.sandbox.js';
import { DAY } from '../../src/kernel/clock.js';
import { movedClock } from '../support/google-sandbox.js';
import { eventually } from '../support/store.js';
import {
  ALWAYS,
  ANN,
  ANNS,
  askGraph,
  type Asking,
  askingUrl,
  consentOn,
  exchangeCode,
  HOLIDAYS,
  HOME,
  locationOf,
  OTHER_TENANT,
  QUIET,
  READ,
  refreshed,
  type Reply,
  SHARED,
  startGraphListener,
  startGraphPeople,
  TENANT,
  tokensFor,
} from '../support/microsoft-sandbox.js';

const clock = movedClock();
let sandbox: MicrosoftSandbox;
let token: unknown;

beforeAll(async () => {
  sandbox = await startGraphPeople(clock);
  token = (await tokensFor(sandbox, {}, { scope: `${READ} Calendars.ReadWrite MailboxSettings.Read` }))['access_token'];
});
afterEach(() => {
  sandbox.switchOff();
});
afterAll(() => sandbox.stop());

type Row = Readonly<Record<string, unknown>> & Readonly<{ id: string }>;

const ask = (path: string, how: Asking = {}): Promise<Reply> => askGraph(sandbox, token, path, how);
const rowsOf = ({ json }: Reply): readonly Row[] => json['value'] as readonly Row[];
const errorOf = ({ status, json }: Reply): string => `${status} ${(json['error'] as { code?: string } | undefined)?.code ?? ''}`;
const on = (calendar: string): string => `me/calendars/${encodeURIComponent(calendar)}`;
const WINDOW = 'startDateTime=2026-11-20T00:00:00Z&endDateTime=2026-12-20T00:00:00Z';
const paris = (dateTime: string) => ({ dateTime, timeZone: 'Romance Standard Time' });
const lasting = (day: string, more: GraphBody = {}): GraphBody => ({
  subject: 'Something',
  start: paris(`${day}T09:00:00`),
  end: paris(`${day}T10:00:00`),
  ...more,
});
const daily = (count: number, startDate = '2026-11-24'): GraphBody => ({
  recurrence: { pattern: { type: 'daily', interval: 1 }, range: { type: 'numbered', startDate, numberOfOccurrences: count } },
});
let calendars = 0;
/** A calendar of Ann's own with nothing in it. */
const made = (): string => {
  const id = `AQMkMade${(calendars += 1)}==`;
  sandbox.mailboxes.putCalendar({ id, name: 'Made', owner: { name: 'Ann Anybody', address: ANN } });
  sandbox.mailboxes.share(ANN, id, { role: 'owner' });
  return id;
};
type Round = Readonly<{ rows: readonly Row[]; pages: number; link: string }>;
const linkIn = ({ json }: Reply, name: string): string => (typeof json[name] === 'string' ? json[name] : '');
/** A delta round to its end. */
const round = async (from: string, prefer = ALWAYS): Promise<Round> => {
  const rows: Row[] = [];
  let [next, pages, link] = [from, 0, ''];
  while (next !== '') {
    const reply = await ask(next, { prefer });
    if (reply.status !== 200) throw new Error(errorOf(reply));
    rows.push(...rowsOf(reply));
    pages += 1;
    next = linkIn(reply, '@odata.nextLink');
    link = linkIn(reply, '@odata.deltaLink');
  }
  return { rows, pages, link };
};
const first = (calendar: string, prefer = ALWAYS): Promise<Round> => round(`${on(calendar)}/calendarView/delta?${WINDOW}`, prefer);
const removedIn = ({ rows }: Round): readonly string[] => rows.filter((row) => '@removed' in row).map(({ id }) => id);
const id = (key: string): string => graphId(key, true);

describe('Entra of the Microsoft sandbox', () => {
  it('asks on a page, and sends back with a code that is good once', async () => {
    const back = locationOf(await consentOn(askingUrl(sandbox)));
    const code = back.searchParams.get('code') ?? '';
    expect([back.href.split('?')[0], back.searchParams.get('state')]).toEqual(['http://127.0.0.1:4999/back', 'a-state']);
    const { json } = await exchangeCode(sandbox, code);
    expect(json).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3_599,
      refresh_token: expect.any(String),
      id_token: expect.any(String),
    });
    expect(json['scope']).toBe(
      'openid profile email https://graph.microsoft.com/User.Read https://graph.microsoft.com/Calendars.Read https://graph.microsoft.com/Calendars.Read.Shared https://graph.microsoft.com/Calendars.ReadWrite https://graph.microsoft.com/MailboxSettings.Read',
    );
    const again = await exchangeCode(sandbox, code);
    expect([again.status, again.json]).toEqual([
      400,
      {
        error: 'invalid_grant',
        error_description: expect.stringMatching(/^AADSTS54005: /),
        error_codes: [54005],
        timestamp: expect.any(String),
        trace_id: expect.any(String),
        correlation_id: expect.any(String),
        error_uri: expect.any(String),
      },
    ]);
  });

  it('gives another refresh token with every renewal, and the earlier ones stay good', async () => {
    const { refresh_token: old } = await tokensFor(sandbox, { account: HOME });
    const renewed = await refreshed(sandbox, old);
    expect(renewed.json['scope']).toBe('openid profile email User.Read Calendars.Read');
    expect(renewed.json['refresh_token']).not.toBe(old);
    expect([(await refreshed(sandbox, old)).status, (await refreshed(sandbox, renewed.json['refresh_token'])).status]).toEqual([200, 200]);
    sandbox.act({ action: 'revoke', account: HOME });
    expect((await refreshed(sandbox, old)).json).toMatchObject({ error: 'invalid_grant', error_codes: [50173] });
  });

  it('gives no refresh token to those who do not ask for offline access', async () => {
    const json = await tokensFor(sandbox, { account: HOME }, { scope: 'openid Calendars.Read' });
    expect([json['access_token'], json['refresh_token']]).toEqual([expect.any(String), undefined]);
  });

  it.each([
    ['common', ANN, TENANT],
    ['common', HOME, PERSONAL_TENANT],
    [TENANT, ANN, TENANT],
    ['consumers', HOME, PERSONAL_TENANT],
  ])('signs who somebody is at %s (%s)', async (tenant, account, tid) => {
    const { json: about } = await ask(`${sandbox.url}${tenant}/v2.0/.well-known/openid-configuration`);
    const back = locationOf(await consentOn(askingUrl(sandbox, { tenant, nonce: 'n' }), { account }));
    const { json } = await exchangeCode(sandbox, back.searchParams.get('code') ?? '', { tenant });
    const keys = createRemoteJWKSet(new URL(String(about['jwks_uri'])));
    const issuer = String(about['issuer']).replace('{tenantid}', tid);
    const { payload } = await jwtVerify(String(json['id_token']), keys, { issuer, currentDate: new Date(clock.now()) });
    expect(payload).toMatchObject({
      tid,
      oid: expect.stringMatching(/^[\da-f-]{36}$/),
      preferred_username: account,
      nonce: 'n',
      ver: '2.0',
    });
    expect(String(about['issuer']).includes('{tenantid}')).toBe(tenant === 'common');
  });

  it('is cancelled, needs an administrator, or knows no such account at a tenant', async () => {
    const denied = locationOf(await consentOn(askingUrl(sandbox), { deny: true })).searchParams;
    expect([denied.get('error'), denied.get('error_description')]).toEqual(['access_denied', expect.stringMatching(/^AADSTS65004/)]);
    const strict = locationOf(await consentOn(askingUrl(sandbox), { account: 'strict@people.example' })).searchParams;
    expect([strict.get('error'), strict.get('error_description')]).toEqual(['access_denied', expect.stringMatching(/^AADSTS90094/)]);
    expect((await consentOn(askingUrl(sandbox, { tenant: OTHER_TENANT }), { account: ANN })).status).toBe(400);
    expect((await consentOn(askingUrl(sandbox, { tenant: 'consumers' }), { account: ANN })).body).toContain('AADSTS50020');
  });

  it.each([
    [{ client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    [{ client_secret: null }, 401, 'invalid_client', 7000218],
    [{ client_id: 'unknown' }, 400, 'unauthorized_client', 700016],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    [{ code_verifier: 'another-verifier-that-is-long-enough-0123456789' }, 400, 'invalid_grant', 501481],
    [{ redirect_uri: 'http://127.0.0.1:4999/elsewhere' }, 400, 'invalid_request', 50011],
  ])('refuses a code with %j', async (wrong, status, error, number) => {
    const code = locationOf(await consentOn(askingUrl(sandbox))).searchParams.get('code') ?? '';
    const reply = await exchangeCode(sandbox, code, wrong);
    expect([reply.status, reply.json]).toEqual([status, expect.objectContaining({ error, error_codes: [number] })]);
  });

  it('has bad days, each with its AADSTS number', async () => {
    const { refresh_token: kept } = await tokensFor(sandbox);
    const renewal = async (): Promise<readonly unknown[]> => {
      const { status, json } = await refreshed(sandbox, kept);
      return [status, json['error'] ?? '', (json['error_codes'] as readonly number[] | undefined)?.[0] ?? 0, json['suberror'] ?? ''];
    };
    sandbox.switchOn({ fault: 'grant-refused', times: 1 });
    expect(await renewal()).toEqual([400, 'invalid_grant', 700082, 'token_expired']);
    sandbox.switchOn({ fault: 'grant-refused', number: 70043, seconds: 14_400, times: 1 });
    const limited = await refreshed(sandbox, kept);
    expect(limited.json['error_description']).toContain('maximum allowed lifetime for this request is 14400.');
    sandbox.switchOn({ fault: 'grant-refused', number: 50079, times: 1 });
    expect(await renewal()).toEqual([400, 'interaction_required', 50079, '']);
    sandbox.switchOn({ fault: 'client-refused', number: 7000222, times: 1 });
    expect(await renewal()).toEqual([401, 'invalid_client', 7000222, '']);
    sandbox.switchOn({ fault: 'unavailable', on: 'token', times: 1 });
    expect(await renewal()).toEqual([503, '', 0, '']);
    sandbox.switchOn({ fault: 'no-refresh-token', times: 1 });
    expect((await refreshed(sandbox, kept)).json['refresh_token']).toBeUndefined();
  });
});

describe('Graph of the Microsoft sandbox', () => {
  it('knows who asks, and the zone of their mailbox', async () => {
    const { id: oid } = (await ask('me')).json;
    const { id_token } = await tokensFor(sandbox);
    expect(decodeJwt(String(id_token))['oid']).toBe(oid);
    expect((await ask('me/mailboxSettings')).json['timeZone']).toBe('E. South America Standard Time');
  });

  it('lists the calendars of a mailbox with those that are shared, page by page', async () => {
    const reply = await ask('me/calendars?$top=2');
    expect(rowsOf(reply).map((row) => [row.id, row['isDefaultCalendar'], row['canEdit']])).toEqual([
      [ANNS, true, true],
      [SHARED, false, false],
    ]);
    const rest = await ask(String(reply.json['@odata.nextLink']));
    expect(
      rowsOf(rest)
        .slice(0, 2)
        .map((row) => [row.id, row['canViewPrivateItems'], row['owner']]),
    ).toEqual([
      [QUIET, false, { name: 'Bob Somebody', address: 'bob@people.example' }],
      [HOLIDAYS, true, { name: 'Ann Anybody', address: ANN }],
    ]);
  });

  it('refuses without a good token, without the scope, without a mailbox, and what is not there', async () => {
    expect(errorOf(await askGraph(sandbox, 'wrong', 'me'))).toBe('401 InvalidAuthenticationToken');
    const narrow = (await tokensFor(sandbox, { account: HOME }, { scope: 'openid offline_access User.Read' }))['access_token'];
    expect(errorOf(await askGraph(sandbox, narrow, 'me/mailboxSettings'))).toBe('403 ErrorAccessDenied');
    const token = (await tokensFor(sandbox, { account: 'nomail@people.example' }))['access_token'];
    expect(errorOf(await askGraph(sandbox, token, 'me/calendars'))).toBe('404 MailboxNotEnabledForRESTAPI');
    expect(errorOf(await ask(`${on('AQMkNone==')}/events`))).toBe('404 ErrorItemNotFound');
    expect(errorOf(await ask('me/pigeons'))).toBe('400 BadRequest');
    const { json } = await ask('me/events/nonsense');
    expect(json['error']).toEqual({
      code: 'ErrorInvalidIdMalformed',
      message: 'Id is malformed.',
      innerError: { date: expect.any(String), 'request-id': expect.any(String), 'client-request-id': expect.any(String) },
    });
  });

  it('shows times and ids as they are preferred, and says that it did', async () => {
    const calendar = made();
    const key = sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', { body: { contentType: 'html', content: '<p>Hello</p>' } }));
    const reply = await ask(`${on(calendar)}/events/${id(key)}`);
    expect(reply.headers.get('preference-applied')).toBe(ALWAYS);
    expect(reply.json).toMatchObject({
      '@odata.etag': expect.stringMatching(/^W\/".+"$/),
      id: id(key),
      start: { dateTime: '2026-11-24T08:00:00.0000000', timeZone: 'UTC' },
      originalStartTimeZone: 'Romance Standard Time',
      body: { contentType: 'text', content: 'Hello' },
      type: 'singleInstance',
      showAs: 'busy',
    });
    const tokyo = await ask(`${on(calendar)}/events/${id(key)}`, { prefer: 'outlook.timezone="Tokyo Standard Time"' });
    expect(tokyo.json).toMatchObject({
      id: graphId(key, false),
      start: { dateTime: '2026-11-24T17:00:00.0000000', timeZone: 'Tokyo Standard Time' },
      body: { contentType: 'html', content: '<p>Hello</p>' },
    });
    expect(errorOf(await ask('me', { prefer: 'outlook.timezone="Nowhere"' }))).toBe('400 TimeZoneNotSupportedException');
  });

  it('shows a calendar in a window, ten rows at a time, with every occurrence by itself', async () => {
    const calendar = made();
    const series = sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', daily(12)));
    sandbox.mailboxes.putEvent(calendar, lasting('2027-01-24'));
    const page = await ask(`${on(calendar)}/calendarView?${WINDOW}&$select=subject,start,type,originalStart,seriesMasterId`);
    expect(rowsOf(page)).toHaveLength(10);
    expect(rowsOf(page)[0]).toEqual({
      '@odata.etag': expect.any(String),
      id: expect.any(String),
      subject: 'Something',
      start: { dateTime: '2026-11-24T08:00:00.0000000', timeZone: 'UTC' },
      originalStart: '2026-11-24T08:00:00Z',
      seriesMasterId: id(series),
      type: 'occurrence',
    });
    const rest = await ask(String(page.json['@odata.nextLink']));
    expect([rowsOf(rest).length, rest.json['@odata.nextLink']]).toEqual([2, undefined]);
    const instances = await ask(`${on(calendar)}/events/${id(series)}/instances?${WINDOW}&$top=100`);
    expect(rowsOf(instances).map((row) => row.id)).toEqual([...rowsOf(page), ...rowsOf(rest)].map((row) => row.id));
    expect(errorOf(await ask(`${on(calendar)}/calendarView`))).toBe('400 ErrorInvalidParameter');
    expect(errorOf(await ask(`${on(calendar)}/calendarView?startDateTime=2020-01-01&endDateTime=2026-01-01`))).toBe(
      '400 ErrorInvalidParameter',
    );
    const long = 'startDateTime=2020-01-01T00:00:00&endDateTime=2026-01-01T00:00:00';
    expect(errorOf(await ask(`${on(calendar)}/calendarView?${long}`))).toBe('400 ErrorInvalidRequest');
  });

  it('expands every pattern there is', async () => {
    const calendar = made();
    const days = async (pattern: object, range: object): Promise<readonly string[]> => {
      const startDate = '2026-11-24';
      const recurrence = { pattern: { interval: 1, ...pattern }, range: { startDate, ...range } };
      const { json } = await ask(`${on(calendar)}/events`, { method: 'POST', body: lasting(startDate, { recurrence } as never) });
      const years = 'startDateTime=2026-11-20T00:00:00Z&endDateTime=2029-11-20T00:00:00Z';
      const reply = await ask(`${on(calendar)}/events/${String(json['id'])}/instances?${years}&$top=4&$select=start`);
      return rowsOf(reply).map((row) => (row['start'] as { dateTime: string }).dateTime.slice(0, 10));
    };
    const noEnd = { type: 'noEnd' };
    expect(await days({ type: 'daily', interval: 3 }, { type: 'endDate', endDate: '2026-11-30' })).toEqual([
      '2026-11-24',
      '2026-11-27',
      '2026-11-30',
    ]);
    expect(await days({ type: 'weekly', daysOfWeek: ['tuesday', 'friday'] }, noEnd)).toEqual([
      '2026-11-24',
      '2026-11-27',
      '2026-12-01',
      '2026-12-04',
    ]);
    expect(await days({ type: 'absoluteMonthly', dayOfMonth: 24 }, { type: 'numbered', numberOfOccurrences: 2 })).toEqual([
      '2026-11-24',
      '2026-12-24',
    ]);
    expect(await days({ type: 'relativeMonthly', daysOfWeek: ['tuesday'], index: 'last' }, noEnd)).toEqual([
      '2026-11-24',
      '2026-12-29',
      '2027-01-26',
      '2027-02-23',
    ]);
    expect(await days({ type: 'absoluteYearly', month: 11, dayOfMonth: 24 }, noEnd)).toEqual(['2026-11-24', '2027-11-24', '2028-11-24']);
    expect(await days({ type: 'relativeYearly', month: 11, daysOfWeek: ['tuesday'], index: 'fourth' }, noEnd)).toEqual([
      '2026-11-24',
      '2027-11-23',
      '2028-11-28',
    ]);
  });

  it('makes, changes and deletes events, whole series and single occurrences', async () => {
    const calendar = made();
    const path = `${on(calendar)}/events`;
    const created = await ask(path, { method: 'POST', body: lasting('2026-11-24', { transactionId: 't' }) });
    expect([created.status, (await ask(path, { method: 'POST', body: lasting('2026-11-24', { transactionId: 't' }) })).json['id']]).toEqual(
      [201, created.json['id']],
    );
    sandbox.switchOn({ fault: 'transaction-conflict', times: 1 });
    expect((await ask(path, { method: 'POST', body: lasting('2026-11-24', { transactionId: 't' }) })).status).toBe(409);
    const one = `${path}/${String(created.json['id'])}`;
    const changed = await ask(one, {
      method: 'PATCH',
      body: { subject: 'Else' },
      headers: { 'if-match': String(created.json['@odata.etag']) },
    });
    expect([changed.status, changed.json['subject']]).toEqual([200, 'Else']);
    expect(errorOf(await ask(one, { method: 'PATCH', body: {}, headers: { 'if-match': 'W/"old"' } }))).toBe(
      '412 ErrorIrresolvableConflict',
    );
    const series = (await ask(path, { method: 'POST', body: lasting('2026-11-24', daily(3)) })).json['id'] as string;
    const rows = async () => rowsOf(await ask(`${path}/${series}/instances?${WINDOW}`));
    const [, second, third] = await rows();
    const moved = await ask(`${path}/${second?.id}`, {
      method: 'PATCH',
      body: { start: paris('2026-11-25T11:00:00'), end: paris('2026-11-25T12:00:00') },
    });
    expect(moved.json).toMatchObject({ id: second?.id, type: 'exception', originalStart: '2026-11-25T08:00:00Z', subject: 'Something' });
    expect((await ask(`${path}/${third?.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(errorOf(await ask(`${path}/${third?.id}`))).toBe('404 ErrorItemNotFound');
    expect((await rows()).map((row) => row['type'])).toEqual(['occurrence', 'exception']);
    expect((await ask(`me/events/${series}`, { method: 'DELETE' })).status).toBe(204);
    expect(errorOf(await ask(`me/events/${second?.id}`))).toBe('404 ErrorItemNotFound');
    expect(errorOf(await ask(path, { method: 'POST', body: { subject: 'never' } }))).toBe('400 ErrorPropertyValidationFailure');
    expect(errorOf(await ask(`${on(HOLIDAYS)}/events`, { method: 'POST', body: lasting('2026-11-24') }))).toBe('403 ErrorAccessDenied');
  });

  it('answers up to twenty requests in one, each by itself and in no order', async () => {
    const batch = (requests: readonly unknown[]) => ask('$batch', { method: 'POST', body: { requests } });
    const get = (name: string, url: string, more: object = {}) => ({ id: name, method: 'GET', url, ...more });
    const event = lasting('2026-11-24');
    const { json } = await batch([
      get('1', '/me'),
      get('2', '/me/events/nonsense'),
      get('3', '/me', { dependsOn: ['2'] }),
      { id: '4', method: 'POST', url: `${on(made())}/events`, headers: { 'content-type': 'application/json' }, body: event },
    ]);
    const answers = json['responses'] as readonly Readonly<{ id: string; status: number }>[];
    expect(answers.map((each) => [each.id, each.status])).toEqual([
      ['4', 201],
      ['3', 424],
      ['2', 400],
      ['1', 200],
    ]);
    expect((await batch(Array.from({ length: 21 }, (_, index) => get(String(index), '/me')))).status).toBe(400);
  });

  it('finds what is shared only by the path of its calendar, and tells no more of it than may be read', async () => {
    const key = sandbox.mailboxes.putEvent(
      SHARED,
      lasting('2026-11-24', { sensitivity: 'private', body: { contentType: 'text', content: 'secret' } }),
    );
    sandbox.mailboxes.putEvent(QUIET, lasting('2026-11-24'));
    expect(errorOf(await ask(`me/events/${id(key)}`))).toBe('404 ErrorItemNotFound');
    expect((await ask(`${on(SHARED)}/events/${id(key)}`)).json).toMatchObject({
      subject: '',
      sensitivity: 'private',
      body: { content: '' },
    });
    expect(rowsOf(await ask(`${on(QUIET)}/calendarView?${WINDOW}`))[0]).toMatchObject({ subject: '', showAs: 'busy', attendees: [] });
  });
});

describe('A delta round of the Microsoft sandbox', () => {
  it('tells singles and series whole and occurrences by their time alone, in absolute links with an empty page now and then', async () => {
    const calendar = made();
    const [single, series] = [
      sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24')),
      sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', daily(3))),
    ];
    sandbox.switchOn({ fault: 'empty-pages' });
    const { rows, pages, link } = await first(calendar, `${ALWAYS}, odata.maxpagesize=2`);
    expect([rows.length, pages, link.startsWith(`${sandbox.url}v1.0/me/calendars/`)]).toEqual([5, 6, true]);
    const types = rows.map((row) => row['type']).sort();
    expect(types).toEqual(['occurrence', 'occurrence', 'occurrence', 'seriesMaster', 'singleInstance']);
    const sparse = rows.find((row) => row['type'] === 'occurrence');
    expect(Object.keys(sparse ?? {}).sort()).toEqual(['@odata.etag', 'end', 'id', 'seriesMasterId', 'start', 'type']);
    expect(sparse?.['seriesMasterId']).toBe(id(series));
    expect(rows.find((row) => row.id === id(single))).toMatchObject({ subject: 'Something' });
    expect((await round(link)).rows).toEqual([]);
  });

  it('goes on from its link with what changed, what is gone, and what was never in the window', async () => {
    const calendar = made();
    const put = (day: string, more: GraphBody = {}): string => sandbox.mailboxes.putEvent(calendar, lasting(day, more));
    const [kept, gone, leaving, far] = [put('2026-11-24'), put('2026-11-25'), put('2026-11-26'), put('2027-06-01')];
    const { link, rows } = await first(calendar);
    expect(rows).toHaveLength(3);
    put('2026-11-24', { id: kept, subject: 'Changed' });
    sandbox.mailboxes.removeEvent(calendar, gone);
    put('2027-06-02', { id: leaving });
    put('2027-06-01', { id: far, subject: 'Far away' });
    const next = await round(link);
    expect(next.rows.find((row) => row.id === id(kept))).toMatchObject({ subject: 'Changed' });
    expect(next.rows.find((row) => row.id === id(gone))).toEqual({ id: id(gone), '@removed': { reason: 'deleted' } });
    expect(next.rows.find((row) => row.id === id(leaving))).toEqual({ id: id(leaving), '@removed': { reason: 'changed' } });
    expect([...removedIn(next)].sort()).toEqual([id(gone), id(leaving), id(far)].sort());
    expect((await round(next.link)).rows).toEqual([]);
  });

  it('gives the occurrences of a series that moved other ids, and takes the old ones back', async () => {
    const calendar = made();
    const series = sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', daily(3)));
    const before = await first(calendar);
    sandbox.mailboxes.putEvent(calendar, { ...lasting('2026-11-24', daily(3)), id: series, start: paris('2026-11-24T08:00:00') });
    const after = await round(before.link);
    const old = before.rows.filter((row) => row['type'] === 'occurrence').map((row) => row.id);
    expect([...removedIn(after)].sort()).toEqual([...old].sort());
    expect(after.rows.filter((row) => row['type'] === 'occurrence')).toHaveLength(3);
    sandbox.mailboxes.putEvent(calendar, {
      ...lasting('2026-11-24', daily(3)),
      id: series,
      subject: 'Renamed',
      start: paris('2026-11-24T08:00:00'),
    });
    const renamed = await round(after.link);
    expect([renamed.rows.length, removedIn(renamed)]).toEqual([4, []]);
  });

  it('tells an exception whole, an occurrence that is deleted by its id, and the end of a series', async () => {
    const calendar = made();
    const series = sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', daily(3)));
    const { link } = await first(calendar);
    const exception = sandbox.mailboxes.putEvent(calendar, {
      ...lasting('2026-11-25', { subject: 'Special' }),
      seriesMasterId: series,
      originalStart: '2026-11-25T08:00:00Z',
    });
    sandbox.mailboxes.removeOccurrence(calendar, series, '2026-11-26T08:00:00Z');
    const next = await round(link);
    expect(next.rows.find((row) => row.id === id(exception))).toMatchObject({
      type: 'exception',
      subject: 'Special',
      seriesMasterId: id(series),
    });
    expect(removedIn(next)).toEqual([id(`${series}.0.20261126T080000Z`)]);
    sandbox.mailboxes.removeEvent(calendar, series);
    const last = await round(next.link);
    expect(removedIn(last)).toHaveLength(4);
    sandbox.switchOn({ fault: 'bare-removals', told: 'series' });
    expect(removedIn(await round(next.link))).toEqual([id(series)]);
    sandbox.switchOff();
    sandbox.switchOn({ fault: 'bare-removals', told: 'occurrences' });
    expect(removedIn(await round(next.link))).toHaveLength(3);
  });

  it('is refused with what it does not go with, and begins again where its token is forgotten', async () => {
    const calendar = made();
    for (const day of ['2026-11-24', '2026-11-25', '2026-11-26']) sandbox.mailboxes.putEvent(calendar, lasting(day));
    const begin = `${on(calendar)}/calendarView/delta?${WINDOW}`;
    expect(errorOf(await ask(`${begin}&$select=subject`))).toBe('400 ErrorInvalidUrlQuery');
    const { link } = await first(calendar);
    sandbox.switchOn({ fault: 'delta-refused', location: true, times: 1 });
    const gone = await ask(link);
    expect([errorOf(gone), gone.headers.get('location')?.includes('startDateTime=2026-11-20T00:00:00.000Z')]).toEqual([
      '410 SyncStateNotFound',
      true,
    ]);
    expect((await round(String(gone.headers.get('location')))).rows).toHaveLength(3);
    sandbox.switchOn({ fault: 'delta-refused', status: 400, code: 'resyncRequired', times: 1 });
    expect(errorOf(await ask(link))).toBe('400 resyncRequired');
    const page = await ask(begin, { prefer: `${ALWAYS}, odata.maxpagesize=1` });
    sandbox.switchOn({ fault: 'delta-refused-midway', times: 1 });
    expect(errorOf(await ask(String(page.json['@odata.nextLink'])))).toBe('410 SyncStateNotFound');
    sandbox.act({ action: 'forget-sync', calendar });
    expect(errorOf(await ask(link))).toBe('410 SyncStateNotFound');
  });

  it('repeats rows, removes strangers and leaves series out on its bad days', async () => {
    const calendar = made();
    sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', daily(2)));
    for (const fault of ['repeated-rows', 'strangers', 'masters-left-out'] as const) sandbox.switchOn({ fault });
    const { rows } = await first(calendar);
    expect(rows.map((row) => row['type'] ?? 'removed').sort()).toEqual([
      'occurrence',
      'occurrence',
      'occurrence',
      'occurrence',
      'removed',
      'removed',
    ]);
  });
});

describe('A subscription of the Microsoft sandbox', () => {
  let listener: Awaited<ReturnType<typeof startGraphListener>>;
  let calendar: string;
  beforeEach(async () => {
    listener = await startGraphListener();
    calendar = made();
  });
  afterEach(async () => {
    for (const { id: each } of sandbox.subscriptions()) await ask(`subscriptions/${each}`, { method: 'DELETE' });
    await listener.stop();
  });

  const inMinutes = (minutes: number): string => new Date(clock.now() + minutes * 60_000).toISOString();
  const subscribe = (order: Readonly<Record<string, unknown>> = {}): Promise<Reply> =>
    ask('subscriptions', {
      method: 'POST',
      body: {
        changeType: 'created,updated,deleted',
        notificationUrl: listener.url,
        lifecycleNotificationUrl: `${listener.url}/lifecycle`,
        resource: `/${on(calendar)}/events`,
        expirationDateTime: inMinutes(4_320),
        clientState: 'a-secret',
        ...order,
      },
    });
  const arrived = (count: number): Promise<unknown> =>
    eventually(`${count} notices`, () => Promise.resolve(listener.notices.length >= count ? true : null));

  it('is made after its addresses have answered, and tells that events have changed', async () => {
    const { status, json } = await subscribe();
    expect([status, json]).toEqual([
      201,
      expect.objectContaining({
        id: expect.any(String),
        clientState: 'a-secret',
        expirationDateTime: inMinutes(4_320),
        changeType: 'created,updated,deleted',
      }),
    ]);
    const key = sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24'));
    sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24', { id: key, subject: 'Else' }));
    sandbox.mailboxes.removeEvent(calendar, key);
    sandbox.mailboxes.putEvent(ANNS, lasting('2026-11-24'));
    await arrived(3);
    expect(listener.notices.map((notice) => notice['changeType'])).toEqual(['created', 'updated', 'deleted']);
    expect(listener.notices[0]).toEqual({
      to: '/hook',
      subscriptionId: json['id'],
      subscriptionExpirationDateTime: json['expirationDateTime'],
      changeType: 'created',
      resource: expect.stringMatching(/^Users\/.+\/Events\/.+$/),
      resourceData: expect.objectContaining({ '@odata.type': '#Microsoft.Graph.Event', id: id(key) }),
      clientState: 'a-secret',
      tenantId: TENANT,
    });
    // What has gathered for an address goes out in one request.
    expect(listener.posts).toEqual([3]);
  });

  it.each<readonly [string, string, (token: string) => string]>([
    ['as HTML', 'text/html', (token) => token],
    ['with another token', 'text/plain', () => 'another'],
  ])('is refused when its address answers %s', async (_, type, reply) => {
    Object.assign(listener.handshake, { type, reply });
    expect([errorOf(await subscribe()), sandbox.subscriptions()]).toEqual(['400 ValidationError', []]);
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
    ['without an end', { expirationDateTime: undefined }, '400 ErrorPropertyValidationFailure'],
    ['that has ended', { expirationDateTime: '2020-01-01T00:00:00Z' }, '400 InvalidRequest'],
    ['that lives too long', { expirationDateTime: '2026-12-30T00:00:00Z' }, '400 ExtensionError'],
    ['with a secret that is too long', { clientState: 'x'.repeat(129) }, '400 ErrorPropertyValidationFailure'],
    ['of another change', { changeType: 'opened' }, '400 InvalidRequest'],
    ['to an address without https', { notificationUrl: 'http://elsewhere.example/' }, '400 InvalidRequest'],
    ['to what somebody shares', { resource: `${on(SHARED)}/events` }, '403 ErrorAccessDenied'],
    ['to somebody else', { resource: 'users/bob@people.example/events' }, '403 ErrorAccessDenied'],
    ['to what is not there', { resource: `${on('AQMkNone==')}/events` }, '404 ErrorItemNotFound'],
    ['to anything else', { resource: 'me/messages' }, '400 InvalidRequest'],
  ])('is not made %s', async (_, order, error) => {
    expect(errorOf(await subscribe(order))).toBe(error);
  });

  it('is listed, renewed, lives at least 45 minutes, and ends when it is deleted', async () => {
    const { json } = await subscribe({ expirationDateTime: inMinutes(10) });
    const path = `subscriptions/${String(json['id'])}`;
    expect(json['expirationDateTime']).toBe(inMinutes(45));
    const renewed = await ask(path, { method: 'PATCH', body: { expirationDateTime: inMinutes(600) } });
    expect([renewed.status, renewed.json['expirationDateTime']]).toEqual([200, inMinutes(600)]);
    expect(rowsOf(await ask('subscriptions')).map((row) => row.id)).toEqual([json['id']]);
    sandbox.switchOn({ fault: 'one-subscription' });
    expect(errorOf(await subscribe())).toBe('409 Conflict');
    expect([(await ask(path, { method: 'DELETE' })).status, errorOf(await ask(path, { method: 'PATCH', body: {} }))]).toEqual([
      204,
      '404 ResourceNotFound',
    ]);
  });

  it('is told of itself: what was missed, that it is paused until it is authorized again, that it is removed', async () => {
    const { json } = await subscribe();
    const path = `subscriptions/${String(json['id'])}`;
    for (const event of ['missed', 'reauthorizationRequired'] as const) sandbox.act({ action: 'lifecycle', account: ANN, event });
    await arrived(2);
    expect(listener.notices.map((notice) => [notice.to, notice['lifecycleEvent'], notice['clientState']])).toEqual([
      ['/hook/lifecycle', 'missed', 'a-secret'],
      ['/hook/lifecycle', 'reauthorizationRequired', 'a-secret'],
    ]);
    sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24'));
    expect((await ask(`${path}/reauthorize`, { method: 'POST' })).status).toBe(204);
    sandbox.mailboxes.putEvent(calendar, lasting('2026-11-25'));
    await arrived(3);
    sandbox.act({ action: 'lifecycle', account: ANN, event: 'subscriptionRemoved' });
    await arrived(4);
    expect([listener.notices.map((notice) => notice['lifecycleEvent'] ?? notice['changeType']), sandbox.subscriptions()]).toEqual([
      ['missed', 'reauthorizationRequired', 'created', 'subscriptionRemoved'],
      [],
    ]);
  });

  it('tries again what failed, and has bad days: notices that are lost, repeated and late', async () => {
    await subscribe();
    listener.answerWith(503, 404, 202);
    const put = (): string => sandbox.mailboxes.putEvent(calendar, lasting('2026-11-24'));
    put();
    await arrived(3);
    sandbox.switchOn({ fault: 'push-lost', times: 1 });
    put();
    sandbox.switchOn({ fault: 'push-repeated', times: 1 });
    put();
    await arrived(5);
    expect(listener.notices[3]).toEqual(listener.notices[4]);
    sandbox.switchOn({ fault: 'push-late', milliseconds: 50, times: 1 });
    put();
    put();
    await arrived(7);
    expect(listener.notices).toHaveLength(7);
  });
});

describe('A bad day of the Microsoft sandbox', () => {
  it('answers four requests of a mailbox at a time, and no fifth', async () => {
    sandbox.switchOn({ fault: 'slow', milliseconds: 200 });
    const replies = await Promise.all(Array.from({ length: 6 }, () => ask('me')));
    const refused = replies.filter(({ status }) => status === 429);
    expect([refused.length, refused.map(errorOf)[0], refused[0]?.headers.get('retry-after')]).toEqual([2, '429 ApplicationThrottled', '1']);
    sandbox.switchOff();
    expect((await ask('me')).status).toBe(200);
  });

  it('is throttled for fractions of a second, unavailable, broken, senseless, or refuses the token', async () => {
    sandbox.switchOn({ fault: 'throttled', retryAfter: 0.5, times: 1 });
    const throttled = await ask('me');
    expect([errorOf(throttled), throttled.headers.get('retry-after')]).toEqual(['429 ApplicationThrottled', '0.5']);
    sandbox.switchOn({ fault: 'unavailable', status: 504, on: 'view', times: 1 });
    expect([(await ask('me')).status, errorOf(await ask(`me/calendarView?${WINDOW}`))]).toEqual([200, '504 ServiceUnavailable']);
    sandbox.switchOn({ fault: 'denied', on: 'calendars', times: 1 });
    sandbox.switchOn({ fault: 'missing', on: 'event', times: 1 });
    expect(errorOf(await ask('me/calendars'))).toBe('403 ErrorAccessDenied');
    expect(errorOf(await ask(`me/events/${id('any')}`))).toBe('404 ErrorItemNotFound');
    sandbox.switchOn({ fault: 'broken', times: 1 });
    expect(errorOf(await ask('me'))).toBe('500 ErrorInternalServerError');
    sandbox.switchOn({ fault: 'senseless', times: 1 });
    expect((await ask('me')).headers.get('content-type')).toMatch(/^text\/html/);
    sandbox.switchOn({ fault: 'cut', times: 1 });
    await expect(ask('me')).rejects.toThrow();
    sandbox.switchOn({ fault: 'access-refused', times: 1 });
    expect(errorOf(await ask('me'))).toBe('401 InvalidAuthenticationToken');
    expect(sandbox.requests().at(-1)).toMatchObject({ method: 'GET', path: '/v1.0/me', status: 401, account: ANN, prefer: ALWAYS });
  });

  it('is ordered from outside, as everything it holds is', async () => {
    const order = (path: string, body?: unknown, method = 'POST'): Promise<Response> =>
      fetch(`${sandbox.url}sandbox/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const owner = { name: 'Ann Anybody', address: ANN };
    expect((await order('faults', { fault: 'slow' })).status).toBe(422);
    expect((await order('faults', { fault: 'throttled', retryAfter: 1.5 })).status).toBe(201);
    expect((await order('faults', undefined, 'DELETE')).status).toBe(204);
    expect((await order('calendars/AQMkOrdered', { name: 'Ordered', owner }, 'PUT')).status).toBe(200);
    expect((await order(`people/${ANN}/calendars/AQMkOrdered`, { role: 'owner' }, 'PUT')).status).toBe(200);
    expect((await order('calendars/AQMkOrdered/events/one', lasting('2026-11-24'), 'PUT')).status).toBe(200);
    expect(rowsOf(await ask('me/calendars/AQMkOrdered/events')).map((row) => row.id)).toEqual([id('one')]);
    expect((await order('calendars/AQMkOrdered/events/one', undefined, 'DELETE')).status).toBe(204);
    expect((await order('calendars/AQMkOrdered', undefined, 'DELETE')).status).toBe(204);
    expect((await order('calendars/AQMkOrdered', undefined, 'DELETE')).status).toBe(404);
    expect((await order('actions', { action: 'expire-access' })).status).toBe(204);
    expect(errorOf(await ask('me'))).toBe('401 InvalidAuthenticationToken');
    expect(await (await fetch(`${sandbox.url}sandbox`)).json()).toMatchObject({ clientId: expect.any(String), faults: [] });
  });
});

describe('The made-up people of the Microsoft sandbox', () => {
  it('have the same lives as those of the other sandboxes', async () => {
    const made = await startMicrosoftSandbox({ clock, port: 0, timeZone: 'Europe/Berlin', restlessness: null });
    const mia = (await tokensFor(made, { account: 'mia@work.example' }))['access_token'];
    const names = rowsOf(await askGraph(made, mia, 'me/calendars')).map((row) => row['name']);
    expect(names).toEqual(['Calendar', 'Team (shared by Ivy)', 'Noah Nobody', 'Nowhere holidays']);
    const week = `startDateTime=${new Date(clock.now()).toISOString()}&endDateTime=${new Date(clock.now() + 14 * DAY).toISOString()}`;
    const rows = rowsOf(await askGraph(made, mia, `me/calendarView?${week}&$top=500`));
    const standUps = rows.filter(({ subject }) => String(subject).startsWith('Stand-up'));
    expect([standUps.length, standUps.filter((row) => row['type'] === 'exception').length]).toEqual([9, 1]);
    const home = (await tokensFor(made, { account: 'mia@home.example' }))['access_token'];
    for (const row of rowsOf(await askGraph(made, home, 'me/calendars')))
      expect((await askGraph(made, home, `${on(row.id)}/calendarView/delta?${week}`)).status).toBe(200);
    await made.stop();
  });

  it('are found again where they were, by those who were connected to them', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'microsoft-sandbox-'));
    const said: string[] = [];
    const log = (message: string): void => void said.push(message);
    const start = () => startMicrosoftSandboxAgain({ dataDir, log, clock, port: 0, timeZone: 'Europe/Paris', restlessness: null });
    const first = await start();
    const { refresh_token: kept } = await tokensFor(first, { account: 'mia@work.example' });
    await first.stop();
    const second = await start();
    expect([second.url, (await refreshed(second, kept)).status, said]).toEqual([first.url, 200, []]);
    await second.stop();
    await rm(dataDir, { recursive: true });
  });
});
