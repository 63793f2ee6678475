import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type AppleSandbox } from '../../src/embedded/apple.sandbox.js';
import { type Api, startApi } from '../support/api.js';
import { ALICE, appleAt, appleProvider, BOB, type OnApplesPage, type Posted, signInAt, startTwoApplePeople } from '../support/apple.js';
import { type Browser, browserAt, type Shown } from '../support/browser.js';
import { nearHttp } from '../support/caldav.js';
import { suiteResources } from '../support/opened.js';
import { emptyCalendar, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const CONNECTIONS = '/v1/calendar/connections';
const APP = 'https://app.example.com';
const PASSWORD = 'open sesame';

const opened = suiteResources();
let apple: AppleSandbox;
let icloud: TestSandbox;
let api: Api;
beforeAll(async () => {
  const http = nearHttp({ retries: 1 });
  await opened(Promise.resolve({ stop: () => http.close() }));
  apple = await opened(startTwoApplePeople());
  const bob = { username: BOB.email, password: PASSWORD, fullName: BOB.fullName, calendars: [emptyCalendar('work')] };
  icloud = await opened(startTestSandbox([emptyCalendar('private')], [bob]));
  const provider = appleProvider(http, appleAt(apple, icloud.url));
  api = await opened(startApi(new Map([['apple', provider]]), { CORS_ORIGINS: APP }));
});

type Begun = Readonly<{ connectionId: string; authorizationUrl: string }>;

const someone = (): Promise<Browser> => browserAt(api, randomUUID());
const begin = async (browser: Browser, more: Readonly<Record<string, unknown>> = {}): Promise<Begun> => {
  const { status, body } = await browser.request('POST', CONNECTIONS, { provider: 'apple', consent: true, ...more });
  expect(status).toBe(201);
  return body as Begun;
};

/** A form that another site's page posts: none of the cookies go with it, and its redirect is followed with them. */
const posted = async (browser: Browser, { target, form }: Posted): Promise<Shown> => {
  const answer = await fetch(target, { method: 'POST', body: form, redirect: 'manual' });
  expect(answer.status).toBe(303);
  const location = new URL(answer.headers.get('location') ?? '', target).href;
  expect(location).not.toContain('user=');
  return browser.open(location);
};
const back = async (browser: Browser, { authorizationUrl }: Begun, onPage: OnApplesPage = {}): Promise<Shown> =>
  posted(browser, await signInAt(authorizationUrl, onPage));
const seen = (browser: Browser, id: string): Promise<Shown> => browser.request('GET', `${CONNECTIONS}/${id}`);
const give = (browser: Browser, id: string, username: string, password = PASSWORD): Promise<Shown> =>
  browser.request('POST', `${CONNECTIONS}/${id}/credentials`, { username, password });
const codeOf = ({ body, text }: Shown): string | undefined =>
  (body as { code?: string } | null)?.code ?? /Code: <code>([a-z.-]+)<\/code>/.exec(text)?.[1];
const fieldIn = ({ text }: Shown, name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
/** Fills in the page's form and sends it from the same browser. */
const fill = (browser: Browser, page: Shown, fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => {
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const body = new URLSearchParams({ attempt: fieldIn(page, 'attempt'), ...fields });
  return browser.open(api.url + action, { method: 'POST', body, headers });
};
const factsOf = async (id: string) => (await api.stores.store.load(`connection-${id}`, connectionCodec)).map(({ type }) => type);
const revoke = (browser: Browser, id: string) => browser.request('DELETE', `${CONNECTIONS}/${id}`);

describe('Connecting an iCloud account by its password after a sign-in', () => {
  it('is offered, and goes on without a sign-in where credentials are sent at once', async () => {
    const ada = await someone();
    expect(JSON.parse((await ada.request('GET', '/v1/calendar/providers')).text)).toContainEqual(
      expect.objectContaining({ provider: 'apple', connect: 'credentials', signIn: true, available: true }),
    );
    expect(codeOf(await ada.request('POST', CONNECTIONS, { provider: 'apple' }))).toBe('consent.required');
    const credentials = { username: BOB.email, password: PASSWORD };
    const { status, body } = await ada.request('POST', CONNECTIONS, { provider: 'apple', consent: true, credentials });
    expect([status, (body as ConnectionView).account]).toEqual([201, BOB.email]);
  });

  it('is led by a web app: sign-in, then a password that is tried at once, and again while it is refused', async () => {
    const ada = await someone();
    const begun = await begin(ada, { returnTo: `${APP}/calendars?signed-in=old` });
    expect((await seen(ada, begun.connectionId)).body).toMatchObject({ status: 'pending', code: null });
    expect([(await give(ada, begun.connectionId, ALICE.email)).status]).toEqual([409]);
    const returned = await back(ada, begun);
    expect([returned.status, returned.headers.get('location')]).toEqual([302, `${APP}/calendars?signed-in=${begun.connectionId}`]);
    expect((await seen(ada, begun.connectionId)).body).toMatchObject({
      ...{ status: 'pending', code: 'oauth.password-needed', account: ALICE.email, calendars: [] },
      ...{ reason: expect.stringContaining('app-specific password'), nextStep: expect.stringContaining('account.apple.com') },
    });
    expect(await factsOf(begun.connectionId)).toEqual([]);
    const wrong = await give(ada, begun.connectionId, ALICE.email, 'wrong');
    expect([wrong.status, codeOf(wrong)]).toEqual([422, 'connection.credentials-refused']);
    expect([(await give(await someone(), begun.connectionId, ALICE.email)).status]).toEqual([404]);
    const connected = await give(ada, begun.connectionId, ALICE.email);
    expect([connected.status, connected.body]).toMatchObject([
      200,
      { provider: 'apple', account: ALICE.email, connectedAt: expect.any(String) },
    ]);
    expect((await give(ada, begun.connectionId, ALICE.email)).body).toMatchObject({ connectionId: begun.connectionId });
    expect((await factsOf(begun.connectionId)).filter((type) => type === 'CalendarConnected')).toHaveLength(1);
  });

  it('is led by a page of this service where there is no web app', async () => {
    const ada = await someone();
    const begun = await begin(ada);
    const page = await back(ada, begun);
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('One more step')]);
    expect(page.headers.get('content-security-policy')).toContain(`form-action 'self'`);
    expect(fieldIn(page, 'username')).toBe(ALICE.email);
    expect(page.headers.getSetCookie()[0]).toMatch(/; Path=\/v1\/calendar\/oauth\/apple\/callback; Max-Age=1800; HttpOnly; SameSite=Lax$/);
    const again = await fill(ada, page, { username: `${ALICE.email}<b>`, password: 'wrong' });
    expect([again.status, again.text]).toEqual([422, expect.stringContaining('role="alert"')]);
    expect(again.text).not.toContain('<b>');
    expect(again.text).not.toContain('wrong');
    const done = await fill(ada, again, { username: ALICE.email, password: ` ${PASSWORD} ` });
    expect([done.status, done.text]).toEqual([200, expect.stringContaining('is connected')]);
    expect((await seen(ada, begun.connectionId)).body).toMatchObject({ account: ALICE.email });
    const late = await fill(ada, page, { username: ALICE.email, password: PASSWORD });
    expect([late.status, codeOf(late)]).toEqual([400, 'oauth.expired']);
  });

  it('takes no password from another browser, another site, or after its time', async () => {
    const [ada, other] = [await someone(), await someone()];
    const begun = await begin(ada);
    const page = await back(ada, begun);
    for (const browser of [other]) {
      const refused = await fill(browser, page, { username: ALICE.email, password: PASSWORD });
      expect([refused.status, codeOf(refused)]).toEqual([400, 'oauth.expired']);
    }
    const nameless = await fill(ada, page, { attempt: 'x', username: ALICE.email, password: PASSWORD });
    expect(nameless.status).toBe(400);
    await api.stores.database.query(`update connection_attempt set expires_at = now() - interval '1 second' where attempt_id = $1`, [
      begun.connectionId,
    ]);
    expect((await fill(ada, page, { username: ALICE.email, password: PASSWORD })).status).toBe(400);
    const late = await give(ada, begun.connectionId, ALICE.email);
    expect([late.status, codeOf(late)]).toEqual([404, 'oauth.expired']);
    expect(await factsOf(begun.connectionId)).toEqual([]);
  });

  it('waits for its user where the sign-in came back in another browser, and then for the password', async () => {
    const [ada, other] = [await someone(), await someone()];
    const begun = await begin(ada);
    const page = await back(other, begun);
    expect(page.text).toContain('confirm in Juy');
    const code = /code ([0-9a-f-]{14})/.exec(page.text)?.[1] ?? '';
    const confirmed = await ada.request('POST', `${CONNECTIONS}/${begun.connectionId}/confirm`, { code });
    expect([confirmed.status, confirmed.body]).toMatchObject([200, { status: 'pending', code: 'oauth.password-needed' }]);
    const connected = await give(ada, begun.connectionId, ALICE.email);
    expect(connected.status).toBe(200);
  });

  it('connects nothing when its person cancels, and names no account by an address that only forwards', async () => {
    const ada = await someone();
    const cancelled = await back(ada, await begin(ada), { cancel: true });
    expect([cancelled.status, codeOf(cancelled)]).toEqual([400, 'oauth.denied']);
    const begun = await begin(ada);
    const page = await back(ada, begun, { hide: true });
    expect([fieldIn(page, 'username'), page.text.includes('privaterelay')]).toEqual(['', false]);
    expect((await seen(ada, begun.connectionId)).body).toMatchObject({ account: null });
    expect((await give(ada, begun.connectionId, ALICE.email)).body).toMatchObject({ account: ALICE.email });
  });

  it('is connected again by the same sign-in alone, and keeps it when only the password is new', async () => {
    const ada = await someone();
    const begun = await begin(ada);
    await back(ada, begun);
    await give(ada, begun.connectionId, ALICE.email);
    const again = async (): Promise<Begun> =>
      (await ada.request('POST', `${CONNECTIONS}/${begun.connectionId}/reconnect`, {})).body as Begun;
    const other = await back(ada, await again(), { account: BOB.email });
    expect([other.status, codeOf(other)]).toEqual([400, 'oauth.other-account']);
    const credentials = { username: ALICE.email, password: PASSWORD };
    expect((await ada.request('POST', `${CONNECTIONS}/${begun.connectionId}/reconnect`, { credentials })).status).toBe(200);
    expect(codeOf(await back(ada, await again(), { account: BOB.email }))).toBe('oauth.other-account');
    const page = await back(ada, await again());
    expect((await fill(ada, page, { username: ALICE.email, password: PASSWORD })).status).toBe(200);
    expect(await factsOf(begun.connectionId)).toContain('ConnectionReauthorized');
  });

  it('keeps nothing in clear of who signed in', async () => {
    const ada = await someone();
    const begun = await begin(ada);
    await back(ada, begun);
    const [row] = await api.stores.database.query('select c::text as row from connection_attempt c where attempt_id = $1', [
      begun.connectionId,
    ]);
    for (const secret of [ALICE.email, 'identity']) expect(String(row?.['row'])).not.toContain(secret);
    expect((await revoke(ada, begun.connectionId)).status).toBe(404);
  });
});
