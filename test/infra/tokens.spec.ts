import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { devTokens, jwksTokens, type Tokens } from '../../src/infra/http/tokens.jose.js';
import { rememberedTokens } from '../../src/infra/http/tokens.memory.js';
import { HOUR } from '../../src/kernel/clock.js';

const now = Date.parse('2026-03-01T12:00:00Z');
const clock = { now: () => now };
const issuer = 'https://id.example.com';
const audience = 'calendar';

let published: JWK[] = [];
let fetches = 0;
let status = 200;
let page: string | null = null;
const provider = createServer((_request, response) => {
  fetches += 1;
  response.writeHead(status, { 'content-type': 'application/json' }).end(page ?? JSON.stringify({ keys: published }));
});

const makeKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
};

const sign = (key: { kid: string; privateKey: CryptoKey }, claims: Record<string, unknown> = {}) =>
  new SignJWT({ iss: issuer, aud: audience, sub: 'auth0|ann', exp: now / 1_000 + 60, roles: ['user', 'cook'], teams: ['blue'], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .sign(key.privateKey);

let tokens: Tokens;
let first: Awaited<ReturnType<typeof makeKey>>;
let jwksUrl: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`;
  first = await makeKey('first');
});
afterAll(() => {
  provider.close();
});

beforeEach(() => {
  [published, fetches, status, page] = [[first.jwk], 0, 200, null];
  tokens = jwksTokens({ jwksUrl, issuer, audience }, clock, 0);
});

describe('A token of the identity provider', () => {
  it('says who asks, and only the roles this service knows', async () => {
    await expect(tokens.verify(await sign(first))).resolves.toEqual({ userId: 'auth0|ann', roles: ['user'], teams: ['blue'] });
  });

  it('makes an ordinary user of somebody without roles', async () => {
    await expect(tokens.verify(await sign(first, { roles: undefined, teams: undefined }))).resolves.toMatchObject({
      roles: ['user'],
      teams: [],
    });
  });

  it('is accepted after the provider changed its keys, which are fetched once per key', async () => {
    await tokens.verify(await sign(first));
    const second = await makeKey('second');
    published = [first.jwk, second.jwk];
    await tokens.verify(await sign(second));
    await tokens.verify(await sign(first));
    expect(fetches).toBe(2);
  });

  it.each([
    ['auth.expired', { exp: now / 1_000 - 60 }],
    ['auth.invalid', { exp: undefined }],
    ['auth.invalid', { aud: 'another service' }],
    ['auth.invalid', { iss: 'https://evil.example.com' }],
    ['auth.invalid', { sub: undefined }],
    ['auth.invalid', { sub: 'ann bob' }],
    ['auth.invalid', { nbf: now / 1_000 + 60 }],
  ])('is refused with %s when it claims %j', async (code, claims) => {
    await expect(tokens.verify(await sign(first, claims))).rejects.toMatchObject({ name: 'Refused', status: 401, code });
  });

  it('is refused when a stranger signed it', async () => {
    await expect(tokens.verify(await sign(await makeKey('first')))).rejects.toMatchObject({ code: 'auth.invalid' });
    await expect(tokens.verify(await sign(await makeKey('stranger')))).rejects.toMatchObject({ code: 'auth.invalid' });
  });

  it('is refused when it uses the public key as a shared secret, or no signature', async () => {
    const claims = { iss: issuer, aud: audience, sub: 'ann', exp: now / 1_000 + 60 };
    const secret = new TextEncoder().encode(await exportSPKI(first.publicKey));
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret);
    const bare = [{ alg: 'none', kid: 'first' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    await expect(tokens.verify(confused)).rejects.toMatchObject({ code: 'auth.invalid' });
    await expect(tokens.verify(`${bare}.`)).rejects.toMatchObject({ code: 'auth.invalid' });
  });

  it('is accepted under RSA keys as under elliptic ones, and only under the algorithm of its key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    published = [first.jwk, { ...(await exportJWK(publicKey)), kid: 'rsa', alg: 'RS256' }];
    const claims = { iss: issuer, aud: audience, sub: 'ann', exp: now / 1_000 + 60 };
    const signed = (alg: string) => new SignJWT(claims).setProtectedHeader({ alg, kid: 'rsa' }).sign(privateKey);
    await expect(tokens.verify(await signed('RS256'))).resolves.toMatchObject({ userId: 'ann' });
    const header = Buffer.from(JSON.stringify({ alg: 'PS256', kid: 'rsa' })).toString('base64url');
    await expect(tokens.verify((await signed('RS256')).replace(/^[^.]+/, header))).rejects.toMatchObject({ code: 'auth.invalid' });
  });

  it('with an invented key id makes the provider be asked once, not once a token', async () => {
    const patient = jwksTokens({ jwksUrl, issuer, audience }, clock);
    await patient.verify(await sign(first));
    for (const kid of ['a', 'b', 'c'])
      await expect(patient.verify(await sign({ ...first, kid }))).rejects.toMatchObject({ code: 'auth.invalid' });
    expect(fetches).toBe(1);
  });

  it('goes on being accepted while the provider is away, or answers nonsense; one under a new key waits', async () => {
    await tokens.verify(await sign(first));
    const second = await makeKey('second');
    for (const away of [() => (status = 500), () => ([status, page] = [200, '<h1>Welcome to the hotel</h1>'])]) {
      away();
      await expect(tokens.verify(await sign(second))).rejects.toMatchObject({ code: 'auth.unavailable', status: 503 });
      await expect(tokens.verify(await sign(first))).resolves.toMatchObject({ userId: 'auth0|ann' });
    }
    [status, page, published] = [200, null, [second.jwk]];
    await expect(tokens.verify(await sign(second))).resolves.toMatchObject({ userId: 'auth0|ann' });
    await expect(tokens.verify(await sign(first))).rejects.toMatchObject({ code: 'auth.invalid' });
  });

  it('waits for better times when the provider cannot be asked', async () => {
    status = 500;
    await expect(tokens.verify(await sign(first))).rejects.toMatchObject({ code: 'auth.unavailable', status: 503 });
    [status, page] = [200, '<h1>Welcome to the hotel</h1>'];
    await expect(tokens.verify(await sign(first))).rejects.toMatchObject({ code: 'auth.unavailable', status: 503 });
    const nobody = jwksTokens({ jwksUrl: 'http://127.0.0.1:1/jwks', issuer, audience }, clock);
    await expect(nobody.verify(await sign(first))).rejects.toMatchObject({ code: 'auth.unavailable', status: 503 });
  });
});

describe('A development token', () => {
  const key = new Uint8Array(32).fill(1);
  const ann = { userId: 'ann', roles: ['user', 'compliance'], teams: ['blue'] } as const;

  it('survives a restart with the same master key, and fits no other', async () => {
    const token = await devTokens(key, clock).issue(ann);
    await expect(devTokens(key, clock).verify(token)).resolves.toEqual(ann);
    await expect(devTokens(new Uint8Array(32), clock).verify(token)).rejects.toMatchObject({ code: 'auth.invalid' });
  });

  it('is good for twelve hours', async () => {
    const token = await devTokens(key, clock).issue(ann);
    const later = (hours: number) => devTokens(key, { now: () => now + hours * HOUR }).verify(token);
    await expect(later(11.9)).resolves.toMatchObject({ userId: 'ann' });
    await expect(later(12.1)).rejects.toMatchObject({ code: 'auth.expired' });
  });
});

describe('A token that was seen before', () => {
  const counted = (answer: () => Promise<Awaited<ReturnType<Tokens['verify']>>>) => {
    const asked: string[] = [];
    return {
      asked,
      tokens: {
        verify: (token: string) => {
          asked.push(token);
          return answer();
        },
      },
    };
  };
  const ann = () => Promise.resolve({ userId: 'auth0|ann', roles: ['user'] as const, teams: [] });

  it('is believed without a second look, for a minute', async () => {
    let time = now;
    const { asked, tokens: inner } = counted(ann);
    const remembered = rememberedTokens(inner, { now: () => time });
    const token = await sign(first, { exp: now / 1_000 + 3_600 });
    for (const after of [0, 30_000, 59_999, 60_000]) {
      time = now + after;
      await expect(remembered.verify(token)).resolves.toMatchObject({ userId: 'auth0|ann' });
    }
    expect(asked).toHaveLength(2);
  });

  it('is not believed past its expiry', async () => {
    let time = now;
    const { asked, tokens: inner } = counted(ann);
    const remembered = rememberedTokens(inner, { now: () => time });
    const token = await sign(first, { exp: now / 1_000 + 10 });
    await remembered.verify(token);
    time = now + 10_000;
    await remembered.verify(token);
    expect(asked).toHaveLength(2);
  });

  it('is looked at again when it was refused', async () => {
    const { asked, tokens: inner } = counted(() => Promise.reject(new Error('refused')));
    const remembered = rememberedTokens(inner, clock);
    const token = await sign(first);
    await expect(remembered.verify(token)).rejects.toThrow('refused');
    await expect(remembered.verify(token)).rejects.toThrow('refused');
    expect(asked).toHaveLength(2);
  });
});
