import { hkdfSync } from 'node:crypto';
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  SignJWT,
} from 'jose';
import { z } from 'zod';
import { type Actor, ROLES_OF_PEOPLE, USER_ID } from '../../kernel/actor.js';
import { type Clock, HOUR } from '../../kernel/clock.js';
import { Refused } from '../../kernel/refused.js';

/** Verifies bearer tokens: answers whom they speak for, or throws `Refused` with `auth.invalid`, `auth.expired` or `auth.unavailable`. */
export type Tokens = Readonly<{ verify: (token: string) => Promise<Actor> }>;

/** DI token of the `Tokens`. */
export const TOKENS = Symbol('Tokens');

/** `Tokens` that also makes them, for whoever asks: development only. */
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

/** That the keys cannot be had is no fault of the token. */
const fetchKeys: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options).catch(() => null);
  if (response?.status !== 200) throw noKeys();
  return response;
};

/**
 * Tokens of an identity provider, verified with the keys it publishes. A token signed with a key not seen before fetches them anew, at most
 * once per `cooldown` milliseconds, so that rotated keys are found and invented key ids do not become a flood.
 */
export const jwksTokens = (
  { jwksUrl, issuer, audience }: Readonly<{ jwksUrl: string; issuer: string; audience: string }>,
  clock: Clock,
  cooldown = 30_000,
): Tokens => {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: cooldown, [customFetch]: fetchKeys });
  // Asymmetric algorithms only: with HS256 the public key itself would sign.
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
  return {
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, keys, { ...settings(clock), algorithms, issuer, audience });
        return toActor(payload);
      } catch (error) {
        throw toRefused(error);
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
