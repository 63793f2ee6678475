import { randomBytes } from 'node:crypto';
import { MINUTE } from '../../kernel/clock.js';
import { type GoogleAnswer } from './answers.js';
import { consentPage } from './consent-page.js';
import { ANYWHERE, blocked, challengeOf, html, redirectOf, sentBack } from '../oauth/asking.js';
import { type Consent } from '../oauth/grants.js';
import { shownPeople } from '../oauth/page.js';
import { isSignIn, scopesNamed, wordsOf } from './scopes.js';
import { type World } from './world.js';

/** What the operator of a real client would have written into Google's branding page. */
const CLIENT_NAME = 'Juy Calendar (sandbox)';

/** A person on the consent page. */
type Asking = Readonly<{
  redirectUri: URL;
  scopes: readonly string[];
  state: string | null;
  challenge: Consent['challenge'];
  nonce: string | null;
  offline: boolean;
  alwaysOffline: boolean;
  includeGranted: boolean;
  expiresAt: number;
}>;

/** The two steps of asking a person: the page, and what they decided on it. */
export type Authorizer = Readonly<{ ask: (query: URLSearchParams) => GoogleAnswer; decide: (form: URLSearchParams) => GoogleAnswer }>;

const PAGE_LIFE = 10 * MINUTE;

const askingOf = ({ client, clock }: World, query: URLSearchParams): Asking | GoogleAnswer => {
  if (query.get('client_id') !== client.id) return blocked(401, 'invalid_client', 'The OAuth client was not found.');
  const redirectUri = redirectOf(query.get('redirect_uri'), client);
  if (redirectUri === null)
    return blocked(400, 'redirect_uri_mismatch', 'The address to be sent back to is not registered for this client.');
  if (query.get('response_type') !== 'code') return blocked(400, 'unsupported_response_type', 'Only an authorization code is given.');
  const scopes = scopesNamed(query.get('scope') ?? '');
  if (scopes === null) return blocked(400, 'invalid_scope', 'Some requested scopes were invalid.');
  if (scopes.length === 0) return blocked(400, 'invalid_request', 'Missing required parameter: scope');
  const challenge = challengeOf(query);
  if (challenge === null) return blocked(400, 'invalid_request', 'The code challenge is not one.');
  return {
    redirectUri,
    scopes,
    state: query.get('state'),
    ...challenge,
    nonce: query.get('nonce'),
    offline: query.get('access_type') === 'offline',
    alwaysOffline: (query.get('prompt') ?? '').split(' ').includes('consent'),
    includeGranted: query.get('include_granted_scopes') === 'true',
    expiresAt: clock.now() + PAGE_LIFE,
  };
};

const decided = (world: World, asking: Asking, form: URLSearchParams): GoogleAnswer => {
  const account = form.get('account') ?? '';
  if (form.get('decision') !== 'allow') return sentBack(asking, { error: 'access_denied' });
  if (world.calendars.person(account) === null) return blocked(400, 'invalid_request', 'There is no such account.');
  if (world.faults.take('admin-blocked', { account, calendar: null, on: 'token' }) !== null)
    return blocked(400, 'admin_policy_enforced', 'Your organisation does not let its people use this application.');
  const ticked = new Set(form.getAll('scope'));
  const allowed = asking.scopes.filter((scope) => isSignIn(scope) || ticked.has(scope));
  if (allowed.length === 0) return sentBack(asking, { error: 'access_denied' });
  const earlier = asking.includeGranted ? world.grants.granted(account) : [];
  const scopes = [...new Set([...allowed, ...earlier])];
  const { redirectUri, challenge, nonce } = asking;
  const offline = asking.offline && (asking.alwaysOffline || !world.grants.hasRefreshToken(account));
  const code = world.grants.code({ account, scopes, redirectUri: redirectUri.href, challenge, nonce, offline });
  return sentBack(asking, { iss: world.origin(), code, scope: scopes.join(' '), authuser: '0', prompt: 'consent' });
};

export const authorizer = (world: World): Authorizer => {
  const askings = new Map<string, Asking>();
  return {
    ask: (query) => {
      const asking = askingOf(world, query);
      if ('status' in asking) return asking;
      const id = randomBytes(16).toString('base64url');
      askings.set(id, asking);
      const shown = shownPeople(world.calendars.people(), query.get('login_hint'));
      const scopes = asking.scopes.flatMap((scope) => {
        const words = wordsOf(scope);
        return words === null ? [] : [{ scope, words }];
      });
      const { origin } = asking.redirectUri;
      return html(200, consentPage({ asking: id, client: CLIENT_NAME, redirectOrigin: origin, people: shown, scopes }), ANYWHERE);
    },
    decide: (form) => {
      const id = form.get('asking') ?? '';
      const asking = askings.get(id);
      askings.delete(id);
      if (asking === undefined || asking.expiresAt <= world.clock.now())
        return blocked(400, 'invalid_request', 'This page was answered already, or is too old. Begin again where you came from.');
      return decided(world, asking, form);
    },
  };
};
