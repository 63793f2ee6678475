import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type Api, startApi } from '../support/api.js';
import { type Browser, browserAt, type Shown } from '../support/browser.js';
import { eventually } from '../support/store.js';
import { suiteResources } from '../support/opened.js';
import { type Consent, startVendor, type Vendor } from '../support/vendor.js';

const CONNECTIONS = '/v1/calendar/connections';
const APP = 'https://app.example.com';

const opened = suiteResources();
let vendor: Vendor;
let api: Api;
beforeAll(async () => {
  vendor = await opened(startVendor());
  api = await opened(startApi(new Map([['google', vendor.provider]]), { CORS_ORIGINS: APP }));
});

const someone = (userId: string = randomUUID()): Promise<Browser> => browserAt(api, userId);

type Begun = Readonly<{ connectionId: string; authorizationUrl: string }>;

const begin = async (browser: Browser, more: Readonly<Record<string, unknown>> = {}, headers = {}): Promise<Begun> => {
  const { status, body } = await browser.request('POST', CONNECTIONS, { provider: 'google', consent: true, ...more }, headers);
  expect(status).toBe(201);
  return body as Begun;
};

const connected = async (browser: Browser, consent: Consent = {}, more: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const { connectionId, authorizationUrl } = await begin(browser, more);
  const { status } = await browser.open(vendor.visit(authorizationUrl, { account: `${connectionId}@vendor.example`, ...consent }));
  expect(status).toBe(200);
  return connectionId;
};

const seen = async (browser: Browser, id: string): Promise<ConnectionView> =>
  (await browser.request('GET', `${CONNECTIONS}/${id}`)).body as ConnectionView;
const codeIn = ({ text, body }: Shown): string | undefined =>
  (body as { code?: string } | null)?.code ?? /<code>([a-z.-]+)<\/code>/.exec(text)?.[1];
const factsOf = async (id: string) => (await api.stores.store.load(`connection-${id}`, connectionCodec)).map(({ type }) => type);

/** Refused on a page, with nothing connected. */
const refusedWith = async (shown: Shown, code: string, browser: Browser, connectionId: string): Promise<void> => {
  expect([shown.status, codeIn(shown)]).toEqual([400, code]);
  expect(await factsOf(connectionId)).toEqual([]);
  expect((await browser.request('GET', CONNECTIONS)).body).toMatchObject({ items: [] });
};

describe('Connecting in two steps', () => {
  it('sends the person to the vendor, and is pending until they are back', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const pending = { status: 'pending', account: null, calendars: [], connectedAt: null, access: 'read', code: null };
    expect(await seen(ada, connectionId)).toMatchObject({ connectionId, provider: 'google', ...pending });
    expect((await (await someone()).request('GET', `${CONNECTIONS}/${connectionId}`)).status).toBe(404);
    const page = await ada.open(vendor.visit(authorizationUrl));
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toContain('Your Google Calendar account is connected');
    expect(await seen(ada, connectionId)).toMatchObject({
      status: expect.stringMatching(/connected|syncing/),
      account: 'ada@vendor.example',
    });
  });

  it('records the consent that was given when it began', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const { consent } = await seen(ada, connectionId);
    await ada.open(vendor.visit(authorizationUrl));
    expect((await seen(ada, connectionId)).consent).toEqual(consent);
  });

  it('begins with nothing but consent', async () => {
    const ada = await someone();
    const { status, body } = await ada.request('POST', CONNECTIONS, { provider: 'google' });
    expect([status, body]).toMatchObject([422, { code: 'consent.required' }]);
    const other = await ada.request('POST', CONNECTIONS, { provider: 'microsoft', consent: true });
    expect([other.status, other.body]).toMatchObject([422, { code: 'provider.not-available' }]);
  });

  it('goes back to the web app that began, with what it had in its address', async () => {
    const ada = await someone();
    const first = await begin(ada, { returnTo: `${APP}/calendars?tab=2&error=old#top` });
    const back = await ada.open(vendor.visit(first.authorizationUrl));
    expect([back.status, back.headers.get('location')]).toEqual([302, `${APP}/calendars?tab=2&connected=${first.connectionId}#top`]);
    const second = await begin(ada, { returnTo: `${APP}/calendars` });
    const denied = await ada.open(vendor.visit(second.authorizationUrl, { deny: true }));
    expect([denied.status, denied.headers.get('location')]).toEqual([302, `${APP}/calendars?error=oauth.denied`]);
    expect((await ada.request('GET', `${CONNECTIONS}/${second.connectionId}`)).status).toBe(404);
  });

  it('begins the same attempt again for the same Idempotency-Key, and gives the browser its cookie again', async () => {
    const userId = randomUUID();
    const [lost, ada] = [await someone(userId), await someone(userId)];
    const key = { 'idempotency-key': randomUUID() };
    const first = await begin(lost, {}, key);
    expect(await begin(ada, {}, key)).toEqual(first);
    expect((await ada.open(vendor.visit(first.authorizationUrl))).status).toBe(200);
    expect(await factsOf(first.connectionId)).toContain('CalendarConnected');
  });

  it('takes what the vendor posts as a form', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const [address = '', query = ''] = vendor.visit(authorizationUrl).split('?');
    const form = await fetch(address, { method: 'POST', body: new URLSearchParams(query), redirect: 'manual' });
    expect(form.status).toBe(303);
    const page = await ada.open(new URL(form.headers.get('location') ?? '', address).href);
    expect(page.status).toBe(200);
    expect(await factsOf(connectionId)).toContain('CalendarConnected');
  });

  it('tries a code again while the vendor cannot be reached', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    vendor.hangUp(2);
    expect((await ada.open(vendor.visit(authorizationUrl))).status).toBe(200);
    expect(await factsOf(connectionId)).toContain('CalendarConnected');
  });

  it('says that the vendor cannot be reached, and connects nothing', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    vendor.hangUp(3);
    await refusedWith(await ada.open(vendor.visit(authorizationUrl)), 'oauth.failed', ada, connectionId);
  });

  it('lets a person begin so many times within ten minutes', async () => {
    const ada = await someone();
    const many = await Promise.all(
      Array.from({ length: 25 }, () => ada.request('POST', CONNECTIONS, { provider: 'google', consent: true })),
    );
    const refused = many.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(5);
    expect(refused[0]?.body).toMatchObject({ code: 'connection.too-many-attempts' });
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('keeps of an attempt nothing in clear that opens something', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada, { returnTo: `${APP}/for/ada` });
    const [row] = await api.stores.database.query('select c::text as row from connection_attempt c where attempt_id = $1', [connectionId]);
    const asked = new URL(authorizationUrl).searchParams;
    const cookie = /=([^;]+)/.exec(ada.cookies().at(-1) ?? '')?.[1] ?? '';
    for (const secret of [asked.get('state') ?? '', cookie, '/for/ada', 'redirect']) expect(String(row?.['row'])).not.toContain(secret);
  });

  it('is told in words when it failed, when its time is over, and when the process that took the answer died', async () => {
    const ada = await someone();
    const told = async (id: string) => {
      const { status, body } = await ada.request('GET', `${CONNECTIONS}/${id}`);
      return [status, (body as { code?: string }).code, (body as { detail?: string }).detail ?? ''];
    };
    const set = (id: string, values: string) =>
      api.stores.database.query(`update connection_attempt set ${values} where attempt_id = $1`, [id]);
    const denied = await begin(ada);
    await ada.open(vendor.visit(denied.authorizationUrl, { deny: true }));
    expect(await told(denied.connectionId)).toEqual([404, 'oauth.denied', expect.stringContaining('begin again')]);
    const late = await begin(ada);
    await set(late.connectionId, `expires_at = now() - interval '1 second'`);
    expect(await told(late.connectionId)).toEqual([404, 'oauth.expired', expect.stringContaining('begin again')]);
    // As it stands when a process is killed between taking the answer and the first fact.
    const { connectionId: died } = await begin(ada);
    await set(died, `status = 'used'`);
    expect(await told(died)).toEqual([404, 'oauth.failed', expect.stringContaining('begin again')]);
    expect((await ada.request('POST', `${CONNECTIONS}/${died}/confirm`, { code: 'a' })).body).toMatchObject({ code: 'oauth.failed' });
    expect((await (await someone()).request('GET', `${CONNECTIONS}/${died}`)).body).toMatchObject({ code: 'connection.unknown' });
  });

  it('is pending while the answer that was taken is worked at', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    let letGo = (): void => undefined;
    vendor.hold(new Promise<void>((resolve) => (letGo = resolve)));
    const before = vendor.exchanges();
    const back = ada.open(vendor.visit(authorizationUrl, { account: `${connectionId}@vendor.example` }));
    await eventually('the code is exchanged', () => vendor.exchanges() > before);
    expect(await seen(ada, connectionId)).toMatchObject({ status: 'pending' });
    letGo();
    expect((await back).status).toBe(200);
  });

  it('says what can be connected here', async () => {
    const { text } = await (await someone()).request('GET', '/v1/calendar/providers');
    const listed = JSON.parse(text) as { provider: string; available: boolean }[];
    expect(Object.fromEntries(listed.map(({ provider, available }) => [provider, available]))).toMatchObject({
      google: true,
      microsoft: false,
    });
  });
});

describe('The page', () => {
  it('needs no script, loads nothing, and may be framed by no site', async () => {
    const { headers, text } = await (await someone()).open(`${api.url}/v1/calendar/oauth/google/callback`);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none';frame-ancestors 'none';style-src 'sha256-[^']+';base-uri 'none';form-action 'none'$/,
    );
    expect([headers.get('referrer-policy'), headers.get('cache-control')]).toEqual(['no-referrer', 'no-store']);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).not.toMatch(/<script|onerror|http:|https:/i);
  });

  it('repeats nothing of what it was opened with', async () => {
    const attack = encodeURIComponent('<img src=x onerror=alert(1)>');
    const { text, status } = await (
      await someone()
    ).open(
      `${api.url}/v1/calendar/oauth/google/callback?state=${attack}&error=${attack}&error_description=${attack}&returnTo=https://evil.example`,
    );
    expect([status, text.includes('onerror'), text.includes('evil')]).toEqual([400, false, false]);
  });

  it('exists for vendors alone', async () => {
    const { status, body } = await (await someone()).open(`${api.url}/v1/calendar/oauth/caldav/callback?code=1&state=2`);
    expect([status, body]).toMatchObject([400, { code: 'request.invalid' }]);
  });
});

describe('An account that is granted less than was asked for', () => {
  it('is connected for reading, and says so', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada, { access: 'write' });
    const page = await ada.open(vendor.visit(authorizationUrl, { scopes: ['read'] }));
    expect(page.text).toContain('You granted reading only');
    expect((await seen(ada, connectionId)).access).toBe('read');
  });

  it('is refused when not even reading is granted', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    await refusedWith(await ada.open(vendor.visit(authorizationUrl, { scopes: [] })), 'oauth.scope-missing', ada, connectionId);
  });

  it('is not used for more than was asked for, although an earlier consent covers it', async () => {
    const ada = await someone();
    expect((await seen(ada, await connected(ada, { scopes: ['read', 'write'] }))).access).toBe('read');
  });
});

describe('Reconnecting', () => {
  it('goes through the vendor again, in place', async () => {
    const ada = await someone();
    const id = await connected(ada, { account: 'ada@vendor.example' });
    const { status, body } = await ada.request('POST', `${CONNECTIONS}/${id}/reconnect`, {});
    expect([status, body]).toMatchObject([200, { connectionId: id }]);
    const { authorizationUrl } = body as Begun;
    expect(new URL(authorizationUrl).searchParams.get('login_hint')).toBe('ada@vendor.example');
    expect((await ada.open(vendor.visit(authorizationUrl))).text).toContain('is connected again');
    expect(await factsOf(id)).toContain('ConnectionReauthorized');
  });

  it('refuses another account, and leaves the connection as it was', async () => {
    const ada = await someone();
    const id = await connected(ada, { account: 'ada@vendor.example' });
    const before = await factsOf(id);
    const { body } = await ada.request('POST', `${CONNECTIONS}/${id}/reconnect`, { returnTo: APP });
    const back = await ada.open(vendor.visit((body as Begun).authorizationUrl, { account: 'eve@vendor.example' }));
    expect(back.headers.get('location')).toBe(`${APP}/?error=oauth.other-account`);
    expect(await factsOf(id)).toEqual(before);
  });

  it('refuses less than the account could do before', async () => {
    const ada = await someone();
    const id = await connected(ada, { account: 'ada@vendor.example' }, { access: 'write' });
    const { body } = await ada.request('POST', `${CONNECTIONS}/${id}/reconnect`, {});
    const back = await ada.open(vendor.visit((body as Begun).authorizationUrl, { scopes: ['read'] }));
    expect(codeIn(back)).toBe('oauth.scope-missing');
    expect((await seen(ada, id)).access).toBe('write');
  });

  it('takes no password for an account that is connected by redirect, and none from another person', async () => {
    const ada = await someone();
    const id = await connected(ada);
    const credentials = { username: 'ada', password: 'secret' };
    const refused = await ada.request('POST', `${CONNECTIONS}/${id}/reconnect`, { credentials });
    expect([refused.status, refused.body]).toMatchObject([422, { code: 'connection.redirect-needed' }]);
    expect((await (await someone()).request('POST', `${CONNECTIONS}/${id}/reconnect`, {})).status).toBe(404);
  });

  it('is what an account that is connected already is told to do', async () => {
    const ada = await someone();
    await connected(ada, { account: 'ada@vendor.example' });
    const { authorizationUrl } = await begin(ada, { returnTo: APP });
    expect((await ada.open(vendor.visit(authorizationUrl))).headers.get('location')).toBe(`${APP}/?error=connection.exists`);
  });
});
