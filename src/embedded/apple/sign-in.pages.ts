import { createHash, randomBytes } from 'node:crypto';
import { MINUTE } from '../../kernel/clock.js';
import { type SandboxAnswer } from '../exchange.js';
import { ANYWHERE, blocked, html, redirectOf, sentBack } from '../oauth/asking.js';
import { shownPeople } from '../oauth/page.js';
import { postingPage, signInPage } from './sign-in-page.js';
import { type AppleWorld } from './world.js';

const CLIENT_NAME = 'Juy Calendar (sandbox)';

const PAGE_LIFE = 10 * MINUTE;

/** Apple's codes are good for five minutes. */
const CODE_LIFE = 5 * MINUTE;

type Asking = Readonly<{
  redirectUri: URL;
  state: string | null;
  nonce: string | null;
  asksEmail: boolean;
  isPosted: boolean;
  expiresAt: number;
}>;

const askingOf = ({ client, clock }: AppleWorld, query: URLSearchParams): Asking | SandboxAnswer => {
  if (query.get('client_id') !== client.clientId) return blocked(400, 'invalid_client', 'Invalid client id.');
  const redirectUri = redirectOf(query.get('redirect_uri'), { id: client.clientId, secret: '', redirectUris: client.redirectUris });
  if (redirectUri === null) return blocked(400, 'invalid_request', 'Invalid web redirect url.');
  const types = (query.get('response_type') ?? '').split(' ');
  if (!types.includes('code') || types.some((type) => type !== 'code' && type !== 'id_token'))
    return blocked(400, 'unsupported_response_type', 'The response type is not supported.');
  const scopes = (query.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (scopes.some((scope) => !['name', 'email', 'openid'].includes(scope))) return blocked(400, 'invalid_scope', 'Invalid scope.');
  const asksMore = scopes.includes('name') || scopes.includes('email');
  const mode = query.get('response_mode') ?? 'query';
  if (asksMore && mode !== 'form_post')
    return blocked(400, 'invalid_request', 'response_mode must be form_post when name or email scope is requested.');
  if (mode !== 'form_post' && mode !== 'query') return blocked(400, 'invalid_request', 'The response mode is not supported.');
  const [state, nonce] = [query.get('state'), query.get('nonce')];
  const asked = { asksEmail: scopes.includes('email'), isPosted: mode === 'form_post', expiresAt: clock.now() + PAGE_LIFE };
  return { redirectUri, state, nonce, ...asked };
};

const SUBMIT = 'document.forms[0].submit()';
const SUBMIT_HASH = `'sha256-${createHash('sha256').update(SUBMIT).digest('base64')}'`;

/** The answer to the client, by a form that its page posts or by a redirect. */
const returned = ({ redirectUri, state, isPosted }: Asking, fields: Readonly<Record<string, string>>): SandboxAnswer => {
  if (!isPosted) return sentBack({ redirectUri, state }, fields);
  const answer = html(200, postingPage(redirectUri.href, { ...(state === null ? {} : { state }), ...fields }, SUBMIT), ANYWHERE);
  const policy = answer.headers['content-security-policy'] ?? '';
  return { ...answer, headers: { ...answer.headers, 'content-security-policy': `${policy}; script-src ${SUBMIT_HASH}` } };
};

const decided = (world: AppleWorld, asking: Asking, form: URLSearchParams, isFirst: (email: string) => boolean): SandboxAnswer => {
  if (form.get('decision') !== 'allow') return returned(asking, { error: 'user_cancelled_authorize' });
  const person = world.people.find(({ email }) => email === form.get('account'));
  if (person === undefined) return blocked(400, 'invalid_request', 'There is no such account.');
  const code = randomBytes(24).toString('base64url');
  const { nonce, asksEmail, redirectUri } = asking;
  const hidesEmail = form.get('email') === 'hide';
  world.codes.set(code, { person, hidesEmail, asksEmail, nonce, redirectUri: redirectUri.href, expiresAt: world.clock.now() + CODE_LIFE });
  // Name and address come once in a person's life with an application, and never again.
  const user = isFirst(person.email) && asking.isPosted ? { user: JSON.stringify({ email: person.email }) } : {};
  return returned(asking, { code, ...user });
};

/** The two steps of signing in: the page, and what a person decided on it. */
export const signInPages = (world: AppleWorld) => {
  const askings = new Map<string, Asking>();
  const seen = new Set<string>();
  const isFirst = (email: string): boolean => !seen.has(email) && seen.add(email).has(email);
  return {
    ask: (query: URLSearchParams): SandboxAnswer => {
      const asking = askingOf(world, query);
      if ('status' in asking) return asking;
      const id = randomBytes(16).toString('base64url');
      askings.set(id, asking);
      const people = shownPeople(world.people, null);
      return html(200, signInPage({ asking: id, client: CLIENT_NAME, people, asksEmail: asking.asksEmail }), ANYWHERE);
    },
    decide: (form: URLSearchParams): SandboxAnswer => {
      const id = form.get('asking') ?? '';
      const asking = askings.get(id);
      askings.delete(id);
      if (asking === undefined || asking.expiresAt <= world.clock.now())
        return blocked(400, 'invalid_request', 'This page was answered already, or is too old. Begin again where you came from.');
      return decided(world, asking, form, isFirst);
    },
  };
};
