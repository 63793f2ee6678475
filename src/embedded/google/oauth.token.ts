import { SECOND } from '../../kernel/clock.js';
import { answered, type GoogleAnswer, oauthError } from './answers.js';
import { type Place } from './faults.js';
import { type Consent } from '../oauth/grants.js';
import { halfHash, type IdTokens } from '../oauth/id-tokens.keys.js';
import { type Json } from '../json.js';
import { credentialsOf, hashOf, type Headers, isSame, verifies } from '../oauth/proofs.crypto.js';
import { type World } from './world.js';

/** An answer of the token endpoint, and whose tokens it is about. */
export type TokenAnswer = Readonly<{ answer: GoogleAnswer; place: Place }>;

const clientRefusal = ({ client }: World, header: Headers, form: URLSearchParams): GoogleAnswer | null => {
  const { id, secret } = credentialsOf(header, form);
  if (id !== client.id) return oauthError(401, 'invalid_client', 'The OAuth client was not found.');
  if (secret !== null && isSame(secret, client.secret)) return null;
  return oauthError(401, 'invalid_client', secret === null ? 'client_secret is missing.' : 'The provided client secret is invalid.');
};

/** Why the code of a consent is not exchanged; null when it is. */
const codeRefusal = (consent: Consent, form: URLSearchParams): GoogleAnswer | null => {
  const redirectUri = form.get('redirect_uri');
  if (redirectUri === null || !URL.canParse(redirectUri) || new URL(redirectUri).href !== consent.redirectUri)
    return oauthError(400, 'redirect_uri_mismatch', 'Bad Request');
  const verifier = form.get('code_verifier');
  if (consent.challenge === null) return null;
  if (verifier === null) return oauthError(400, 'invalid_grant', 'Missing code verifier.');
  return verifies(verifier, consent.challenge) ? null : oauthError(400, 'invalid_grant', 'Invalid code verifier.');
};

/** Google's number of a person: the same for every client, always. */
const subjectOf = (account: string): string =>
  String(BigInt(`0x${hashOf(account).toString('hex').slice(0, 17)}`))
    .padStart(21, '1')
    .slice(0, 21);

type Issued = Readonly<{ account: string; scopes: readonly string[]; nonce: string | null; offline: boolean }>;

const claimsOf = ({ client, clock, calendars, origin }: World, { account, scopes, nonce }: Issued): Json => {
  const now = Math.floor(clock.now() / SECOND);
  const hasEmail = scopes.some((scope) => scope.endsWith('/userinfo.email'));
  const hasProfile = scopes.some((scope) => scope.endsWith('/userinfo.profile'));
  return {
    iss: origin(),
    azp: client.id,
    aud: client.id,
    sub: subjectOf(account),
    ...(hasEmail ? { email: account, email_verified: true } : {}),
    ...(hasProfile ? { name: calendars.person(account)?.fullName ?? '' } : {}),
    ...(nonce === null ? {} : { nonce }),
    iat: now,
    exp: now + 3_600,
  };
};

const issue = async (world: World, ids: IdTokens, issued: Issued): Promise<GoogleAnswer> => {
  const { account, scopes, offline } = issued;
  const { token, seconds } = world.grants.access({ account, scopes });
  const idToken = scopes.includes('openid') ? { id_token: await ids.sign({ ...claimsOf(world, issued), at_hash: halfHash(token) }) } : {};
  const content = {
    access_token: token,
    expires_in: seconds,
    ...(offline ? { refresh_token: world.grants.refreshToken({ account, scopes }) } : {}),
    scope: scopes.join(' '),
    token_type: 'Bearer',
    ...idToken,
  };
  return answered(content, { 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' });
};

const placeOf = (account: string | null): Place => ({ account, calendar: null, on: 'token' });

const dead = oauthError(400, 'invalid_grant', 'Token has been expired or revoked.');

/** What one of the switched-on faults answers instead of the truth. */
const insteadOf = ({ faults }: World, place: Place, isRefresh: boolean): GoogleAnswer | null => {
  const unavailable = faults.take('unavailable', place);
  if (unavailable !== null) {
    const wait = unavailable.retryAfter === null ? {} : { 'retry-after': String(unavailable.retryAfter) };
    return {
      status: 503,
      headers: { 'content-type': 'text/html; charset=UTF-8', ...wait },
      body: '<!doctype html><title>Error 503</title>',
    };
  }
  if (faults.take('broken', place) !== null) return oauthError(500, 'internal_failure', 'Internal error encountered.');
  if (faults.take('client-refused', place) !== null) return oauthError(401, 'invalid_client', 'The provided client secret is invalid.');
  const refused = isRefresh ? faults.take('grant-refused', place) : null;
  if (refused === null) return null;
  return refused.subtype === null ? dead : oauthError(400, 'invalid_grant', 'reauth related error', { error_subtype: refused.subtype });
};

const exchange = async (world: World, ids: IdTokens, form: URLSearchParams): Promise<TokenAnswer> => {
  const consent = world.grants.redeem(form.get('code') ?? '');
  const place = placeOf(consent?.account ?? null);
  if (consent === null) return { answer: oauthError(400, 'invalid_grant', 'Malformed auth code.'), place };
  return { answer: codeRefusal(consent, form) ?? (await issue(world, ids, consent)), place };
};

const refresh = async (world: World, ids: IdTokens, form: URLSearchParams): Promise<TokenAnswer> => {
  const token = form.get('refresh_token') ?? '';
  const held = world.grants.byRefresh(token);
  const place = placeOf(held?.account ?? null);
  const instead = insteadOf(world, place, true);
  if (instead !== null || held === null) return { answer: instead ?? dead, place };
  const rotated = world.faults.take('grant-rotated', place) !== null;
  if (rotated) world.grants.endRefreshToken(token);
  return { answer: await issue(world, ids, { ...held, nonce: null, offline: rotated }), place };
};

/** `POST /token` (RFC 6749 4.1.3 and 6). */
export const tokenAnswer = async (world: World, ids: IdTokens, header: Headers, form: URLSearchParams): Promise<TokenAnswer> => {
  const refusal = clientRefusal(world, header, form);
  const place = placeOf(null);
  if (refusal !== null) return { answer: refusal, place };
  const type = form.get('grant_type');
  if (type === 'refresh_token') return refresh(world, ids, form);
  if (type !== 'authorization_code')
    return { answer: oauthError(400, 'unsupported_grant_type', `Invalid grant_type: ${type ?? ''}`), place };
  const instead = insteadOf(world, place, false);
  return instead === null ? exchange(world, ids, form) : { answer: instead, place };
};

/** `POST /revoke`: either kind of token ends the whole grant of its person. */
export const revokeAnswer = ({ grants }: World, query: URLSearchParams, form: URLSearchParams): GoogleAnswer => {
  const token = query.get('token') ?? form.get('token') ?? '';
  return grants.revokeToken(token) ? answered({}) : oauthError(400, 'invalid_token', 'Token expired or revoked');
};
