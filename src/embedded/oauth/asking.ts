import { type SandboxAnswer } from '../exchange.js';
import { type Consent } from './grants.js';
import { refusalPage } from './page.js';

/** The application that asks people. A redirect goes to an address of this list, or to this machine (RFC 8252 7.3). */
export type Client = Readonly<{ id: string; secret: string; redirectUris: readonly string[] }>;

/** Where a person is sent back to. */
export type Returning = Readonly<{ redirectUri: URL; state: string | null }>;

/** Browsers hold every address the answer is redirected on to against what the form may lead to, and the client sends people on to its web app. */
export const ANYWHERE = 'http: https:';

/** A page that keeps what its address holds to itself. `formTarget`: where its form may lead to beside this origin. */
export const html = (status: number, body: string, formTarget: string): SandboxAnswer => ({
  status,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${formTarget}; frame-ancestors 'none'; base-uri 'none'`,
  },
  body,
});

/** A person is not sent back. */
export const blocked = (status: number, error: string, words: string): SandboxAnswer => html(status, refusalPage(status, error, words), '');

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Where a person may be sent back to: an address that was registered, or this machine. */
export const redirectOf = (text: string | null, { redirectUris }: Client): URL | null => {
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hash !== '') return null;
  const isHere = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
  return isHere || redirectUris.includes(text ?? '') ? url : null;
};

/** Null when it is none that RFC 7636 knows. */
export const challengeOf = (query: URLSearchParams): Readonly<{ challenge: Consent['challenge'] }> | null => {
  const value = query.get('code_challenge');
  if (value === null) return { challenge: null };
  const method = query.get('code_challenge_method') ?? 'plain';
  return /^[A-Za-z0-9._~-]{43,128}$/.test(value) && (method === 'S256' || method === 'plain') ? { challenge: { value, method } } : null;
};

/** Back to the client, with its `state`. */
export const sentBack = ({ redirectUri, state }: Returning, parameters: Readonly<Record<string, string>>): SandboxAnswer => {
  const location = new URL(redirectUri);
  for (const [name, value] of Object.entries({ ...(state === null ? {} : { state }), ...parameters }))
    location.searchParams.set(name, value);
  return { status: 302, headers: { location: location.href, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }, body: '' };
};
