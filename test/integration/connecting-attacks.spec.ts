import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { type Api, startApi } from '../support/api.js';
import { type Browser, browserAt, type Shown } from '../support/browser.js';
import { suiteResources } from '../support/opened.js';
import { startVendor, type Vendor } from '../support/vendor.js';

const CONNECTIONS = '/v1/calendar/connections';
const APP = 'https://app.example.com';

const opened = suiteResources();
let vendor: Vendor;
let api: Api;
beforeAll(async () => {
  vendor = await opened(startVendor());
  // Requests may come from other addresses, as a proxy tells them.
  api = await opened(startApi(new Map([['google', vendor.provider]]), { CORS_ORIGINS: APP, TRUST_PROXY: '1' }));
});

const someone = (userId: string = randomUUID()): Promise<Browser> => browserAt(api, userId);
const begin = async (browser: Browser, more: Readonly<Record<string, unknown>> = {}) =>
  (await browser.request('POST', CONNECTIONS, { provider: 'google', consent: true, ...more })).body as {
    connectionId: string;
    authorizationUrl: string;
  };
const codeIn = ({ text, body }: Shown): string | undefined =>
  (body as { code?: string } | null)?.code ?? /<code>([a-z.-]+)<\/code>/.exec(text)?.[1];
const factsOf = async (id: string) => (await api.stores.store.load(`connection-${id}`, connectionCodec)).map(({ type }) => type);

const refused = async (shown: Shown, code: string, connectionId: string): Promise<void> => {
  expect([shown.status, codeIn(shown)]).toEqual([400, code]);
  expect(await factsOf(connectionId)).toEqual([]);
};

const account = () => ({ account: `${randomUUID()}@vendor.example` });

describe('A state', () => {
  it('is good once: replayed, it is refused, and the connection stays as it is', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    await ada.open(vendor.visit(authorizationUrl, account()));
    const [facts, exchanges] = [await factsOf(connectionId), vendor.exchanges()];
    const replayed = await ada.open(vendor.visit(authorizationUrl, account()));
    expect([replayed.status, codeIn(replayed)]).toEqual([400, 'oauth.expired']);
    expect([await factsOf(connectionId), vendor.exchanges()]).toEqual([facts, exchanges]);
  });

  it('is good once also when two answers come at the same time', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const both = await Promise.all([1, 2].map(() => ada.open(vendor.visit(authorizationUrl, account()))));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect((await factsOf(connectionId)).filter((type) => type === 'CalendarConnected')).toHaveLength(1);
  });

  it('is refused when its ten minutes are over', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada, { returnTo: APP });
    await api.stores.database.query('update connection_attempt set expires_at = $2 where attempt_id = $1', [
      connectionId,
      new Date(Date.now() - 1),
    ]);
    const back = await ada.open(vendor.visit(authorizationUrl));
    expect(back.headers.get('location')).toBe(`${APP}/?error=oauth.expired`);
    expect(await factsOf(connectionId)).toEqual([]);
    expect((await ada.request('GET', `${CONNECTIONS}/${connectionId}`)).status).toBe(404);
  });

  it('that was made up, or is named twice, is refused', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const answer = new URL(vendor.visit(authorizationUrl));
    const right = answer.searchParams.get('state') ?? '';
    answer.searchParams.append('state', 'f'.repeat(64));
    await refused(await ada.open(answer.href), 'oauth.failed', connectionId);
    answer.searchParams.set('state', right.split('').reverse().join(''));
    await refused(await ada.open(answer.href), 'oauth.expired', connectionId);
    answer.searchParams.set('state', right.toUpperCase());
    await refused(await ada.open(answer.href), 'oauth.failed', connectionId);
  });

  it('of one vendor is worth nothing at another', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    await refused(await ada.open(vendor.visit(authorizationUrl).replace('/google/', '/microsoft/')), 'oauth.expired', connectionId);
  });

  it('of another attempt of the same person does not take this one’s code', async () => {
    const ada = await someone();
    const [mine, stolen] = [await begin(ada), await begin(await someone())];
    const answer = new URL(vendor.visit(mine.authorizationUrl));
    answer.searchParams.set('code', new URL(vendor.visit(stolen.authorizationUrl)).searchParams.get('code') ?? '');
    await refused(await ada.open(answer.href), 'oauth.failed', mine.connectionId);
  });
});

describe('An answer', () => {
  it('of another issuer is refused', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const exchanges = vendor.exchanges();
    await refused(await ada.open(vendor.visit(authorizationUrl, { issuer: 'https://evil.example' })), 'oauth.failed', connectionId);
    expect(vendor.exchanges()).toBe(exchanges);
  });
});

describe('A session that is swapped to another browser', () => {
  it('connects nothing: no code is exchanged, and its user is told to confirm', async () => {
    const [mallory, victim] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(mallory, { returnTo: APP });
    const exchanges = vendor.exchanges();
    const back = new URL((await victim.open(vendor.visit(authorizationUrl))).headers.get('location') ?? '');
    expect([back.origin, back.searchParams.get('pending'), back.searchParams.get('connected')]).toEqual([APP, connectionId, null]);
    expect([await factsOf(connectionId), vendor.exchanges()]).toEqual([[], exchanges]);
    const pending = (await mallory.request('GET', `${CONNECTIONS}/${connectionId}`)).body as ConnectionView;
    expect(pending).toMatchObject({ status: 'pending', code: 'oauth.pending', nextStep: expect.stringContaining('confirm') });
  });

  it('is not confirmed by the person it was swapped to', async () => {
    const [mallory, victim] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(mallory, { returnTo: APP });
    const back = new URL((await victim.open(vendor.visit(authorizationUrl))).headers.get('location') ?? '');
    const confirmed = await victim.request('POST', `${CONNECTIONS}/${connectionId}/confirm`, { code: back.searchParams.get('confirm') });
    expect([confirmed.status, confirmed.body]).toMatchObject([404, { code: 'connection.unknown' }]);
    expect(await factsOf(connectionId)).toEqual([]);
  });

  it.each([
    ['at another address', { 'x-forwarded-for': '203.0.113.9' }],
    ['at the same address, as all of an office are', undefined],
  ])('is not confirmed by who lured another person to the vendor’s page, %s', async (_, headers) => {
    const [mallory, victim] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(mallory);
    await victim.open(vendor.visit(authorizationUrl), headers === undefined ? {} : { headers });
    for (const body of [undefined, {}, { code: '' }, { code: '0000-0000-0000' }]) {
      const confirmed = await mallory.request('POST', `${CONNECTIONS}/${connectionId}/confirm`, body);
      expect([confirmed.status, confirmed.body]).toMatchObject([403, { code: 'connection.code-missing' }]);
    }
    expect(await factsOf(connectionId)).toEqual([]);
  });

  it('is confirmed by its user with their token and the code, where their browser keeps no cookies', async () => {
    const userId = randomUUID();
    const [ada, cookieless] = [await someone(userId), await someone()];
    const { connectionId, authorizationUrl } = await begin(ada);
    const { text } = await cookieless.open(vendor.visit(authorizationUrl, account()));
    expect(text).toContain('confirm in Juy');
    const [code] = /[0-9a-f]{4}(?:-[0-9a-f]{4}){2}(?![0-9a-f-])/.exec(text.replaceAll(connectionId, '')) ?? [];
    const confirmed = await ada.request('POST', `${CONNECTIONS}/${connectionId}/confirm`, { code });
    expect([confirmed.status, confirmed.body]).toMatchObject([200, { connectionId, provider: 'google' }]);
    expect(await factsOf(connectionId)).toContain('CalendarConnected');
    expect((await ada.request('POST', `${CONNECTIONS}/${connectionId}/confirm`)).status).toBe(200);
  });

  it('is confirmed by its user with the code that the browser was given, wherever that is', async () => {
    const [ada, phone] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(ada, { returnTo: APP });
    const location = (
      await phone.open(vendor.visit(authorizationUrl, account()), { headers: { 'x-forwarded-for': '203.0.113.9' } })
    ).headers.get('location');
    const code = new URL(location ?? '').searchParams.get('confirm');
    expect((await ada.request('POST', `${CONNECTIONS}/${connectionId}/confirm`, { code })).status).toBe(200);
    expect(await factsOf(connectionId)).toContain('CalendarConnected');
  });

  it('is not confirmed before the vendor has answered, nor after its time', async () => {
    const ada = await someone();
    const { connectionId, authorizationUrl } = await begin(ada);
    const early = await ada.request('POST', `${CONNECTIONS}/${connectionId}/confirm`);
    expect([early.status, early.body]).toMatchObject([409, { code: 'connection.not-returned' }]);
    await (await someone()).open(vendor.visit(authorizationUrl));
    await api.stores.database.query('update connection_attempt set expires_at = $2 where attempt_id = $1', [
      connectionId,
      new Date(Date.now() - 1),
    ]);
    expect((await ada.request('POST', `${CONNECTIONS}/${connectionId}/confirm`)).status).toBe(404);
  });

  it('is told from a program that looks at links before their person does', async () => {
    const [ada, scanner] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(ada);
    const address = vendor.visit(authorizationUrl, account());
    await scanner.open(address, { method: 'HEAD' });
    await scanner.open(address);
    expect((await ada.open(address)).status).toBe(200);
    expect(await factsOf(connectionId)).toContain('CalendarConnected');
  });

  it('is not mended by the cookie of another attempt', async () => {
    const [mallory, victim] = [await someone(), await someone()];
    const { connectionId, authorizationUrl } = await begin(mallory);
    const own = await begin(victim);
    const [cookie = ''] = victim.cookies();
    const forged = cookie.replace(own.connectionId.replaceAll('-', ''), connectionId.replaceAll('-', '')).replace(/;.*$/s, '');
    await fetch(vendor.visit(authorizationUrl), { headers: { cookie: forged }, redirect: 'manual' });
    expect(await factsOf(connectionId)).toEqual([]);
  });
});

describe('The cookie of a browser that began', () => {
  it('is for the callback alone, out of reach of scripts and of other sites', async () => {
    const ada = await someone();
    await begin(ada);
    expect(ada.cookies()).toEqual([
      expect.stringMatching(
        /^juy_attempt_[0-9a-f]{32}=[0-9a-f]{64}; Path=\/v1\/calendar\/oauth\/google\/callback; Max-Age=600; HttpOnly; SameSite=Lax$/,
      ),
    ]);
  });
});

describe('A place to go back to', () => {
  it.each([
    'https://evil.example/',
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://user:pass@app.example.com/',
    'https://app.example.com:444/',
    'http://app.example.com/',
    '//evil.example',
    '/calendars',
    'javascript:alert(1)',
    'data:text/html,hello',
    'https:evil.example',
    'https://app.example.com\\@evil.example',
    'nonsense',
    '',
  ])('is not %j', async (returnTo) => {
    const ada = await someone();
    const { status, body } = await ada.request('POST', CONNECTIONS, { provider: 'google', consent: true, returnTo });
    const isOurs = URL.canParse(returnTo) && new URL(returnTo).origin === APP && new URL(returnTo).username === '';
    expect([isOurs, status, body]).toMatchObject(isOurs ? [true, 201, {}] : [false, 422, { code: 'connection.return-refused' }]);
  });
});
