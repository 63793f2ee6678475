import { MINUTE, SECOND } from '../kernel/clock.js';
import { type ProviderName } from '../provider/names.js';
import { type Access, type Consent } from './connection.js';

/** Why a person was sent to a vendor: a new account, new tokens for one that is connected, or more rights for it. */
export type Purpose = 'connect' | 'reconnect' | 'widen';

/**
 * A try to connect an account through its vendor's pages. `open`: the person was sent there; `waiting`: the answer came to a browser that did not
 * begin it, and waits for the user's confirmation; `signed-in`: the answer proved who the person is, and the password of the account is awaited;
 * `used`: the answer, or the password, was taken.
 */
export type AttemptStatus = 'open' | 'waiting' | 'signed-in' | 'used';

export type Attempt = Readonly<{
  attemptId: string;
  connectionId: string;
  userId: string;
  provider: ProviderName;
  purpose: Purpose;
  access: Access;
  status: AttemptStatus;
  /** When its time is over, in milliseconds since the epoch. */
  expiresAt: number;
  /** When its answer was taken; null before. */
  takenAt: number | null;
  /** The code of what went wrong with the answer; null where nothing did. */
  failure: string | null;
  /** Given at begin, told with the fact that completes; null where a connection has consent already. */
  consent: Consent | null;
}>;

/** How long an attempt may take, in milliseconds: people read a consent page, and look for their phone. */
export const ATTEMPT_LIFE = 10 * MINUTE;

/** How long the password may take after the sign-in, in milliseconds: an app-specific one is made on another site, with a code from another device. */
export const PASSWORD_LIFE = 30 * MINUTE;

/** Longer than an answer that was taken is worked at: where nothing came of it, the process that took it has died. The code it brought is good no more. */
const WORKED_AT = 2 * MINUTE;

/** Why nothing came of an attempt, by a stable code; null while something still may. */
export const endOf = (
  { status, failure, takenAt, expiresAt }: Pick<Attempt, 'status' | 'failure' | 'takenAt' | 'expiresAt'>,
  now: number,
): string | null => {
  if (failure !== null) return failure;
  if (status === 'used') return takenAt !== null && now < takenAt + WORKED_AT ? null : 'oauth.failed';
  return expiresAt <= now ? 'oauth.expired' : null;
};

const BEGIN_AGAIN = 'Nothing was connected: begin again.';

const ENDS: Readonly<Record<string, string>> = {
  'oauth.denied': `You declined at the calendar service. ${BEGIN_AGAIN}`,
  'oauth.expired': `This sign-in was not finished in time. ${BEGIN_AGAIN}`,
  'oauth.scope-missing': 'You granted less than is needed. Nothing was connected: begin again, and leave every box ticked.',
  'oauth.admin-consent': 'Your organisation has to agree first. Nothing was connected: begin again when it has.',
  'connection.exists':
    'This account is connected already. Nothing was connected by this sign-in: reconnect that one instead, or begin again with another.',
};

/** The same in words for the person. */
export const endInWords = (code: string): string =>
  ENDS[code] ?? `This sign-in was interrupted, or failed at the calendar service. ${BEGIN_AGAIN}`;

/** Attempts of one person within that time, ended ones too. */
export const MOST_ATTEMPTS = 20;

/** The cookie by which a browser shows that it began an attempt. Each has its own, because a person may have two tabs. */
export const cookieName = (attemptId: string): string => `juy_attempt_${attemptId.replaceAll('-', '')}`;

/** A cookie of the callback's address alone. */
export type Tie = Readonly<{ name: string; value: string; path: string; secure: boolean; seconds: number }>;

/** `callback`: the absolute address the vendor sends people back to. `life`: milliseconds. */
export const tieOf = (attemptId: string, value: string, callback: string, life: number = ATTEMPT_LIFE): Tie => {
  const { pathname: path, protocol } = new URL(callback);
  return { name: cookieName(attemptId), value, path, secure: protocol === 'https:', seconds: life / SECOND };
};

/**
 * As a `Set-Cookie` header has it (RFC 6265). Lax: the vendor's redirect is a navigation from another site, and carries it. A form that the vendor posts
 * does not; it is answered by a redirect to the same address, which does. `SameSite=None` would go with every request from any site, and needs https.
 */
export const setCookie = ({ name, value, path, secure, seconds }: Tie): string =>
  `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

/** The value of a cookie in a `Cookie` header; null when there is none. */
export const cookieIn = (header: string | undefined, name: string): string | null => {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
};

/** The less of two: what a person did not ask for is not used, although an earlier consent may cover it. */
export const lesser = (asked: Access, granted: Access): Access => (asked === 'write' && granted === 'write' ? 'write' : 'read');
