import { createHash, randomUUID } from 'node:crypto';
import { SECOND } from '../../kernel/clock.js';
import { type SandboxAnswer } from '../exchange.js';
import { type Json } from '../json.js';
import { type Consent } from '../oauth/grants.js';
import { type IdTokens } from '../oauth/id-tokens.keys.js';
import { credentialsOf, type Headers, isSame, verifies } from '../oauth/proofs.crypto.js';
import { PERSONAL_TENANT } from './account.js';
import { type Place } from './faults.js';
import { type Person } from './mailboxes.js';
import { aadsts, answered } from './oauth.answers.js';
import { objectIdOf } from './people.js';
import { grantedText, scopesNamed } from './scopes.js';
import { isOfTenant } from './tenants.js';
import { type World } from './world.js';

/** An answer of the token endpoint, and whose tokens it is about. */
export type TokenAnswer = Readonly<{ answer: SandboxAnswer; place: Place }>;

/** A request to the token endpoint of a tenant. */
export type TokenRequest = Readonly<{ tenant: string; header: Headers; form: URLSearchParams }>;

const refused = ({ clock }: World, number: number, seconds?: number): SandboxAnswer =>
  aadsts(number, { now: clock.now(), id: randomUUID(), ...(seconds === undefined ? {} : { seconds }) });

const clientRefusal = (world: World, { header, form }: TokenRequest): SandboxAnswer | null => {
  const { id, secret } = credentialsOf(header, form);
  if (id !== world.client.id) return refused(world, 700016);
  if (secret === null) return refused(world, 7000218);
  return isSame(secret, world.client.secret) ? null : refused(world, 7000215);
};

/** The AADSTS number for which the code of a consent is not exchanged; null when it is. */
const codeRefusal = (consent: Consent, form: URLSearchParams): number | null => {
  const redirectUri = form.get('redirect_uri');
  if (redirectUri === null || !URL.canParse(redirectUri) || new URL(redirectUri).href !== consent.redirectUri) return 50011;
  const verifier = form.get('code_verifier');
  if (consent.challenge === null) return null;
  return verifier !== null && verifies(verifier, consent.challenge) ? null : 501481;
};

type Issued = Readonly<{ person: Person; scopes: readonly string[]; nonce: string | null }>;

/** A person is another subject to each client. */
const subjectOf = (client: string, email: string): string => createHash('sha256').update(`${client} ${email}`).digest('base64url');

const claimsOf = ({ client, clock, origin }: World, { person, scopes, nonce }: Issued): Json => {
  const now = Math.floor(clock.now() / SECOND);
  return {
    aud: client.id,
    iss: `${origin()}/${person.tenant}/v2.0`,
    iat: now,
    nbf: now,
    exp: now + 3_600,
    ...(scopes.includes('email') ? { email: person.email } : {}),
    ...(scopes.includes('profile') ? { name: person.fullName, oid: objectIdOf(person.email), preferred_username: person.email } : {}),
    ...(nonce === null ? {} : { nonce }),
    sub: subjectOf(client.id, person.email),
    tid: person.tenant,
    ver: '2.0',
  };
};

const issue = async (world: World, ids: IdTokens, issued: Issued): Promise<SandboxAnswer> => {
  const { person, scopes } = issued;
  const held = { account: person.email, scopes };
  const { token, seconds } = world.grants.access(held);
  const isOffline = scopes.includes('offline_access');
  const without = isOffline && world.faults.take('no-refresh-token', placeOf(person.email)) !== null;
  return answered({
    token_type: 'Bearer',
    scope: grantedText(scopes, person.tenant === PERSONAL_TENANT),
    expires_in: seconds,
    ext_expires_in: seconds,
    access_token: token,
    ...(isOffline && !without ? { refresh_token: world.grants.refreshToken(held) } : {}),
    ...(scopes.includes('openid') ? { id_token: await ids.sign(claimsOf(world, issued)) } : {}),
  });
};

const placeOf = (account: string | null): Place => ({ account, calendar: null, on: 'token' });

/** What one of the switched-on faults answers instead of the truth. */
const insteadOf = (world: World, place: Place, isRefresh: boolean): SandboxAnswer | null => {
  const { faults } = world;
  const unavailable = faults.take('unavailable', place);
  if (unavailable !== null) {
    const wait = unavailable.retryAfter === null ? {} : { 'retry-after': String(unavailable.retryAfter) };
    const headers = { 'content-type': 'text/html; charset=utf-8', ...wait };
    return { status: unavailable.status, headers, body: '<!doctype html><title>Service unavailable</title>' };
  }
  if (faults.take('broken', place) !== null) return { status: 500, headers: {}, body: '' };
  const client = faults.take('client-refused', place);
  if (client !== null) return refused(world, client.number);
  const grant = isRefresh ? faults.take('grant-refused', place) : null;
  return grant === null ? null : refused(world, grant.number, grant.seconds);
};

/** Tokens for somebody who signs in at this tenant. */
const issueAt = (world: World, ids: IdTokens, tenant: string, held: Readonly<{ account: string }> & Omit<Issued, 'person'>) => {
  const person = world.mailboxes.person(held.account);
  if (person === null || !isOfTenant(person, tenant)) return refused(world, 50020);
  return issue(world, ids, { person, scopes: held.scopes, nonce: held.nonce });
};

const exchange = async (world: World, ids: IdTokens, { tenant, form }: TokenRequest, used: Set<string>): Promise<TokenAnswer> => {
  const code = form.get('code') ?? '';
  const consent = world.grants.redeem(code);
  const place = placeOf(consent?.account ?? null);
  if (consent === null) return { answer: refused(world, used.has(code) ? 54005 : 70008), place };
  used.add(code);
  const number = codeRefusal(consent, form);
  return { answer: number === null ? await issueAt(world, ids, tenant, consent) : refused(world, number), place };
};

const refresh = async (world: World, ids: IdTokens, { tenant, form }: TokenRequest): Promise<TokenAnswer> => {
  // Another refresh token comes with every renewal; the earlier ones stay good.
  const held = world.grants.byRefresh(form.get('refresh_token') ?? '');
  const place = placeOf(held?.account ?? null);
  const instead = insteadOf(world, place, true);
  if (instead !== null || held === null) return { answer: instead ?? refused(world, 50173), place };
  const asked = form.get('scope') === null ? held.scopes : scopesNamed(form.get('scope') ?? '');
  if (asked === null) return { answer: refused(world, 70011), place };
  if (asked.some((scope) => !held.scopes.includes(scope))) return { answer: refused(world, 65001), place };
  return { answer: await issueAt(world, ids, tenant, { ...held, nonce: null }), place };
};

/** `POST /{tenant}/oauth2/v2.0/token`. */
export const tokenEndpoint = (world: World, ids: IdTokens) => {
  const used = new Set<string>();
  return async (request: TokenRequest): Promise<TokenAnswer> => {
    const place = placeOf(null);
    const refusal = clientRefusal(world, request);
    if (refusal !== null) return { answer: refusal, place };
    const type = request.form.get('grant_type');
    if (type === 'refresh_token') return refresh(world, ids, request);
    if (type !== 'authorization_code') return { answer: refused(world, 70003), place };
    const instead = insteadOf(world, place, false);
    return instead === null ? exchange(world, ids, request, used) : { answer: instead, place };
  };
};
