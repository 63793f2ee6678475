import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type GoogleFaultOrder, type GoogleSandbox, startGoogleSandbox } from '../../src/embedded/google.sandbox.js';
import { DAY, MINUTE } from '../../src/kernel/clock.js';
import {
  ANN,
  askApi,
  askingUrl,
  askToken,
  BOB,
  consentOn,
  EVENTS_SCOPE,
  exchangeCode,
  LIST_SCOPE,
  locationOf,
  movedClock,
  REDIRECT,
  refreshed,
  startTwoPeople,
  tokensFor,
} from '../support/google-sandbox.js';

const clock = movedClock();
let sandbox: GoogleSandbox;

beforeAll(async () => {
  sandbox = await startTwoPeople(clock);
});
afterEach(() => {
  sandbox.switchOff();
  for (const account of [ANN, BOB]) sandbox.act({ action: 'revoke', account });
});
afterAll(() => sandbox.stop());

const EMAIL = 'https://www.googleapis.com/auth/userinfo.email';
const codeOf = async (url: string): Promise<string> => locationOf(await consentOn(url)).searchParams.get('code') ?? '';
const scopesOf = ({ scope }: Readonly<Record<string, unknown>>): readonly string[] => String(scope).split(' ').sort();

describe('The consent page of the Google sandbox', () => {
  it('names the accounts and the scopes, and cannot be framed, scripted or kept', async () => {
    const answer = await fetch(askingUrl(sandbox, { login_hint: BOB }));
    const page = await answer.text();
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page).toContain('<html lang="en">');
    expect(page).toMatch(/value="bob@people.example" required checked/);
    expect(page).not.toMatch(/value="ann@people.example" required checked/);
    expect(page.match(/type="checkbox" name="scope" value="[^"]+" checked/g)).toHaveLength(2);
  });

  it('sends an answer back with the state, the issuer and what was granted', async () => {
    const back = locationOf(await consentOn(askingUrl(sandbox)));
    expect(back.href.startsWith(`${REDIRECT}?`)).toBe(true);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ state: 'a-state', iss: sandbox.url.slice(0, -1) });
    expect(back.searchParams.get('scope')?.split(' ').sort()).toEqual([EVENTS_SCOPE, LIST_SCOPE, EMAIL, 'openid'].sort());
  });

  it('sends a refusal back, also when every box is unticked', async () => {
    const denied = locationOf(await consentOn(askingUrl(sandbox), { deny: true }));
    expect([...denied.searchParams]).toEqual([
      ['state', 'a-state'],
      ['error', 'access_denied'],
    ]);
    const none = locationOf(await consentOn(askingUrl(sandbox, { scope: EVENTS_SCOPE }), { untick: [EVENTS_SCOPE] }));
    expect(none.searchParams.get('error')).toBe('access_denied');
  });

  it.each<readonly [string, Readonly<Record<string, string | null>>, number]>([
    ['an unknown client', { client_id: 'other' }, 401],
    ['an address elsewhere', { redirect_uri: 'https://elsewhere.example/back' }, 400],
    ['an address that only looks like this machine', { redirect_uri: 'http://localhost.elsewhere.example/back' }, 400],
    ['an address with a fragment', { redirect_uri: `${REDIRECT}#there` }, 400],
    ['no address', { redirect_uri: null }, 400],
    ['a token instead of a code', { response_type: 'token' }, 400],
    ['an unknown scope', { scope: 'openid everything' }, 400],
    ['no scope', { scope: null }, 400],
    ['a challenge that is none', { code_challenge: 'short' }, 400],
  ])('is not shown for %s, and sends no one anywhere', async (_, parameters, status) => {
    const answer = await consentOn(askingUrl(sandbox, parameters));
    expect([answer.status, answer.headers.get('location')]).toEqual([status, null]);
  });

  it('is shown for a registered address', async () => {
    const registered = await startTwoPeople(clock, { redirectUris: ['https://app.example/back'] });
    const back = locationOf(await consentOn(askingUrl(registered, { redirect_uri: 'https://app.example/back' })));
    expect([back.origin, back.searchParams.has('code')]).toEqual(['https://app.example', true]);
    await registered.stop();
  });

  it('is answered once, and within ten minutes', async () => {
    const page = await (await fetch(askingUrl(sandbox))).text();
    const [, asking = ''] = /name="asking" value="([^"]+)"/.exec(page) ?? [];
    const answer = async (): Promise<number> => {
      const body = new URLSearchParams({ asking, account: ANN, decision: 'allow', scope: EVENTS_SCOPE });
      return (await fetch(`${sandbox.url}o/oauth2/v2/auth/decision`, { method: 'POST', body, redirect: 'manual' })).status;
    };
    expect([await answer(), await answer()]).toEqual([302, 400]);
  });

  it('says so when an organisation does not let its people consent', async () => {
    sandbox.switchOn({ fault: 'admin-blocked', account: ANN });
    expect(await consentOn(askingUrl(sandbox))).toMatchObject({ status: 400, body: expect.stringContaining('admin_policy_enforced') });
  });
});

describe('The token endpoint of the Google sandbox', () => {
  it('gives tokens for a code, and no refresh token for a refresh token', async () => {
    const first = await tokensFor(sandbox);
    expect(first).toMatchObject({ expires_in: 3599, token_type: 'Bearer', refresh_token: expect.any(String) });
    const { status, json } = await refreshed(sandbox, first['refresh_token']);
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'scope', 'token_type']);
    expect(json['access_token']).not.toBe(first['access_token']);
  });

  it('signs who it was, with a key it publishes', async () => {
    const { id_token: idToken } = await tokensFor(sandbox, {}, { nonce: 'once' });
    const keys = createRemoteJWKSet(new URL(`${sandbox.url}oauth2/v3/certs`));
    const options = { issuer: sandbox.url.slice(0, -1), audience: 'sandbox', currentDate: new Date(clock.now()) };
    const { payload, protectedHeader } = await jwtVerify(String(idToken), keys, options);
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ email: ANN, email_verified: true, nonce: 'once', sub: expect.stringMatching(/^\d{21}$/) });
  });

  it('says what was granted, which may be less than was asked for', async () => {
    expect(scopesOf(await tokensFor(sandbox, { untick: [EVENTS_SCOPE] }))).toEqual([LIST_SCOPE, EMAIL, 'openid'].sort());
  });

  it('adds what was granted earlier, when it is asked to', async () => {
    await tokensFor(sandbox, {}, { scope: LIST_SCOPE });
    const more = await tokensFor(sandbox, {}, { scope: EVENTS_SCOPE, include_granted_scopes: 'true' });
    expect(scopesOf(more)).toEqual([LIST_SCOPE, EVENTS_SCOPE].sort());
    expect(scopesOf(await tokensFor(sandbox, {}, { scope: EVENTS_SCOPE }))).toEqual([EVENTS_SCOPE]);
  });

  it('gives a refresh token only offline, and again only to those who ask for consent', async () => {
    expect(await tokensFor(sandbox, {}, { access_type: null })).not.toHaveProperty('refresh_token');
    expect(await tokensFor(sandbox, {}, { prompt: null })).toHaveProperty('refresh_token');
    expect(await tokensFor(sandbox, {}, { prompt: null })).not.toHaveProperty('refresh_token');
    expect(await tokensFor(sandbox, {}, { prompt: 'select_account consent' })).toHaveProperty('refresh_token');
  });

  it('takes a code once, from who began, and within ten minutes', async () => {
    const refusal = (status: number, error: string) => ({ status, json: { error, error_description: expect.any(String) } });
    const code = await codeOf(askingUrl(sandbox));
    expect(await exchangeCode(sandbox, code)).toMatchObject({ status: 200 });
    expect(await exchangeCode(sandbox, code)).toMatchObject(refusal(400, 'invalid_grant'));
    const attempts: readonly (readonly [Readonly<Record<string, string | null>>, number, string])[] = [
      [{ code_verifier: null }, 400, 'invalid_grant'],
      [{ code_verifier: 'another-verifier-that-is-long-enough-for-rfc-7636-01' }, 400, 'invalid_grant'],
      [{ redirect_uri: `${REDIRECT}/further` }, 400, 'redirect_uri_mismatch'],
      [{ client_secret: 'wrong' }, 401, 'invalid_client'],
      [{ client_secret: null }, 401, 'invalid_client'],
      [{ client_id: 'other' }, 401, 'invalid_client'],
      [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ];
    for (const [more, status, error] of attempts)
      expect(await exchangeCode(sandbox, await codeOf(askingUrl(sandbox)), more)).toMatchObject(refusal(status, error));
    const late = await codeOf(askingUrl(sandbox));
    clock.move(10 * MINUTE);
    expect(await exchangeCode(sandbox, late)).toMatchObject(refusal(400, 'invalid_grant'));
  });

  it('lets access tokens expire, and refresh tokens live', async () => {
    const tokens = await tokensFor(sandbox);
    const status = async (token: unknown): Promise<number> => (await askApi(sandbox, token, 'users/me/calendarList')).status;
    expect(await status(tokens['access_token'])).toBe(200);
    clock.move(59 * MINUTE + 59_000);
    expect(await status(tokens['access_token'])).toBe(401);
    clock.move(100 * DAY);
    expect(await status((await refreshed(sandbox, tokens['refresh_token'])).json['access_token'])).toBe(200);
  });

  it('lets the oldest refresh token die without a word, beyond a hundred of an account', async () => {
    const first = await tokensFor(sandbox);
    for (let count = 0; count < 99; count += 1) await tokensFor(sandbox);
    expect((await refreshed(sandbox, first['refresh_token'])).status).toBe(200);
    await tokensFor(sandbox);
    expect(await refreshed(sandbox, first['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it.each(['query', 'form'])('ends the whole grant when a token is revoked, named in the %s', async (where) => {
    const [ann, second, bob] = [await tokensFor(sandbox), await tokensFor(sandbox), await tokensFor(sandbox, { account: BOB })];
    const parameter = new URLSearchParams({ token: String(ann['access_token']) });
    const revoke = async (): Promise<number> =>
      where === 'query'
        ? (await fetch(`${sandbox.url}revoke?${parameter.toString()}`, { method: 'POST' })).status
        : (await fetch(`${sandbox.url}revoke`, { method: 'POST', body: parameter })).status;
    expect([await revoke(), await revoke()]).toEqual([200, 400]);
    expect(await refreshed(sandbox, second['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await askApi(sandbox, second['access_token'], 'users/me/calendarList')).status).toBe(401);
    expect((await refreshed(sandbox, bob['refresh_token'])).status).toBe(200);
  });

  it('has bad days', async () => {
    const { refresh_token: token } = await tokensFor(sandbox);
    const once = (fault: GoogleFaultOrder['fault'], more: Readonly<Record<string, unknown>> = {}): void => {
      sandbox.switchOn({ fault, times: 1, account: ANN, ...more });
    };
    once('unavailable', { on: 'token', retryAfter: 7 });
    const unavailable = await refreshed(sandbox, token);
    expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '7']);
    once('broken', { on: 'token' });
    expect((await refreshed(sandbox, token)).status).toBe(500);
    once('client-refused');
    expect(await refreshed(sandbox, token)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    once('grant-refused', { subtype: 'invalid_rapt' });
    expect(await refreshed(sandbox, token)).toMatchObject({ status: 400, json: { error: 'invalid_grant', error_subtype: 'invalid_rapt' } });
    once('cut', { on: 'token' });
    await expect(refreshed(sandbox, token)).rejects.toThrow();
    expect((await refreshed(sandbox, token)).status).toBe(200);
    expect(await askToken(sandbox, { grant_type: 'refresh_token', refresh_token: 'nothing' })).toMatchObject({ status: 400 });
  });

  it('knows its refresh tokens after a restart with the same key, and none of another key', async () => {
    const start = (sealKey: string) => startTwoPeople(clock, { sealKey });
    const first = await start('one');
    const { refresh_token: token } = await tokensFor(first);
    await first.stop();
    const [same, other] = [await start('one'), await start('two')];
    expect([(await refreshed(same, token)).status, (await refreshed(other, token)).status]).toEqual([200, 400]);
    same.act({ action: 'revoke', account: ANN });
    expect((await refreshed(same, token)).status).toBe(400);
    await same.stop();
    await other.stop();
  });

  it('keeps a list of what was asked, without a secret in it', async () => {
    const quiet = await startGoogleSandbox({ clock, port: 0, timeZone: 'Europe/Paris', restlessness: null });
    await tokensFor(quiet, { account: 'mia@work.example' });
    expect(quiet.requests().map(({ method, path, status, account }) => `${method} ${path} ${status} ${account ?? '-'}`)).toEqual([
      'GET /o/oauth2/v2/auth 200 -',
      'POST /o/oauth2/v2/auth/decision 302 -',
      'POST /token 200 mia@work.example',
    ]);
    await quiet.stop();
  });
});
