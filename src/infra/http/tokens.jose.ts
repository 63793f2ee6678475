import { hkdfSync } from 'node:crypto';
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  type FetchImplementation,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  SignJWT,
} from 'jose';
import { z } from 'zod';
import { type Actor, ROLES_OF_PEOPLE, USER_ID } from '../../kernel/actor.js';
import { type Clock, DAY, HOUR } from '../../kernel/clock.js';
import { Refused } from '../../kernel/refused.js';

/** Verifies bearer tokens: answers whom they speak for, or throws `Refused` with `auth.invalid`, `auth.expired` or `auth.unavailable`. */
export type Tokens = Readonly<{ verify: (token: string) => Promise<Actor> }>;

/** DI token of the `Tokens`. */
export const TOKENS = Symbol('Tokens');

/** `Tokens` that also issues them to every caller: development only. */
export type DevTokens = Tokens & Readonly<{ issue: (actor: Actor) => Promise<string> }>;

/** DI token of the `DevTokens`. */
export const DEV_TOKENS = Symbol('DevTokens');

// A provider's tokens may name roles of other services too; those say nothing here.
const Claims = z.object({
  sub: z.string().regex(USER_ID),
  roles: z
    .array(z.string())
    .transform((named) => ROLES_OF_PEOPLE.filter((role) => named.includes(role)))
    .default(['user']),
  teams: z.array(z.string().regex(USER_ID)).max(500).default([]),
});

const toActor = (payload: JWTPayload): Actor => {
  const { success, data } = Claims.safeParse(payload);
  if (!success) throw new Refused('auth.invalid', 401, 'The token does not say in `sub` whom it speaks for, in a form this service takes.');
  return { userId: data.sub, roles: data.roles, teams: data.teams };
};

/** When a token that was verified expires, in milliseconds since the epoch. */
export const expiryOf = (verified: string): number => (decodeJwt(verified).exp ?? 0) * 1_000;

/** How long keys are used after the provider last published them. */
const KEYS_LIFE = DAY;

const KeySet = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is no JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }));

const noKeys = () => new Refused('auth.unavailable', 503, 'The identity provider cannot be asked for its keys at the moment.', 5);

const toRefused = (error: unknown): unknown => {
  if (error instanceof Refused) return error;
  if (error instanceof errors.JWTExpired) return new Refused('auth.expired', 401, 'The token has expired. Sign in again.');
  // The general code is what an answer gets that is no key set; what is wrong with a token has a code of its own.
  if (error instanceof errors.JWKSInvalid || (error instanceof errors.JOSEError && error.code === errors.JOSEError.code)) return noKeys();
  if (error instanceof errors.JOSEError) return new Refused('auth.invalid', 401, 'The token is not one this service accepts.');
  return error;
};

const settings = (clock: Clock): JWTVerifyOptions => ({
  clockTolerance: 5,
  currentDate: new Date(clock.now()),
  requiredClaims: ['sub', 'exp'],
});

type KeyFetcher = Readonly<{ fetchKeys: FetchImplementation; isAway: () => boolean }>;

/** Keys as the provider last published them, which go on for a day while it cannot be asked. That they cannot be had is no fault of the token. */
const keyFetcher = (clock: Clock): KeyFetcher => {
  let last: Readonly<{ text: string; at: number }> | null = null;
  let away = false;
  const published = async (url: string, options: RequestInit): Promise<string | null> => {
    const response = await fetch(url, options).catch(() => null);
    const text = await response?.text().catch(() => null);
    return response?.status === 200 && typeof text === 'string' && KeySet.safeParse(text).success ? text : null;
  };
  return {
    isAway: () => away,
    fetchKeys: async (url, options) => {
      const text = await published(url, options);
      away = text === null;
      if (text !== null) last = { text, at: clock.now() };
      if (last === null || clock.now() - last.at > KEYS_LIFE) throw noKeys();
      return new Response(last.text, { headers: { 'content-type': 'application/json' } });
    },
  };
};

/**
 * Tokens of an identity provider, verified with the keys it publishes. A token signed with an unknown key fetches them again, at most
 * once per `cooldown` milliseconds, so that rotated keys are found and invented key ids do not become a flood.
 */
export const jwksTokens = (
  { jwksUrl, issuer, audience }: Readonly<{ jwksUrl: string; issuer: string; audience: string }>,
  clock: Clock,
  cooldown = 30_000,
): Tokens => {
  const { fetchKeys, isAway } = keyFetcher(clock);
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: cooldown, [customFetch]: fetchKeys });
  // Asymmetric algorithms only: with HS256 the public key itself would sign.
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
  return {
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, keys, { ...settings(clock), algorithms, issuer, audience });
        return toActor(payload);
      } catch (error) {
        // It may have been signed with a key that only the provider knows yet.
        throw error instanceof errors.JWKSNoMatchingKey && isAway() ? noKeys() : toRefused(error);
      }
    },
  };
};

const ISSUER = 'urn:juy:calendar:dev';

/** Tokens of our own for development. Their key is derived from the 32-byte master key: they survive a restart, and fit no other installation. */
export const devTokens = (masterKey: Uint8Array, clock: Clock): DevTokens => {
  const key = new Uint8Array(hkdfSync('sha256', masterKey, '', 'juy-calendar dev token v1', 32));
  return {
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, key, { ...settings(clock), algorithms: ['HS256'], issuer: ISSUER });
        return toActor(payload);
      } catch (error) {
        throw toRefused(error);
      }
    },
    issue: ({ userId, roles, teams }) =>
      new SignJWT({ roles: [...roles], teams: [...teams] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(userId)
        .setIssuer(ISSUER)
        .setIssuedAt(new Date(clock.now()))
        .setExpirationTime(new Date(clock.now() + 12 * HOUR))
        .sign(key),
  };
};
