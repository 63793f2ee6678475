import type * as oauth from 'oauth4webapi';
import { instant, type Clock, SECOND } from '../../kernel/clock.js';
import { type Lane } from '../budget.js';
import { type Call, ProviderFault } from '../calendar-provider.js';
import { textOf } from './answer.text.js';
import { type GuardedHttp } from './guarded.http.js';

const LARGEST = 1024 * 1024;

type Fetch = (url: string, options: Readonly<{ headers: Readonly<Record<string, string>>; body?: unknown }>) => Promise<Response>;

/** Where a vendor renews and exchanges tokens; `vendor`: its name for messages. */
type Endpoint = Readonly<{ http: GuardedHttp; url: string; vendor: string }>;

/** A request to a token endpoint. `repeatable` as of any request: a code is good for one answer, a refresh token for many or, once one is lost, for none. */
export type TokenRequest = Readonly<{ call: Call; lane: Lane; repeatable: boolean }>;

/** The library’s requests to a token endpoint, over the one guarded transport. A failure of the server is no answer: nothing is known to have happened. */
export const fetchOver =
  ({ http, url, vendor }: Endpoint, { call, lane, repeatable }: TokenRequest): Fetch =>
  (_, { headers, body }) =>
    http.request(
      { method: 'POST', url, headers, body: String(body), credentials: null, lane, repeatable, maxBytes: LARGEST },
      call,
      async (response): Promise<Response> => {
        const { status } = response;
        if (status >= 500 || status < 200) throw new ProviderFault('unavailable', `${vendor} answers ${status}`);
        const text = await textOf(response);
        const kept = ['content-type', 'www-authenticate'].flatMap((name) => {
          const value = response.header(name);
          return value === null ? [] : [[name, value] as [string, string]];
        });
        return new Response([204, 205, 304].includes(status) ? null : text, { status, headers: kept });
      },
    );

/** What an answer’s id_token claims, before anything of it was checked; nothing where it has none. */
export const claimsIn = async (response: Response): Promise<Readonly<Record<string, unknown>>> => {
  try {
    const { id_token: token } = (await response.clone().json()) as Readonly<{ id_token?: string }>;
    const claims = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as unknown;
    return typeof claims === 'object' && claims !== null ? (claims as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};

/** Until when a token is good where the vendor does not say. */
const USUAL_LIFE = 3_600;

export type Tokens = Readonly<{ accessToken: string; refreshToken: string; expiresAt: string; scope: string }>;

/** Tokens as they are kept; what the answer leaves out stays as it was before. */
export const tokensOf = (
  clock: Clock,
  answer: oauth.TokenEndpointResponse,
  before: Readonly<{ refreshToken: string; scope: string }>,
): Tokens => ({
  accessToken: answer.access_token,
  refreshToken: answer.refresh_token ?? before.refreshToken,
  expiresAt: instant(clock.now() + (answer.expires_in ?? USUAL_LIFE) * SECOND),
  scope: answer.scope ?? before.scope,
});
