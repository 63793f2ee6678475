import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type AppleSandbox } from '../../src/embedded/apple.sandbox.js';
import { type AppleSettings } from '../../src/provider/apple/apple-settings.js';
import { type Identity } from '../../src/provider/identity.js';
import { ALICE, appleAt, appleProvider, BOB, type OnApplesPage, signInAt, startTwoApplePeople } from '../support/apple.js';
import { allowed, nearHttp } from '../support/caldav.js';
import { type Asked, type Reply, startGoogleServer } from '../support/google-server.js';
import { suiteResources } from '../support/opened.js';

const opened = suiteResources();
let apple: AppleSandbox;
const http = nearHttp({ retries: 1 });
beforeAll(async () => {
  await opened(Promise.resolve({ stop: () => http.close() }));
  apple = await opened(startTwoApplePeople());
});

const BEGUN = {
  redirectUri: 'http://localhost:3000/v1/calendar/oauth/apple/callback',
  state: 'a'.repeat(64),
  verifier: 'b'.repeat(64),
  access: 'read' as const,
};
const providerAt = (settings: AppleSettings) => appleProvider(http, settings);
const identityOf = (settings: AppleSettings = appleAt(apple)): Identity => {
  const { identity } = providerAt(settings);
  if (identity === null) throw new Error('people sign in with Apple');
  return identity;
};
const signIn = async (onPage: OnApplesPage = {}, change: Partial<typeof BEGUN> = {}, settings = appleAt(apple)) => {
  const identity = identityOf(settings);
  const { form } = await signInAt(identity.authorizationUrl({ ...BEGUN, loginHint: null }), onPage);
  return identity.complete({ ...BEGUN, parameters: form, ...change }, allowed());
};
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('Sign in with Apple', () => {
  it('asks for an answer by a form, with state and nonce, and for an address alone', () => {
    const { origin, pathname, searchParams } = new URL(identityOf().authorizationUrl({ ...BEGUN, loginHint: null }));
    expect([origin, pathname]).toEqual([apple.origin, '/auth/authorize']);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...{ response_type: 'code', response_mode: 'form_post', scope: 'email', state: BEGUN.state, client_id: apple.client.clientId },
      ...{ redirect_uri: BEGUN.redirectUri, nonce: expect.stringMatching(/^[\w-]{43}$/) },
    });
  });

  it('proves who somebody is, always by the same name, and tells their user name', async () => {
    const [first, second, bob] = [await signIn(), await signIn(), await signIn({ account: BOB.email })];
    expect(first).toEqual({
      ...{ subject: expect.any(String), username: ALICE.email },
      secret: { identitySubject: first.subject, identityToken: expect.any(String) },
    });
    expect([second.subject, bob.subject === first.subject]).toEqual([first.subject, false]);
  });

  it('names no person by an address that only forwards', async () => {
    const [shown, hidden] = [await signIn(), await signIn({ hide: true })];
    expect([hidden.username, hidden.subject]).toEqual([null, shown.subject]);
    expect(JSON.stringify(hidden)).not.toContain('privaterelay');
  });

  it.each<readonly [string, OnApplesPage, Partial<typeof BEGUN>, string]>([
    ['that was cancelled', { cancel: true }, {}, 'oauth.denied'],
    ['with the state of another attempt', {}, { state: 'c'.repeat(64) }, 'oauth.failed'],
    ['with the nonce of another attempt', {}, { verifier: 'c'.repeat(64) }, 'oauth.failed'],
    ['sent to another address', {}, { redirectUri: 'http://localhost:3000/elsewhere' }, 'oauth.expired'],
  ])('proves nothing by an answer %s', async (_, onPage, change, code) => {
    const failure = await failureOf(signIn(onPage, change));
    expect(failure).toMatchObject({ name: 'OAuthRefused', code, operator: false });
  });

  it('proves nothing by a code that was used', async () => {
    const identity = identityOf();
    const { form } = await signInAt(identity.authorizationUrl({ ...BEGUN, loginHint: null }));
    await identity.complete({ ...BEGUN, parameters: form }, allowed());
    expect(await failureOf(identity.complete({ ...BEGUN, parameters: form }, allowed()))).toMatchObject({ code: 'oauth.expired' });
  });

  it('tells the operator, and no other person, when Apple refuses the client', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    for (const change of [{ privateKey }, { teamId: 'ANOTHER000' }]) {
      const failure = await failureOf(signIn({}, {}, { ...appleAt(apple), ...change }));
      expect(failure).toMatchObject({ code: 'oauth.failed', operator: true, mend: expect.stringContaining('APPLE_PRIVATE_KEY_FILE') });
      expect(String(failure)).not.toContain('PRIVATE KEY');
    }
  });

  it('is ended with the connection, once or again, and the password is left to its owner', async () => {
    const provider = providerAt(appleAt(apple));
    const { secret } = await signIn({ account: BOB.email });
    expect(apple.signedIn()).toContain(BOB.email);
    const before = apple.signedIn().length;
    for (let time = 0; time < 2; time += 1)
      expect(await provider.revoke({ ...secret, username: 'bob', password: 'p' }, allowed())).toBe('manual');
    expect(apple.signedIn()).toHaveLength(before - 1);
    expect(await provider.revoke({ username: 'bob', password: 'p' }, allowed())).toBe('manual');
  });
});

describe('An answer of Apple', () => {
  /** At a server that says what a test wants it to. */
  const at = async (reply: (asked: Asked) => Reply) => {
    const server = await opened(startGoogleServer(reply));
    return { settings: { ...appleAt(apple), idUrl: new URL(server.settings.tokenUrl).origin } };
  };
  const answer = new URLSearchParams({ code: 'code', state: BEGUN.state });
  const complete = (settings: AppleSettings) => failureOf(identityOf(settings).complete({ ...BEGUN, parameters: answer }, allowed()));

  it('whose token is signed by another key proves nothing', async () => {
    const claims = { iss: '', aud: apple.client.clientId, sub: '1', nonce: '', iat: 0, exp: 9_999_999_999 };
    const encode = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');
    const nonceOf = (settings: AppleSettings) =>
      new URL(identityOf(settings).authorizationUrl({ ...BEGUN, loginHint: null })).searchParams.get('nonce');
    const keys = (await (await fetch(`${apple.origin}/auth/keys`)).json()) as { keys: readonly { kid: string }[] };
    const made: { settings?: AppleSettings } = {};
    const { settings } = await at(({ path }) => {
      if (path === '/auth/keys') return { body: keys };
      const { settings: here } = made;
      if (here === undefined) return { status: 500 };
      const now = Math.floor(Date.now() / 1_000);
      const said = { ...claims, iss: here.idUrl, nonce: nonceOf(here), iat: now, exp: now + 600 };
      const token = `${encode({ alg: 'RS256', kid: keys.keys[0]?.kid })}.${encode(said)}.${Buffer.alloc(256, 7).toString('base64url')}`;
      return { body: { access_token: 'a', token_type: 'Bearer', refresh_token: 'r', id_token: token } };
    });
    made.settings = settings;
    expect(await complete(settings)).toMatchObject({ code: 'oauth.failed', detail: expect.stringContaining('does not prove') });
  });

  it.each<readonly [string, Reply, unknown]>([
    ['that fails', { status: 500, body: 'error' }, { fault: 'unavailable' }],
    ['that is busy', { status: 503, body: '' }, { fault: 'unavailable' }],
    ['without a token of identity', { body: { access_token: 'a', token_type: 'Bearer' } }, { code: 'oauth.failed' }],
    ['that is a page', { body: '<!doctype html>' }, { code: 'oauth.failed' }],
    ['with an error of its own', { status: 400, body: { error: 'invalid_request' } }, { code: 'oauth.failed' }],
  ])('%s connects nothing', async (_, reply, expected) => {
    const { settings } = await at(() => reply);
    expect(await complete(settings)).toMatchObject(expected as object);
  });
});
