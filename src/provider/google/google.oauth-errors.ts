import * as oauth from 'oauth4webapi';
import { ProviderFault } from '../calendar-provider.js';
import { type OAuthRefusal, OAuthRefused } from '../oauth.js';

const CLIENT = 'check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, and that the client is there at the Google console';
const CONSENT = 'check the consent screen of the project at the Google console: its scopes, and who may use it';

/** Codes by which Google says that the operator has set up the client wrongly, with what to do about it. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['invalid_client', CLIENT],
  ['unauthorized_client', CLIENT],
  ['deleted_client', CLIENT],
  ['disabled_client', CLIENT],
  ['unsupported_grant_type', CLIENT],
  ['unsupported_response_type', CLIENT],
  [
    'redirect_uri_mismatch',
    'register the redirect address <PUBLIC_URL>/v1/calendar/oauth/google/callback for the client at the Google console',
  ],
  ['invalid_scope', CONSENT],
  ['org_internal', CONSENT],
  ['access_not_configured', 'enable the Google Calendar API for the project at the Google console'],
]);

/** What the operator has to mend, with Google's own code; null when the code says nothing of the operator. */
const mendOf = (code: string): string | null => {
  const mend = OPERATORS.get(code);
  return mend === undefined ? null : `Google answers ${code}: ${mend}`;
};

/** Codes by which Google says that it is in trouble itself, or asked too often. */
const PASSING = ['server_error', 'temporarily_unavailable', 'internal_failure', 'backend_error'];
const TOO_OFTEN = ['slow_down', 'rate_limit_exceeded', 'rateLimitExceeded', 'quota_exceeded'];

/** A policy of the person's organisation. */
const BY_POLICY = ['admin_policy_enforced', 'access_denied_by_admin'];

const WORDS = {
  denied: 'The connection was not allowed on Google’s page.',
  policy: 'Your organisation does not let this service read calendars. Its administrator can allow it.',
  expired: 'The sign-in took too long, or was used already. Connect again.',
  operator: 'This service is not set up correctly at Google. Its operator has to correct that; connecting again does not help.',
  failed: 'Google’s answer makes no sense. Connect again.',
};

const refused = (code: OAuthRefusal, detail: string): OAuthRefused => new OAuthRefused(code, detail);

/** What a code means that has no words of its own. */
const failed = (code: string): OAuthRefused => {
  const mend = mendOf(code);
  return mend === null ? refused('oauth.failed', WORDS.failed) : new OAuthRefused('oauth.failed', WORDS.operator, true, mend);
};

/** What the redirect brought instead of a code; null for an error of another kind. */
export const refusedAnswer = (error: unknown): OAuthRefused | null => {
  if (!(error instanceof oauth.AuthorizationResponseError)) return null;
  const { error: code } = error;
  if (code === 'access_denied') return refused('oauth.denied', WORDS.denied);
  if (BY_POLICY.includes(code)) return refused('oauth.admin-consent', WORDS.policy);
  return failed(code);
};

/** The `error` that an answer of the token endpoint gives; null for an error of another kind. A challenge is about the client, which it names. */
const codeOf = (error: unknown): string | null => {
  if (error instanceof oauth.ResponseBodyError) return error.error;
  return error instanceof oauth.WWWAuthenticateChallengeError ? 'invalid_client' : null;
};

/** What passes by itself, or null. */
const passing = (code: string): ProviderFault | null => {
  if (TOO_OFTEN.includes(code)) return new ProviderFault('throttled', 'Google says it is asked too often');
  return PASSING.includes(code) ? new ProviderFault('unavailable', 'Google cannot answer just now') : null;
};

const isSenseless = (error: unknown): boolean =>
  error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError;

/** Why a code was not exchanged; null for an error that is not the library's. */
export const refusedCode = (error: unknown): OAuthRefused | ProviderFault | null => {
  if (isSenseless(error)) return refused('oauth.failed', WORDS.failed);
  const code = codeOf(error);
  if (code === null) return null;
  if (code === 'invalid_grant') return refused('oauth.expired', WORDS.expired);
  return passing(code) ?? failed(code);
};

const DEAD = 'Google says that access was withdrawn, or has expired';
const SIGN_IN_AGAIN = 'the organisation asks for a new sign-in at Google from time to time';

/** Google's own hint that a policy of the organisation ended the session (`invalid_rapt`). */
const isSessionControl = (error: unknown): boolean => {
  const cause = error instanceof oauth.ResponseBodyError ? (error.cause as Readonly<{ error_subtype?: unknown }>) : null;
  return cause?.error_subtype === 'invalid_rapt';
};

/**
 * Why no new token came; null for an error that is not the library's. Only `invalid_grant` means that the grant is dead: it was withdrawn, not used
 * for six months, or crowded out by newer ones. What makes no sense may pass.
 */
export const refusedRefresh = (error: unknown): ProviderFault | null => {
  if (isSenseless(error)) return new ProviderFault('unavailable', 'Google’s answer to a refresh makes no sense');
  const code = codeOf(error);
  if (code === null) return null;
  if (code === 'invalid_grant')
    return isSessionControl(error) ? new ProviderFault('access-policy', SIGN_IN_AGAIN) : new ProviderFault('access-revoked', DEAD);
  const mend = mendOf(code);
  if (mend !== null) return new ProviderFault('misconfigured', mend);
  return passing(code) ?? new ProviderFault('unavailable', 'Google refuses a refresh for a reason that is not known');
};
