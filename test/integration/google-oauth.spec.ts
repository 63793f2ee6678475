import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CalendarProvider, type ProviderFault } from '../../src/provider/calendar-provider.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { type OAuth, type OAuthRefused } from '../../src/provider/oauth.js';
import { allowed, nearHttp } from '../support/caldav.js';
import { type Asked, type GoogleServer, type Reply, SECRET, startGoogleServer } from '../support/google-server.js';

const NOW = Date.now();
const REDIRECT = 'https://calendar.example/oauth/callback';
const READ = 'https://www.googleapis.com/auth/calendar.events.readonly https://www.googleapis.com/auth/calendar.calendarlist.readonly';
const BEGUN = { redirectUri: REDIRECT, state: 'state-of-this-attempt', verifier: 'v'.repeat(43) };
const SECRETS = [
  SECRET.refreshToken,
  SECRET.accessToken,
  'our-client-secret',
  'the-code',
  'new-access-token',
  'new-refresh-token',
  BEGUN.verifier,
];

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const at = async (
  reply: (asked: Asked, count: number) => Reply | null,
): Promise<Readonly<{ server: GoogleServer; provider: CalendarProvider; oauth: OAuth }>> => {
  const server = await startGoogleServer(reply);
  const http = nearHttp({ retries: 1 });
  closing.push(server.stop, () => http.close());
  const provider = googleProvider({ http, clock: { now: () => NOW }, google: server.settings });
  if (provider.oauth === null) throw new Error('Google is connected by OAuth');
  return { server, provider, oauth: provider.oauth };
};

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Who Google says it is; our side has it from Google itself, so that the signature is not looked at. */
const idToken = (claims: Readonly<Record<string, unknown>> = {}): string => {
  const seconds = Math.floor(Date.now() / 1_000);
  const standard = { iss: 'https://accounts.google.com', aud: 'our-client', sub: '1001', email: 'ada@example.org', email_verified: true };
  return `${base64url({ alg: 'RS256', kid: '1' })}.${base64url({ ...standard, iat: seconds, exp: seconds + 3_600, ...claims })}.c2ln`;
};

const tokens = (change: Readonly<Record<string, unknown>> = {}): Reply => ({
  body: {
    ...{ access_token: 'new-access-token', refresh_token: 'new-refresh-token', expires_in: 3_599, token_type: 'Bearer' },
    ...{ scope: `openid https://www.googleapis.com/auth/userinfo.email ${READ}`, id_token: idToken(), ...change },
  },
});

const refusal = (error: string, rest: Readonly<Record<string, unknown>> = {}, status = 400): Reply => ({
  status,
  body: { error, ...rest },
});

const answered = (query: Readonly<Record<string, string>>) => ({
  parameters: new URLSearchParams(query),
  access: 'read' as const,
  ...BEGUN,
});

const GOOD = { code: 'the-code', state: BEGUN.state, scope: READ };

const failureOf = <T extends Error>(work: Promise<unknown>): Promise<T> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => {
      const { stack = '', cause } = error as Error;
      for (const secret of SECRETS)
        expect(`${String(error)} ${JSON.stringify(error)} ${stack} ${JSON.stringify(cause)}`).not.toContain(secret);
      return error as T;
    },
  );

describe('A Google account is connected', () => {
  it('on Google’s page, with PKCE, for a lasting grant, and asks for no more than it needs', async () => {
    const { oauth, server } = await at(() => ({}));
    const url = new URL(oauth.authorizationUrl({ access: 'read', loginHint: null, ...BEGUN }));
    expect(`${url.origin}${url.pathname}`).toBe(server.settings.authUrl);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'our-client',
      redirect_uri: REDIRECT,
      scope: `openid email ${READ}`,
      state: BEGUN.state,
      code_challenge: createHash('sha256').update(BEGUN.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      access_type: 'offline',
      prompt: 'consent',
      include_granted_scopes: 'true',
    });
    const writing = new URL(oauth.authorizationUrl({ access: 'write', loginHint: 'ada@example.org', ...BEGUN })).searchParams;
    expect(writing.get('scope')).toContain('https://www.googleapis.com/auth/calendar.events ');
    expect(writing.get('login_hint')).toBe('ada@example.org');
  });

  it('by exchanging the code once, under the subject and the proved address of its id_token', async () => {
    const { oauth, server } = await at(() => tokens());
    const granted = await oauth.complete(answered({ ...GOOD, iss: 'https://accounts.google.com' }), allowed());
    expect(granted).toEqual({
      secret: {
        ...{ accessToken: 'new-access-token', refreshToken: 'new-refresh-token', expiresAt: new Date(NOW + 3_599_000).toISOString() },
        ...{ scope: `openid https://www.googleapis.com/auth/userinfo.email ${READ}`, subject: '1001', email: 'ada@example.org' },
      },
      accountId: '1001',
      accountName: 'ada@example.org',
      scopes: ['openid', 'https://www.googleapis.com/auth/userinfo.email', ...READ.split(' ')],
      access: 'read',
    });
    expect(server.asked).toHaveLength(1);
    expect(Object.fromEntries(server.asked[0]?.form ?? [])).toEqual({
      ...{ grant_type: 'authorization_code', code: 'the-code', redirect_uri: REDIRECT, code_verifier: BEGUN.verifier },
      ...{ client_id: 'our-client', client_secret: 'our-client-secret' },
    });
  });

  it('by its subject where its address is not proved', async () => {
    const { oauth } = await at(() => tokens({ id_token: idToken({ email_verified: false }) }));
    expect(await oauth.complete(answered(GOOD), allowed())).toMatchObject({ accountId: '1001', accountName: '1001' });
  });

  it('sync-rule 16: with what was granted, and not with less than reading needs', async () => {
    let scope = 'openid https://www.googleapis.com/auth/calendar';
    const { oauth } = await at(() => tokens({ scope }));
    expect((await oauth.complete(answered(GOOD), allowed())).access).toBe('write');
    for (const less of ['openid email', READ.split(' ')[0], READ.split(' ')[1], '']) {
      scope = less ?? '';
      expect((await failureOf<OAuthRefused>(oauth.complete(answered(GOOD), allowed()))).code).toBe('oauth.scope-missing');
    }
  });

  describe('not by an answer that', () => {
    it.each([
      ['says no', { error: 'access_denied', state: BEGUN.state }, 'oauth.denied', false],
      ['is forbidden by a policy', { error: 'admin_policy_enforced', state: BEGUN.state }, 'oauth.admin-consent', false],
      ['blames the operator', { error: 'redirect_uri_mismatch', state: BEGUN.state }, 'oauth.failed', true],
      ['says anything else', { error: 'interaction_required', state: BEGUN.state }, 'oauth.failed', false],
      ['belongs to another attempt', { ...GOOD, state: 'another' }, 'oauth.failed', false],
      ['belongs to no attempt', { code: 'the-code' }, 'oauth.failed', false],
      ['comes from another issuer', { ...GOOD, iss: 'https://evil.example' }, 'oauth.failed', false],
      ['has no code', { state: BEGUN.state }, 'oauth.failed', false],
      ['brings tokens itself', { ...GOOD, id_token: 'x.y.z' }, 'oauth.failed', false],
    ] as const)('%s', async (_, query, code, operator) => {
      const { oauth, server } = await at(() => tokens());
      expect(await failureOf<OAuthRefused>(oauth.complete(answered(query), allowed()))).toMatchObject({
        name: 'OAuthRefused',
        code,
        operator,
      });
      expect(server.asked).toEqual([]);
    });
  });

  describe('not with a code that', () => {
    it.each([
      ['is used or too old', refusal('invalid_grant', { error_description: 'Malformed auth code.' }), 'oauth.expired', false],
      ['comes with a bad client secret', refusal('invalid_client', {}, 401), 'oauth.failed', true],
      [
        'comes with a challenge',
        { ...refusal('invalid_client', {}, 401), headers: { 'www-authenticate': 'Basic realm="x"' } },
        'oauth.failed',
        true,
      ],
      ['was given for another address', refusal('redirect_uri_mismatch'), 'oauth.failed', true],
      ['is refused for a reason that is not known', refusal('something_new'), 'oauth.failed', false],
      ['brings no refresh token', tokens({ refresh_token: undefined }), 'oauth.failed', false],
      ['brings no id_token', tokens({ id_token: undefined }), 'oauth.failed', false],
      ['brings an id_token of another issuer', tokens({ id_token: idToken({ iss: 'https://evil.example' }) }), 'oauth.failed', false],
      ['brings an id_token for somebody else', tokens({ id_token: idToken({ aud: 'another-client' }) }), 'oauth.failed', false],
      [
        'brings an id_token that has expired',
        tokens({ id_token: idToken({ exp: 1_700_000_000, iat: 1_699_990_000 }) }),
        'oauth.failed',
        false,
      ],
      ['brings nothing that makes sense', { body: '<html>' }, 'oauth.failed', false],
      ['leads elsewhere', { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: {} }, 'oauth.failed', false],
    ] as readonly (readonly [string, Reply, string, boolean])[])('%s', async (_, reply, code, operator) => {
      const { oauth, server } = await at(() => reply);
      expect(await failureOf<OAuthRefused>(oauth.complete(answered(GOOD), allowed()))).toMatchObject({
        name: 'OAuthRefused',
        code,
        operator,
      });
      expect(server.asked).toHaveLength(1);
    });

    it.each([
      ['is not answered', null, 'unavailable'],
      ['meets a failing server', { status: 500, body: 'oops' }, 'unavailable'],
      ['meets a server that is away', { status: 503, body: 'away' }, 'unavailable'],
      ['comes too often', { status: 429, body: {} }, 'throttled'],
    ] as readonly (readonly [string, Reply | null, string])[])('%s, and may be tried again', async (_, reply, fault) => {
      const { oauth, server } = await at(() => reply);
      expect((await failureOf<ProviderFault>(oauth.complete(answered(GOOD), allowed()))).fault).toBe(fault);
      expect(server.asked).toHaveLength(1);
    });
  });
});

describe('The tokens of a Google account', () => {
  it('are renewed with the refresh token that is kept, and everything else of the secret stays', async () => {
    const { oauth, server } = await at(() => ({
      body: { access_token: 'new-access-token', expires_in: 3_599, token_type: 'Bearer', scope: READ },
    }));
    expect(await oauth.refresh(SECRET, allowed())).toEqual({
      ...SECRET,
      ...{ accessToken: 'new-access-token', expiresAt: new Date(NOW + 3_599_000).toISOString(), scope: READ },
    });
    expect(Object.fromEntries(server.asked[0]?.form ?? [])).toEqual({
      ...{ grant_type: 'refresh_token', refresh_token: SECRET.refreshToken, client_id: 'our-client', client_secret: 'our-client-secret' },
    });
  });

  it('sync-rule 15: are the new ones when Google gives a new refresh token', async () => {
    const { oauth } = await at(() => tokens());
    expect(await oauth.refresh(SECRET, allowed())).toMatchObject({ refreshToken: 'new-refresh-token' });
  });

  it.each([
    [
      'dead when Google says so',
      refusal('invalid_grant', { error_description: 'Token has been expired or revoked.' }),
      'access-revoked',
      1,
    ],
    ['ended by a policy when Google says so', refusal('invalid_grant', { error_subtype: 'invalid_rapt' }), 'access-policy', 1],
    ['out of reach by the operator’s mistake', refusal('invalid_client', {}, 401), 'misconfigured', 1],
    ['out of reach for a client that is not set up', refusal('unauthorized_client'), 'misconfigured', 1],
    ['asked for too often', refusal('rate_limit_exceeded', {}, 403), 'throttled', 1],
    ['out of reach while Google is in trouble', { status: 500, body: 'oops' }, 'unavailable', 1],
    ['out of reach while Google is away', { status: 503, body: 'oops' }, 'unavailable', 2],
    ['out of reach while something else answers', { body: '<html>' }, 'unavailable', 1],
    ['out of reach for a reason that is not known', refusal('something_new'), 'unavailable', 1],
    ['out of reach while nothing answers', null, 'unavailable', 2],
  ] as readonly (readonly [string, Reply | null, string, number])[])('sync-rule 14: are %s', async (_, reply, fault, tries) => {
    const { oauth, server } = await at(() => reply);
    expect(await failureOf<ProviderFault>(oauth.refresh(SECRET, allowed()))).toMatchObject({ name: 'ProviderFault', fault });
    expect(server.asked).toHaveLength(tries);
  });

  it.each([
    ['was away for a moment', { status: 503, body: 'away' }],
    ['broke off', null],
  ] as readonly (readonly [string, Reply | null])[])('are renewed at once when Google %s', async (_, reply) => {
    const { oauth, server } = await at((_asked, count) => (count === 1 ? reply : tokens()));
    expect(await oauth.refresh(SECRET, allowed())).toMatchObject({ accessToken: 'new-access-token' });
    expect(server.asked).toHaveLength(2);
  });

  it('are out of reach with words that tell the operator what to set', async () => {
    const { oauth } = await at(() => refusal('invalid_client', {}, 401));
    expect((await failureOf<ProviderFault>(oauth.refresh(SECRET, allowed()))).detail).toContain(
      'check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET',
    );
    const mismatch = { error: 'redirect_uri_mismatch', state: BEGUN.state };
    const refused = await failureOf<OAuthRefused>(oauth.complete(answered(mismatch), allowed()));
    expect(refused.mend).toContain('/v1/calendar/oauth/google/callback');
    expect(refused.detail).not.toContain('redirect_uri');
  });

  it('are given back at Google, also when they are dead already', async () => {
    let reply: Reply = { body: {} };
    const { provider, server } = await at(() => reply);
    expect(await provider.revoke(SECRET, allowed())).toBe('revoked');
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/revoke' });
    expect(server.asked[0]?.form.get('token')).toBe(SECRET.refreshToken);
    reply = refusal('invalid_token');
    expect(await provider.revoke(SECRET, allowed())).toBe('revoked');
    reply = { status: 503, body: 'away' };
    expect((await failureOf<ProviderFault>(provider.revoke(SECRET, allowed()))).fault).toBe('unavailable');
    reply = refusal('invalid_request');
    expect((await failureOf<ProviderFault>(provider.revoke(SECRET, allowed()))).fault).toBe('malformed');
  });
});
