import { createPrivateKey, sign } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type Clock, MINUTE, SECOND } from '../../kernel/clock.js';
import { type Lane } from '../budget.js';
import { type Call, ProviderFault } from '../calendar-provider.js';
import { textOf } from '../http/answer.text.js';
import { type GuardedHttp, type GuardedRequest, type HttpResponse } from '../http/guarded.http.js';
import { type AppleSettings } from './apple-settings.js';

export type AppleOptions = Readonly<{ http: GuardedHttp; clock: Clock; apple: AppleSettings }>;

/** Apple's answers here have some kilobytes. */
const LARGEST = 256 * 1024;

/** Apple states no number; people sign in one by one. */
const laneOf = (name: string): Lane => ({ account: `apple sign-in ${name}`, aMinute: 60, atOnce: null });

/** Apple takes a client secret of up to six months; one that is made for a request is good for as long as clocks may differ. */
const SECRET_LIFE = 10 * MINUTE;

const base64url = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');

/**
 * What the client proves itself with: a JWT signed with ES256 (RFC 7518 3.4), made for each request.
 * developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
const clientSecret = ({ clientId, teamId, keyId, privateKey, idUrl }: AppleSettings, now: number): string => {
  const [issued, expires] = [now - MINUTE, now + SECRET_LIFE].map((at) => Math.floor(at / SECOND));
  const claims = { iss: teamId, iat: issued, exp: expires, aud: idUrl, sub: clientId };
  const signed = `${base64url({ alg: 'ES256', kid: keyId, typ: 'JWT' })}.${base64url(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
};

const answered = async (response: HttpResponse): Promise<Response> => {
  const { status } = response;
  if (status >= 500 || status < 200) throw new ProviderFault('unavailable', `Apple answers ${status}`);
  const text = await textOf(response);
  const type = response.header('content-type');
  return new Response([204, 205, 304].includes(status) ? null : text, { status, headers: type === null ? {} : { 'content-type': type } });
};

/** Apple's token endpoint, as this client calls it. */
export type AppleClient = Readonly<{
  as: oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: () => oauth.ClientAuth;
  /** The library's requests, over the one guarded transport. `name`: whose budget they are taken out of. */
  options: (call: Call, name: string) => oauth.TokenEndpointRequestOptions & oauth.ValidateSignatureOptions;
  /** Posts a form of the client; the answer's status and text. A failure of the server is `unavailable`. */
  post: (path: string, form: Readonly<Record<string, string>>, call: Call, name: string) => Promise<Response>;
}>;

export const appleClient = ({ http, clock, apple }: AppleOptions): AppleClient => {
  const { idUrl, clientId } = apple;
  const common = { credentials: null, maxBytes: LARGEST };
  // The library would refuse plain http, which a simulator on this machine has; the transport's guard decides where it is called.
  const secure = (path: string): string => `${idUrl}${path}`.replace(/^http:/, 'https:');
  const authentication = () => oauth.ClientSecretPost(clientSecret(apple, clock.now()));
  type Sent = Pick<GuardedRequest, 'method' | 'headers' | 'body'> & Readonly<{ path: string }>;
  const send = ({ path, ...sent }: Sent, call: Call, name: string) =>
    http.request({ ...common, ...sent, url: `${idUrl}${path}`, lane: laneOf(name) }, call, answered);
  return {
    as: {
      ...{ issuer: idUrl, token_endpoint: secure('/auth/token'), jwks_uri: secure('/auth/keys') },
      id_token_signing_alg_values_supported: ['RS256'],
    },
    // Machines’ clocks differ by minutes.
    client: { client_id: clientId, [oauth.clockTolerance]: 300 },
    authentication,
    options: (call, name) => ({
      [oauth.customFetch]: (
        url: string,
        { method, headers, body }: Readonly<{ method: string; headers: Record<string, string>; body?: unknown }>,
      ) => {
        const { pathname } = new URL(url);
        const isRead = method === 'GET';
        return send({ path: pathname, method: isRead ? 'GET' : 'POST', headers, body: isRead ? null : String(body) }, call, name);
      },
    }),
    post: (path, form, call, name) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
      const secret = { client_id: clientId, client_secret: clientSecret(apple, clock.now()) };
      const body = new URLSearchParams({ ...form, ...secret }).toString();
      return send({ path, method: 'POST', headers, body }, call, name);
    },
  };
};
