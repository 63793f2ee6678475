import * as oauth from 'oauth4webapi';
import { type Fault, ProviderFault } from '../calendar-provider.js';
import { type OAuthRefusal, OAuthRefused } from '../oauth.js';

const CLIENT =
  'check MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET (the value of the secret, not its id, and its end date), and the application at entra.microsoft.com';

/** Codes by which Entra says that the operator has set up the client wrongly, with what to do about it. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['invalid_client', CLIENT],
  ['unauthorized_client', `${CLIENT}: which accounts it supports, and MICROSOFT_TENANT`],
  ['unsupported_grant_type', CLIENT],
  ['unsupported_response_type', CLIENT],
  [
    'invalid_request',
    'check that <PUBLIC_URL>/v1/calendar/oauth/microsoft/callback is a redirect address of the platform “Web” of the application at entra.microsoft.com',
  ],
  ['invalid_scope', 'check the delegated permissions of the application at entra.microsoft.com'],
  ['invalid_resource', 'check the delegated permissions of the application at entra.microsoft.com'],
]);

/** AADSTS numbers that say which of the operator’s mistakes it is: a wrong secret, one that is over, none. */
const SECRETS: ReadonlyMap<number, string> = new Map([
  [7000215, 'Entra says that the client secret is wrong: MICROSOFT_CLIENT_SECRET is the value of the secret, not its id'],
  [7000222, 'Entra says that the client secret has expired: make another at entra.microsoft.com, and set MICROSOFT_CLIENT_SECRET'],
  [7000218, 'Entra says that the client secret is missing: the redirect address must be one of the platform “Web”'],
]);

/** What an answer of Entra says. Its description holds ids of people and requests and is never told; the numbers in it only choose words. */
type Said = Readonly<{ code: string; numbers: readonly number[]; description: string }>;

const numbersIn = (description: string): readonly number[] =>
  [...description.matchAll(/AADSTS(\d{5,8})/g)].map(([, number]) => Number(number));

const saidIn = (error: unknown): Said | null => {
  if (error instanceof oauth.AuthorizationResponseError) {
    const description = error.error_description ?? '';
    return { code: error.error, numbers: numbersIn(description), description };
  }
  if (error instanceof oauth.ResponseBodyError) {
    const { error_codes: codes } = error.cause as Readonly<{ error_codes?: unknown }>;
    const description = error.error_description ?? '';
    const numbers = Array.isArray(codes) ? codes.filter((each) => typeof each === 'number') : numbersIn(description);
    return { code: error.error, numbers, description };
  }
  return error instanceof oauth.WWWAuthenticateChallengeError ? { code: 'invalid_client', numbers: [], description: '' } : null;
};

const mendOf = ({ code, numbers }: Said): string | null => {
  const secret = numbers.map((number) => SECRETS.get(number)).find((words) => words !== undefined);
  const mend = OPERATORS.get(code);
  if (mend === undefined) return null;
  return secret ?? `Entra answers ${code}: ${mend}`;
};

const WORDS = {
  denied:
    'The connection was not allowed on Microsoft’s page. Where that page asks for an administrator’s approval, an administrator has to give it first.',
  admin: 'Your organisation lets only an administrator allow this. Ask them to approve this application, and connect again.',
  expired: 'The sign-in took too long, or was used already. Connect again.',
  operator: 'This service is not set up correctly at Microsoft. Its operator has to correct that; connecting again does not help.',
  failed: 'Microsoft’s answer makes no sense. Connect again.',
};

const refused = (code: OAuthRefusal, detail: string): OAuthRefused => new OAuthRefused(code, detail);

/** Consent that only an administrator can give: 90094 and 90095 come with `access_denied`. */
const ADMIN_NUMBERS = [90_094, 90_095];
const ADMIN_CODES = ['admin_consent', 'consent_required', 'admin_consent_required'];

const isForAdmin = ({ code, numbers }: Said): boolean =>
  ADMIN_CODES.includes(code) || numbers.some((number) => ADMIN_NUMBERS.includes(number));

const PASSING = ['server_error', 'temporarily_unavailable'];

const passing = ({ code }: Said): ProviderFault | null =>
  PASSING.includes(code) ? new ProviderFault('unavailable', 'Microsoft cannot answer just now') : null;

const isSenseless = (error: unknown): boolean =>
  error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError;

/** What a code means that has no words of its own. */
const failed = (said: Said): OAuthRefused => {
  const mend = mendOf(said);
  return mend === null ? refused('oauth.failed', WORDS.failed) : new OAuthRefused('oauth.failed', WORDS.operator, true, mend);
};

/** Why a sign-in connected nothing: by the redirect, or by the answer to its code; null for an error that is not the library’s. */
export const refusedSignIn = (error: unknown): OAuthRefused | ProviderFault | null => {
  const said = saidIn(error);
  if (said === null) return isSenseless(error) ? refused('oauth.failed', WORDS.failed) : null;
  if (isForAdmin(said)) return refused('oauth.admin-consent', WORDS.admin);
  if (said.code === 'access_denied') return refused('oauth.denied', WORDS.denied);
  if (said.code === 'invalid_grant') return refused('oauth.expired', WORDS.expired);
  return passing(said) ?? failed(said);
};

/** The grant is dead, by what Entra calls it; the person has to sign in again. */
const DEAD = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required'];

/** Why it is, where the numbers tell. learn.microsoft.com/entra/identity-platform/reference-error-codes */
const CAUSES: ReadonlyMap<number, Readonly<{ fault: Fault; detail: string }>> = new Map([
  [700_082, { fault: 'access-expired', detail: 'the access was not used for too long' }],
  [70_008, { fault: 'access-expired', detail: 'the access was not used for too long, or is too old' }],
  [50_173, { fault: 'access-withdrawn', detail: 'the access was taken back, or the password of the account was changed' }],
  [65_001, { fault: 'access-withdrawn', detail: 'the consent was taken back' }],
]);

const SIGN_IN_FREQUENCY = [70_043, 70_044];

/** Conditional Access states the longest life of a sign-in in seconds: “… the maximum allowed lifetime for this request is 43200.” */
const policy = (description: string): ProviderFault => {
  const [, seconds] = /lifetime[^.]*?is (\d{1,9})\b/.exec(description) ?? [];
  const hours = Math.round(Number(seconds ?? 0) / 3_600);
  return new ProviderFault('access-policy', 'the organisation asks for a new sign-in at Microsoft', null, hours === 0 ? null : hours);
};

const dead = ({ numbers, description }: Said): ProviderFault => {
  if (numbers.some((number) => SIGN_IN_FREQUENCY.includes(number))) return policy(description);
  const cause = numbers.map((number) => CAUSES.get(number)).find((each) => each !== undefined);
  const { fault, detail } = cause ?? ({ fault: 'access-revoked', detail: 'Microsoft says that a new sign-in is needed' } as const);
  return new ProviderFault(fault, detail);
};

/** Why no new token came; null for an error that is not the library’s. What makes no sense may pass. */
export const refusedRefresh = (error: unknown): ProviderFault | null => {
  if (isSenseless(error)) return new ProviderFault('unavailable', 'Microsoft’s answer to a refresh makes no sense');
  const said = saidIn(error);
  if (said === null) return null;
  if (DEAD.includes(said.code)) return dead(said);
  const mend = mendOf(said);
  if (mend !== null) return new ProviderFault('misconfigured', mend);
  return passing(said) ?? new ProviderFault('unavailable', 'Microsoft refuses a refresh for a reason that is not known');
};
