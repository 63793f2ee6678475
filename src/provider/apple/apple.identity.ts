import { createHash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type Secret } from '../../kernel/vault.js';
import { type Call, type CalendarProvider, ProviderFault } from '../calendar-provider.js';
import { type Identified, type Identity } from '../identity.js';
import { OAuthRefused } from '../oauth.js';
import { appleClient, type AppleClient, type AppleOptions } from './apple.client.js';
import { type AppleSettings } from './apple-settings.js';

/** Ties Apple's token to the attempt, because Apple does not say that it knows PKCE: what is unknown there is ignored (RFC 6749 3.1). */
const nonceOf = (verifier: string): string => createHash('sha256').update(`nonce ${verifier}`).digest('base64url');

/** Apple posts its answer as a form where a name or an address is asked for; the address is offered as the user name of the next step. */
const authorizationUrl =
  ({ idUrl, clientId }: AppleSettings): Identity['authorizationUrl'] =>
  ({ redirectUri, state, verifier }) => {
    const url = new URL(`${idUrl}/auth/authorize`);
    const parameters = {
      ...{ response_type: 'code', response_mode: 'form_post', client_id: clientId, redirect_uri: redirectUri },
      ...{ scope: 'email', state, nonce: nonceOf(verifier) },
      ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  };

/** An address that Apple made up forwards mail, opens no account and names no person. */
const isRelay = ({ email, is_private_email: isPrivate }: oauth.IDToken): boolean =>
  isPrivate === true || isPrivate === 'true' || (typeof email === 'string' && /@privaterelay\.appleid\.com$/i.test(email));

const identified = (claims: oauth.IDToken, refreshToken: string, { caldavUrl }: AppleSettings): Identified => {
  const { sub: subject, email, email_verified: isVerified } = claims;
  const isKnown = typeof email === 'string' && (isVerified === true || isVerified === 'true') && !isRelay(claims);
  const where: Secret = caldavUrl === null ? {} : { serverUrl: caldavUrl };
  return { subject, username: isKnown ? email : null, secret: { identitySubject: subject, identityToken: refreshToken, ...where } };
};

const failed = (detail: string): OAuthRefused => new OAuthRefused('oauth.failed', detail);

const AGAIN = 'Begin again.';

const CLIENT = 'Apple refuses the client: check APPLE_CLIENT_ID, APPLE_TEAM_ID, APPLE_KEY_ID and the key in APPLE_PRIVATE_KEY_FILE';

/** The client, its key or an address of this service: only the operator can mend it. */
const operators = (mend: string): OAuthRefused =>
  new OAuthRefused(
    'oauth.failed',
    'Sign in with Apple is not set up rightly here; its operator is told. Nothing was connected.',
    true,
    mend,
  );

/** Why a sign-in is none; null where the failure is no word of Apple's. */
const refusalOf = (error: unknown): Error | null => {
  if (error instanceof ProviderFault || error instanceof OAuthRefused) return null;
  if (error instanceof oauth.AuthorizationResponseError)
    return error.error === 'user_cancelled_authorize' || error.error === 'access_denied'
      ? new OAuthRefused('oauth.denied', 'You cancelled the sign-in at Apple. Nothing was connected.')
      : failed(`Apple could not complete this sign-in. ${AGAIN}`);
  if (error instanceof oauth.ResponseBodyError) {
    if (error.error === 'invalid_grant')
      return new OAuthRefused('oauth.expired', `Apple’s answer was used already or is too old. ${AGAIN}`);
    if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return operators(CLIENT);
    return failed(`Apple could not complete this sign-in. ${AGAIN}`);
  }
  // The library's own errors hold what it was given.
  return error instanceof oauth.OperationProcessingError || error instanceof TypeError
    ? failed(`Apple’s answer does not prove who signed in. ${AGAIN}`)
    : null;
};

const complete =
  (client: AppleClient, { apple }: AppleOptions): Identity['complete'] =>
  async ({ parameters, state, redirectUri, verifier }, call) => {
    const { as, client: us, authentication } = client;
    try {
      const code = oauth.validateAuthResponse(as, us, parameters, state);
      const options = client.options(call, state);
      const response = await oauth.authorizationCodeGrantRequest(as, us, authentication(), code, redirectUri, verifier, options);
      const checks = { expectedNonce: nonceOf(verifier), requireIdToken: true };
      const answer = await oauth.processAuthorizationCodeResponse(as, us, response, checks);
      await oauth.validateApplicationLevelSignature(as, response, options);
      const claims = oauth.getValidatedIdTokenClaims(answer);
      if (claims === undefined || answer.refresh_token === undefined)
        throw failed(`Apple’s answer lacks what proves who signed in. ${AGAIN}`);
      return identified(claims, answer.refresh_token, apple);
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  };

/** Ends the sign-in at Apple. A token that Apple does not know any more is one that has ended. */
const end = async (client: AppleClient, { identityToken, identitySubject = '' }: Secret, call: Call): Promise<void> => {
  if (identityToken === undefined) return;
  const form = { token: identityToken, token_type_hint: 'refresh_token' };
  const answer = await client.post('/auth/revoke', form, call, identitySubject);
  if (answer.status < 300) return;
  if (answer.status !== 400) throw new ProviderFault('malformed', `Apple answers ${answer.status} where a sign-in is ended`);
  if ((await answer.text()).includes('"invalid_client"')) throw new ProviderFault('misconfigured', CLIENT);
};

/**
 * iCloud with Sign in with Apple before the password: who somebody is, not what is in their calendars, which Apple opens by an app-specific password
 * alone. Added to the secret: `{ identitySubject, identityToken }`. The sign-in is ended at Apple with the connection; the password is its owner's to end.
 */
export const withSignIn = (icloud: CalendarProvider, options: AppleOptions): CalendarProvider => {
  const client = appleClient(options);
  return {
    ...icloud,
    identity: { authorizationUrl: authorizationUrl(options.apple), complete: complete(client, options) },
    revoke: async (secret, call) => {
      await end(client, secret, call);
      return icloud.revoke(secret, call);
    },
  };
};
