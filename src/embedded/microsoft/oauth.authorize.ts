import { randomBytes } from 'node:crypto';
import { MINUTE } from '../../kernel/clock.js';
import { type SandboxAnswer } from '../exchange.js';
import { ANYWHERE, blocked, challengeOf, html, redirectOf, sentBack } from '../oauth/asking.js';
import { type Consent } from '../oauth/grants.js';
import { shownPeople } from '../oauth/page.js';
import { PERSONAL_TENANT } from './account.js';
import { approvalPage, consentPage } from './consent-page.js';
import { grantable, scopesNamed, wordsOf } from './scopes.js';
import { isOfTenant } from './tenants.js';
import { type World } from './world.js';

/** What the operator of a real client would have written into the app registration. */
const CLIENT_NAME = 'Juy Calendar (sandbox)';

/** A person on the consent page. */
type Asking = Readonly<{
  tenant: string;
  redirectUri: URL;
  scopes: readonly string[];
  state: string | null;
  challenge: Consent['challenge'];
  nonce: string | null;
  expiresAt: number;
}>;

/** The two steps of asking a person at a tenant: the page, and what they decided on it. */
export type Authorizer = Readonly<{
  ask: (tenant: string, query: URLSearchParams) => SandboxAnswer;
  decide: (tenant: string, form: URLSearchParams) => SandboxAnswer;
}>;

const PAGE_LIFE = 10 * MINUTE;

const actionOf = ({ tenant }: Asking): string => `/${tenant}/oauth2/v2.0/authorize/decision`;

const askingOf = ({ client, clock }: World, tenant: string, query: URLSearchParams): Asking | SandboxAnswer => {
  if (query.get('client_id') !== client.id)
    return blocked(400, 'AADSTS700016', 'Application with identifier was not found in the directory.');
  const redirectUri = redirectOf(query.get('redirect_uri'), client);
  if (redirectUri === null)
    return blocked(
      400,
      'AADSTS50011',
      'The redirect URI specified in the request does not match the redirect URIs configured for the application.',
    );
  if (query.get('response_type') !== 'code') return blocked(400, 'AADSTS70005', 'Only an authorization code is given.');
  const state = query.get('state');
  const refused = (error: string, words: string): SandboxAnswer => sentBack({ redirectUri, state }, { error, error_description: words });
  const scopes = scopesNamed(query.get('scope') ?? '');
  if (scopes === null || scopes.length === 0)
    return refused('invalid_scope', 'AADSTS70011: The provided request must include a valid scope.');
  const challenge = challengeOf(query);
  if (challenge === null) return refused('invalid_request', 'AADSTS501491: Invalid size of code_challenge parameter.');
  if (query.get('prompt') === 'none')
    return refused('login_required', 'AADSTS50058: A silent sign-in request was sent but no user is signed in.');
  return { tenant, redirectUri, scopes, state, ...challenge, nonce: query.get('nonce'), expiresAt: clock.now() + PAGE_LIFE };
};

const DECLINED = {
  error: 'access_denied',
  error_subcode: 'cancel',
  error_description: 'AADSTS65004: User declined to consent to access the app.',
};

const ADMIN_ONLY = {
  error: 'access_denied',
  error_description:
    'AADSTS90094: An administrator of the organization has set a policy that prevents you from granting the app the permissions it is requesting.',
};

const accepted = (world: World, asking: Asking, account: string): SandboxAnswer => {
  const person = world.mailboxes.person(account);
  if (person === null || !isOfTenant(person, asking.tenant))
    return blocked(400, 'AADSTS50020', 'User account does not exist in this tenant and cannot access the application in that tenant.');
  const { scopes, redirectUri, challenge, nonce } = asking;
  const offline = scopes.includes('offline_access');
  // What was consented to before stays part of every later grant.
  const isPersonal = world.mailboxes.person(account)?.tenant === PERSONAL_TENANT;
  const granted = [...new Set([...grantable(scopes, isPersonal), ...world.grants.granted(account)])];
  const code = world.grants.code({ account, scopes: granted, redirectUri: redirectUri.href, challenge, nonce, offline });
  return sentBack(asking, { code, session_state: randomBytes(16).toString('hex') });
};

/** Keeps those who were shown a page until they answer it, once. */
const waiting = (world: World) => {
  const askings = new Map<string, Asking>();
  return {
    add: (asking: Asking): string => {
      const id = randomBytes(16).toString('base64url');
      askings.set(id, asking);
      return id;
    },
    take: (id: string): Asking | null => {
      const asking = askings.get(id);
      askings.delete(id);
      return asking === undefined || asking.expiresAt <= world.clock.now() ? null : asking;
    },
  };
};

export const authorizer = (world: World): Authorizer => {
  const askings = waiting(world);
  const aboutOf = (asking: Asking) => ({
    action: actionOf(asking),
    asking: askings.add(asking),
    client: CLIENT_NAME,
    redirectOrigin: asking.redirectUri.origin,
  });
  return {
    ask: (tenant, query) => {
      const asking = askingOf(world, tenant, query);
      if ('status' in asking) return asking;
      const people = world.mailboxes.people().filter((person) => isOfTenant(person, tenant));
      const shown = shownPeople(people, query.get('login_hint'));
      return html(200, consentPage({ ...aboutOf(asking), people: shown, permissions: asking.scopes.map(wordsOf) }), ANYWHERE);
    },
    decide: (_, form) => {
      const asking = askings.take(form.get('asking') ?? '');
      if (asking === null)
        return blocked(400, 'AADSTS900144', 'This page was answered already, or is too old. Begin again where you came from.');
      const [decision, account] = [form.get('decision'), form.get('account') ?? ''];
      if (decision === 'return') return sentBack(asking, ADMIN_ONLY);
      if (decision !== 'allow') return sentBack(asking, DECLINED);
      const needsAdmin = world.mailboxes.person(account)?.needsAdmin === true;
      return needsAdmin ? html(200, approvalPage(aboutOf(asking)), ANYWHERE) : accepted(world, asking, account);
    },
  };
};
