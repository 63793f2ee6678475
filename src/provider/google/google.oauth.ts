import { createHash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type Clock } from '../../kernel/clock.js';
import { type Secret } from '../../kernel/vault.js';
import { ProviderFault } from '../calendar-provider.js';
import { claimsIn, fetchOver, type TokenRequest, tokensOf } from '../http/token.endpoint.js';
import { type Granted, type OAuth, type OAuthAccess, OAuthRefused } from '../oauth.js';
import { refusedAnswer, refusedCode, refusedRefresh } from './google.oauth-errors.js';
import { type GoogleOptions, laneNamed, laneOf } from './google.options.js';
import { type GoogleSettings } from './google-settings.js';
import { accessGranted, scopesFor } from './google-scopes.js';

/** Google's own name; elsewhere than at Google an issuer goes by where its authorization page is. */
const GOOGLE = 'https://accounts.google.com';
const AUTHORIZATION_PATH = '/o/oauth2/v2/auth';

const issuerOf = ({ authUrl }: GoogleSettings): string =>
  authUrl.endsWith(AUTHORIZATION_PATH) ? authUrl.slice(0, -AUTHORIZATION_PATH.length) : new URL(authUrl).origin;

type Server = Readonly<{
  /** The authorization server by the one of its two names that is claimed; by its own where it is another. */
  as: (claimed: unknown) => oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: oauth.ClientAuth;
  /** For requests of one account. */
  options: (request: TokenRequest) => oauth.TokenEndpointRequestOptions;
}>;

const serverOf = ({ http, google }: GoogleOptions): Server => {
  const own = issuerOf(google);
  return {
    as: (claimed) => ({
      issuer: claimed === GOOGLE ? GOOGLE : own,
      authorization_endpoint: google.authUrl,
      // The library would refuse plain http, which a simulator on this machine has; the transport’s guard decides where it is called.
      token_endpoint: google.tokenUrl.replace(/^http:/, 'https:'),
    }),
    // Machines’ clocks differ by minutes.
    client: { client_id: google.clientId, [oauth.clockTolerance]: 300 },
    authentication: oauth.ClientSecretPost(google.clientSecret),
    options: (request) => ({ [oauth.customFetch]: fetchOver({ http, url: google.tokenUrl, vendor: 'Google' }, request) }),
  };
};

const scopeMissing = (): OAuthRefused =>
  new OAuthRefused(
    'oauth.scope-missing',
    'Google was not allowed to show the calendars and their events. Connect again and leave both boxes ticked.',
  );

const granted = (clock: Clock, answer: oauth.TokenEndpointResponse, asked: OAuthAccess): Granted => {
  const tokens = tokensOf(clock, answer, { refreshToken: '', scope: scopesFor(asked) });
  const scopes = tokens.scope.split(' ').filter((scope) => scope !== '');
  const access = accessGranted(scopes);
  if (access === null) throw scopeMissing();
  const claims = oauth.getValidatedIdTokenClaims(answer);
  if (tokens.refreshToken === '' || claims === undefined)
    throw new OAuthRefused('oauth.failed', 'Google’s answer lacks what a lasting connection needs. Connect again.');
  const { sub: subject, email, email_verified: isVerified } = claims;
  const named: Secret = typeof email === 'string' && isVerified === true ? { email } : {};
  return { secret: { ...tokens, subject, ...named }, accountId: subject, accountName: named['email'] ?? subject, scopes, access };
};

const authorizationUrl =
  ({ authUrl, clientId }: GoogleSettings): OAuth['authorizationUrl'] =>
  (asking) => {
    const url = new URL(authUrl);
    const parameters = {
      ...{
        response_type: 'code',
        client_id: clientId,
        redirect_uri: asking.redirectUri,
        scope: scopesFor(asking.access),
        state: asking.state,
      },
      ...{ code_challenge: createHash('sha256').update(asking.verifier).digest('base64url'), code_challenge_method: 'S256' },
      // Only `offline` brings a refresh token, and only `consent` brings one again to an account that was connected before.
      ...{ access_type: 'offline', prompt: 'consent', include_granted_scopes: 'true' },
      ...(asking.loginHint === null ? {} : { login_hint: asking.loginHint }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  };

type Work = Readonly<{ server: Server; clock: Clock }>;

const complete =
  ({ server, clock }: Work): OAuth['complete'] =>
  async ({ parameters, state, redirectUri, verifier, access }, call) => {
    const { as, client, authentication } = server;
    try {
      const known = as(parameters.get('iss'));
      const code = oauth.validateAuthResponse(known, client, parameters, state);
      const options = server.options({ call, lane: laneNamed(state), repeatable: false });
      const response = await oauth.authorizationCodeGrantRequest(known, client, authentication, code, redirectUri, verifier, options);
      const issuer = as((await claimsIn(response))['iss']);
      return granted(clock, await oauth.processAuthorizationCodeResponse(issuer, client, response, { requireIdToken: true }), access);
    } catch (error) {
      throw refusedAnswer(error) ?? refusedCode(error) ?? error;
    }
  };

const refresh =
  ({ server, clock }: Work): OAuth['refresh'] =>
  async (secret, call) => {
    const { refreshToken, scope = '' } = secret;
    if (refreshToken === undefined) throw new ProviderFault('access-revoked', 'there is no refresh token');
    const { as, client, authentication } = server;
    try {
      // What a lost answer has ended is lost with or without another try, and a connection that does not try waits for minutes.
      const options = server.options({ call, lane: laneOf(secret), repeatable: true });
      const response = await oauth.refreshTokenGrantRequest(as(null), client, authentication, refreshToken, options);
      const tokens = await oauth.processRefreshTokenResponse(as((await claimsIn(response))['iss']), client, response);
      return { ...secret, ...tokensOf(clock, tokens, { refreshToken, scope }) };
    } catch (error) {
      throw refusedRefresh(error) ?? error;
    }
  };

/** Google’s authorization server. Tokens are in no error: what the library throws is told in words of ours. */
export const googleOAuth = (options: GoogleOptions): OAuth => {
  const work = { server: serverOf(options), clock: options.clock };
  return { authorizationUrl: authorizationUrl(options.google), complete: complete(work), refresh: refresh(work) };
};
