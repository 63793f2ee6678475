import { createHash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type Clock } from '../../kernel/clock.js';
import { type Secret } from '../../kernel/vault.js';
import { ProviderFault } from '../calendar-provider.js';
import { claimsIn, fetchOver, type TokenRequest, tokensOf } from '../http/token.endpoint.js';
import { type Granted, type OAuth, type OAuthAccess, OAuthRefused } from '../oauth.js';
import { issuerFor } from './microsoft-issuer.js';
import { accessGranted, scopesFor } from './microsoft-scopes.js';
import { type MicrosoftSettings } from './microsoft-settings.js';
import { refusedRefresh, refusedSignIn } from './microsoft.oauth-errors.js';
import { laneNamed, laneOf, type MicrosoftOptions } from './microsoft.options.js';

const endpointOf = ({ loginUrl, tenant }: MicrosoftSettings, name: 'authorize' | 'token'): string =>
  `${loginUrl}/${encodeURIComponent(tenant)}/oauth2/v2.0/${name}`;

type Server = Readonly<{
  /** The authorization server by the name that it has to the account of whom something is claimed. */
  as: (claims: Readonly<Record<string, unknown>>) => oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: oauth.ClientAuth;
  /** For requests of one account. */
  options: (request: TokenRequest) => oauth.TokenEndpointRequestOptions;
}>;

const serverOf = ({ http, microsoft }: MicrosoftOptions): Server => {
  const url = endpointOf(microsoft, 'token');
  return {
    as: ({ tid, iss }) => ({
      // Without a tenant that may sign in, no issuer is the right one.
      issuer: issuerFor(microsoft, tid, iss) ?? `${microsoft.loginUrl}/`,
      // The library would refuse plain http, which a simulator on this machine has; the transport’s guard decides where it is called.
      token_endpoint: url.replace(/^http:/, 'https:'),
    }),
    // Machines’ clocks differ by minutes.
    client: { client_id: microsoft.clientId, [oauth.clockTolerance]: 300 },
    authentication: oauth.ClientSecretPost(microsoft.clientSecret),
    options: (request) => ({ [oauth.customFetch]: fetchOver({ http, url, vendor: 'Microsoft' }, request) }),
  };
};

const scopeMissing = (): OAuthRefused =>
  new OAuthRefused(
    'oauth.scope-missing',
    'Microsoft was not allowed to show the calendars. Connect again and accept all that is asked for.',
  );

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The account is known by tenant and object id, which are the same to every client; addresses are given to other people in time. */
const accountIn = (claims: oauth.IDToken): Readonly<{ subject: string; email: string | null }> | null => {
  const [tenant, person] = [text(claims['tid']), text(claims['oid'])];
  if (tenant === null || person === null) return null;
  return { subject: `${tenant}.${person}`, email: text(claims['preferred_username']) ?? text(claims['email']) };
};

const granted = (clock: Clock, answer: oauth.TokenEndpointResponse, asked: OAuthAccess): Granted => {
  const tokens = tokensOf(clock, answer, { refreshToken: '', scope: scopesFor(asked) });
  const scopes = tokens.scope.split(' ').filter((scope) => scope !== '');
  const access = accessGranted(scopes);
  if (access === null) throw scopeMissing();
  const claims = oauth.getValidatedIdTokenClaims(answer);
  const account = claims === undefined ? null : accountIn(claims);
  if (tokens.refreshToken === '' || account === null)
    throw new OAuthRefused('oauth.failed', 'Microsoft’s answer lacks what a lasting connection needs. Connect again.');
  const { subject, email } = account;
  const secret: Secret = { ...tokens, subject, ...(email === null ? {} : { email }) };
  return { secret, accountId: subject, accountName: email ?? subject, scopes, access };
};

const authorizationUrl =
  (settings: MicrosoftSettings): OAuth['authorizationUrl'] =>
  (asking) => {
    const url = new URL(endpointOf(settings, 'authorize'));
    const parameters = {
      ...{ response_type: 'code', response_mode: 'query', client_id: settings.clientId, redirect_uri: asking.redirectUri },
      ...{ scope: scopesFor(asking.access), state: asking.state },
      ...{ code_challenge: createHash('sha256').update(asking.verifier).digest('base64url'), code_challenge_method: 'S256' },
      // Without a choice, a browser that is signed in to one account would connect that one unseen.
      prompt: 'select_account',
      ...(asking.loginHint === null ? {} : { login_hint: asking.loginHint }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  };

type Work = Readonly<{ server: Server; clock: Clock }>;

/** The redirect names no tenant: it is held against the issuer that it claims itself, and the answer to its code against the account’s. */
const codeIn = ({ as, client }: Server, parameters: URLSearchParams, state: string): URLSearchParams => {
  const issuer = parameters.get('iss');
  const tid = issuer === null ? undefined : /([0-9a-f-]{36})\/v2\.0$/.exec(issuer)?.[1];
  return oauth.validateAuthResponse(as({ tid, iss: issuer }), client, parameters, state);
};

const complete =
  ({ server, clock }: Work): OAuth['complete'] =>
  async ({ parameters, state, redirectUri, verifier, access }, call) => {
    const { as, client, authentication } = server;
    try {
      const code = codeIn(server, parameters, state);
      const options = server.options({ call, lane: laneNamed(state), repeatable: false });
      const response = await oauth.authorizationCodeGrantRequest(as({}), client, authentication, code, redirectUri, verifier, options);
      const known = as(await claimsIn(response));
      return granted(clock, await oauth.processAuthorizationCodeResponse(known, client, response, { requireIdToken: true }), access);
    } catch (error) {
      throw refusedSignIn(error) ?? error;
    }
  };

/** A new refresh token comes with every renewal, and the newest is kept; earlier ones stay good, so that a lost answer costs nothing. */
const refresh =
  ({ server, clock }: Work): OAuth['refresh'] =>
  async (secret, call) => {
    const { refreshToken, scope = '' } = secret;
    if (refreshToken === undefined) throw new ProviderFault('access-revoked', 'there is no refresh token');
    const { as, client, authentication } = server;
    try {
      // What a lost answer has ended is lost with or without another try, and a connection that does not try waits for minutes.
      const options = server.options({ call, lane: laneOf(secret), repeatable: true });
      const response = await oauth.refreshTokenGrantRequest(as({}), client, authentication, refreshToken, options);
      const tokens = await oauth.processRefreshTokenResponse(as(await claimsIn(response)), client, response);
      return { ...secret, ...tokensOf(clock, tokens, { refreshToken, scope }) };
    } catch (error) {
      throw refusedRefresh(error) ?? error;
    }
  };

/** Microsoft’s authorization server (Entra ID, v2.0). Tokens are in no error: what the library throws is told in words of ours. */
export const microsoftOAuth = (options: MicrosoftOptions): OAuth => {
  const work = { server: serverOf(options), clock: options.clock };
  return { authorizationUrl: authorizationUrl(options.microsoft), complete: complete(work), refresh: refresh(work) };
};
