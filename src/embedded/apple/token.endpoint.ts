import { randomBytes } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import { SECOND } from '../../kernel/clock.js';
import { type SandboxAnswer } from '../exchange.js';
import { type Json } from '../json.js';
import { halfHash, type IdTokens } from '../oauth/id-tokens.keys.js';
import { hashOf } from '../oauth/proofs.crypto.js';
import { type AppleFault, type AppleWorld, type SignedIn } from './world.js';

/** The longest life of a client secret, in seconds. */
const LONGEST = 15_777_000;

export const answered = (status: number, content: Json): SandboxAnswer => ({
  status,
  headers: { 'content-type': 'application/json;charset=UTF-8', 'cache-control': 'no-store' },
  body: JSON.stringify(content),
});

const refused = (error: string, words: string): SandboxAnswer => answered(400, { error, error_description: words });

/** The client proves itself by a JWT it has signed; how long that is good is part of it. */
const isClient = async ({ client, clock, origin }: AppleWorld, form: URLSearchParams): Promise<boolean> => {
  if (form.get('client_id') !== client.clientId) return false;
  try {
    const { payload } = await jwtVerify(form.get('client_secret') ?? '', await importSPKI(client.publicKey, 'ES256'), {
      ...{ issuer: client.teamId, subject: client.clientId, audience: origin(), algorithms: ['ES256'] },
      ...{ currentDate: new Date(clock.now()), requiredClaims: ['iat', 'exp'] },
    });
    return (payload.exp ?? Infinity) <= clock.now() / SECOND + LONGEST;
  } catch {
    return false;
  }
};

/** Apple's number of a person: the same for all applications of a team, always. */
const subjectOf = (teamId: string, email: string): string => {
  const hash = hashOf(`${teamId} ${email}`).toString('hex');
  return `000${(parseInt(hash.slice(0, 3), 16) % 1_000).toString().padStart(3, '0')}.${hash.slice(0, 32)}.1234`;
};

const relayOf = (subject: string): string => `${hashOf(subject).toString('hex').slice(0, 10)}@privaterelay.appleid.com`;

const claimsOf = ({ client, clock, origin }: AppleWorld, { person, hidesEmail, asksEmail, nonce }: SignedIn): Json => {
  const now = Math.floor(clock.now() / SECOND);
  const subject = subjectOf(client.teamId, person.email);
  const email = hidesEmail ? relayOf(subject) : person.email;
  return {
    ...{ iss: origin(), aud: client.clientId, sub: subject, iat: now, exp: now + 86_400, auth_time: now, nonce_supported: true },
    ...(nonce === null ? {} : { nonce }),
    ...(asksEmail ? { email, email_verified: true, ...(hidesEmail ? { is_private_email: true } : {}) } : {}),
  };
};

const opaque = (): string => `${randomBytes(24).toString('base64url')}.0.${randomBytes(12).toString('base64url')}`;

/** What comes instead of an answer while a fault is switched on; null: nothing. */
const troubled = ({ faults }: AppleWorld, on: AppleFault['on']): SandboxAnswer | null => {
  if (faults.take('unavailable', on) !== null) return { status: 503, headers: {}, body: '' };
  return faults.take('client-refused', on) === null ? null : answered(400, { error: 'invalid_client' });
};

/** `POST /auth/token` for a code. */
export const tokenAnswer = async (world: AppleWorld, ids: IdTokens, form: URLSearchParams): Promise<SandboxAnswer> => {
  const trouble = troubled(world, 'token');
  if (trouble !== null) return trouble;
  if (!(await isClient(world, form))) return answered(400, { error: 'invalid_client' });
  if (form.get('grant_type') !== 'authorization_code') return answered(400, { error: 'unsupported_grant_type' });
  const code = form.get('code') ?? '';
  const held = world.codes.get(code);
  world.codes.delete(code);
  if (held === undefined || held.expiresAt <= world.clock.now())
    return refused('invalid_grant', 'The code has expired or has been revoked.');
  if (form.get('redirect_uri') !== held.redirectUri) return refused('invalid_grant', 'The redirect_uri does not match the authorization.');
  const [accessToken, refreshToken] = [opaque(), `r${opaque()}`];
  world.tokens.set(refreshToken, held.person.email);
  return answered(200, {
    ...{ access_token: accessToken, token_type: 'Bearer', expires_in: 3_600, refresh_token: refreshToken },
    id_token: await ids.sign({ ...claimsOf(world, held), at_hash: halfHash(accessToken) }),
  });
};

/** `POST /auth/revoke`: a token that is known no more is one that was revoked. */
export const revokeAnswer = async (world: AppleWorld, form: URLSearchParams): Promise<SandboxAnswer> => {
  const trouble = troubled(world, 'revoke');
  if (trouble !== null) return trouble;
  if (!(await isClient(world, form))) return answered(400, { error: 'invalid_client' });
  const token = form.get('token');
  if (token === null) return answered(400, { error: 'invalid_request' });
  world.tokens.delete(token);
  return { status: 200, headers: {}, body: '' };
};
