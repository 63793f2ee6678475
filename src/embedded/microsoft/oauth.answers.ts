import { type SandboxAnswer } from '../exchange.js';
import { type Json } from '../json.js';

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store, no-cache', pragma: 'no-cache' };

export const answered = (content: Json): SandboxAnswer => ({ status: 200, headers: HEADERS, body: JSON.stringify(content) });

/** What Entra refuses with, by the number of its error (reference "Microsoft Entra authentication and authorization error codes"). */
const REFUSALS: Readonly<Record<number, Readonly<{ error: string; words: string; status?: number; suberror?: string }>>> = {
  50011: {
    error: 'invalid_request',
    words: 'The redirect URI specified in the request does not match the redirect URIs configured for the application.',
  },
  50020: {
    error: 'invalid_grant',
    words: 'User account from identity provider does not exist in tenant and cannot access the application.',
  },
  50057: { error: 'invalid_grant', words: 'The user account is disabled.', suberror: 'bad_token' },
  50076: {
    error: 'invalid_grant',
    words:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
    suberror: 'basic_action',
  },
  50079: {
    error: 'interaction_required',
    words: 'Due to a configuration change made by your administrator, you must enroll in multi-factor authentication.',
  },
  50173: {
    error: 'invalid_grant',
    words:
      'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
    suberror: 'bad_token',
  },
  53003: {
    error: 'invalid_grant',
    words: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    suberror: 'message_only',
  },
  54005: {
    error: 'invalid_grant',
    words: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  },
  65001: {
    error: 'invalid_grant',
    words: 'The user or administrator has not consented to use the application.',
    suberror: 'consent_required',
  },
  70000: {
    error: 'invalid_grant',
    words:
      'The request was denied because one or more scopes requested are unauthorized or expired. The user must first sign in and grant the client application access to the requested scope.',
  },
  70008: {
    error: 'invalid_grant',
    words:
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  },
  70011: { error: 'invalid_scope', words: 'The provided request must include a valid scope.' },
  70043: {
    error: 'invalid_grant',
    words:
      'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on {issued} and the maximum allowed lifetime for this request is {seconds}.',
    suberror: 'token_expired',
  },
  70003: { error: 'unsupported_grant_type', words: 'The app requested an unsupported grant type.' },
  90014: { error: 'invalid_request', words: 'The required field is missing from the credential.' },
  501481: { error: 'invalid_grant', words: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.' },
  700016: { error: 'unauthorized_client', words: 'Application with identifier was not found in the directory.' },
  700082: {
    error: 'invalid_grant',
    words: 'The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for 90.00:00:00.',
    suberror: 'token_expired',
  },
  7000215: {
    error: 'invalid_client',
    words:
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
    status: 401,
  },
  7000218: {
    error: 'invalid_client',
    words: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    status: 401,
  },
  7000222: { error: 'invalid_client', words: 'The provided client secret keys for the app are expired.', status: 401 },
  9002313: { error: 'invalid_grant', words: 'Invalid request. Request is malformed or invalid.' },
};

/** When an error happened, and how it is named in logs. `seconds`: longest life of a grant where the error speaks of one. */
export type Happened = Readonly<{ now: number; id: string; seconds?: number }>;

/** The token endpoint's error body of an AADSTS number. */
export const aadsts = (number: number, { now, id, seconds = 43_200 }: Happened): SandboxAnswer => {
  const { error, words, status = 400, suberror } = REFUSALS[number] ?? { error: 'invalid_grant', words: 'The grant is refused.' };
  const iso = new Date(now).toISOString();
  const timestamp = `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
  const told = words
    .replace('{issued}', `${new Date(now - seconds * 1_000).toISOString().slice(0, 23)}0000Z`)
    .replace('{seconds}', String(seconds));
  const content = {
    error,
    error_description: `AADSTS${number}: ${told} Trace ID: ${id} Correlation ID: ${id} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: id,
    correlation_id: id,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    ...(suberror === undefined ? {} : { suberror }),
  };
  return { status, headers: HEADERS, body: JSON.stringify(content) };
};
