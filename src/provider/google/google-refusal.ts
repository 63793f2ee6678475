import { type Fault } from '../calendar-provider.js';

/** What Google refuses a request with: its HTTP status, and the reasons its answer gives. */
export type Refusal = Readonly<{ status: number; reasons: readonly string[] }>;

/** `isPassing`: the same request may succeed a little later. */
export type Judged = Readonly<{ fault: Fault; detail: string; isPassing: boolean }>;

/** 403 is also what Google says to one that asks too often (developers.google.com/workspace/calendar/api/guides/errors). */
const TOO_OFTEN = ['userRateLimitExceeded', 'rateLimitExceeded', 'quotaExceeded', 'dailyLimitExceeded', 'RATE_LIMIT_EXCEEDED'];

/** The API is not turned on for the operator's project, or the project may not use it. */
const NOT_SET_UP = [
  ...['accessNotConfigured', 'SERVICE_DISABLED', 'dailyLimitExceededUnreg', 'keyInvalid', 'keyExpired', 'API_KEY_INVALID'],
  ...['ipRefererBlocked', 'CONSUMER_INVALID', 'CONSUMER_SUSPENDED', 'BILLING_DISABLED'],
];

/** Tokens that lead on in a list, as Google names the parameter it refuses. */
export type Sent = Readonly<{ syncToken: boolean; pageToken: boolean }>;

const judged = (fault: Fault, detail: string, isPassing = false): Judged => ({ fault, detail, isPassing });

const expired = (): Judged => judged('cursor-expired', 'Google does not know the sync token any more');

const forbidden = ({ reasons }: Refusal): Judged => {
  const isOneOf = (some: readonly string[]): boolean => reasons.some((reason) => some.includes(reason));
  if (isOneOf(NOT_SET_UP)) return judged('misconfigured', 'enable the Google Calendar API for the project at the Google console');
  if (isOneOf(TOO_OFTEN)) return judged('throttled', 'Google says it is asked too often', true);
  return judged('forbidden', 'the account may not read this');
};

/**
 * What a refusal means. A token that Google does not take is answered with 410, or with 400 where it was never one of its tokens: to read the calendar
 * whole is the cure of both, and shows the true reason if there is another. 401 is the caller's, which renews the grant first.
 */
export const judge = (refusal: Refusal, { syncToken, pageToken }: Sent): Judged => {
  const { status, reasons } = refusal;
  if (status === 401) return judged('access-revoked', 'Google does not accept the access token');
  if (status === 400 && reasons.some((reason) => NOT_SET_UP.includes(reason))) return forbidden(refusal);
  if (status === 403) return forbidden(refusal);
  if (status === 410 && reasons.includes('deleted')) return judged('calendar-gone', 'the calendar is not there any more');
  if (status === 410 || (status === 400 && (syncToken || pageToken))) return expired();
  if (status === 404) return judged('calendar-gone', 'the calendar is not there any more');
  if (status === 429) return judged('throttled', 'Google says it is asked too often', true);
  if (status === 408 || status >= 500) return judged('unavailable', `Google answers ${status}`, true);
  return judged('malformed', `Google answers ${status} to a request it should know`);
};
