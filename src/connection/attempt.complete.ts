import { type Cause } from '../kernel/cause.js';
import { Refused } from '../kernel/refused.js';
import { cookieName, endInWords, endOf, PASSWORD_LIFE, tieOf } from './attempt.js';
import { type Browser, type CompleteAttempt, type ConfirmAttempt, type Outcome } from './attempt.commands.js';
import { exchange, type Exchanging, type Refusal, refusalOf } from './attempt.exchange.js';
import { type SignedIn } from './attempt.password.js';
import {
  answerIn,
  attemptFor,
  attemptOf,
  attemptToConnect,
  type Hidden,
  hiddenIn,
  isHashOf,
  type KeptAttempt,
  letWait,
  recordFailure,
  takeAttempt,
} from './attempts.sql.js';
import { type Reached } from './connection.commands.js';

const NO_ANSWER: Refusal = {
  code: 'oauth.failed',
  detail: 'Calendar services send people back to this page with an answer; it was opened without one. Nothing was connected.',
};
const OVER: Refusal = {
  code: 'oauth.expired',
  detail: 'This sign-in was used already, or its ten minutes are over. Nothing was connected by it now: begin again.',
};

const STATE = /^[0-9a-f]{64}$/;

/** The one state of an answer. An answer that names two, or something that no state of ours is, belongs to no attempt. */
const stateIn = (parameters: URLSearchParams): string | null => {
  const [state, ...others] = parameters.getAll('state');
  return state !== undefined && others.length === 0 && STATE.test(state) ? state : null;
};

/** 48 bits in groups that people can copy; good for one attempt, for as long as it lasts. */
const confirmCode = (uuid: string): string =>
  uuid
    .replaceAll('-', '')
    .slice(-12)
    .replace(/(.{4})(?=.)/g, '$1-');

/** Lets the answer wait: the browser that brought it is not the one that began, so whose account it is about is not known. */
const waiting = async (runtime: Exchanging, attempt: KeptAttempt, complete: CompleteAttempt, returnTo: string | null): Promise<Outcome> => {
  const { database, vault, clock, entropy } = runtime;
  const { provider, userId, connectionId } = attempt;
  const confirm = confirmCode(entropy.uuid());
  const waits = { parameters: complete.parameters, confirm };
  const isWaiting = await letWait(database, await vault.subject(userId), attempt, waits, clock.now());
  return isWaiting ? { kind: 'pending', provider, returnTo, connectionId, confirm } : { kind: 'refused', provider, returnTo, ...OVER };
};

const isSameBrowser = (browser: Browser, { attemptId, browserHash }: KeptAttempt): boolean =>
  isHashOf(browser.cookie(cookieName(attemptId)), browserHash);

/** Takes the attempt, and carries out what it is for; a failure is remembered, so that it does not look as if it were pending. */
const carriedOut = async (runtime: Exchanging, attempt: KeptAttempt, parameters: URLSearchParams, cause: Cause) => {
  const { database, clock, log } = runtime;
  if (!(await takeAttempt(database, attempt, clock.now()))) return { refusal: OVER };
  try {
    return await exchange(runtime, attempt, parameters, cause);
  } catch (error) {
    const refusal = refusalOf(error, log);
    await recordFailure(database, attempt.attemptId, refusal.code);
    return { refusal };
  }
};

/** The browser that began is known for as long as the password may take. */
const awaiting = (
  { attemptId, connectionId, provider }: KeptAttempt,
  { username }: SignedIn,
  browser: Browser,
  { redirectUri, returnTo }: Pick<Hidden, 'redirectUri' | 'returnTo'>,
): Outcome => {
  const tie = tieOf(attemptId, browser.cookie(cookieName(attemptId)) ?? '', redirectUri, PASSWORD_LIFE);
  return { kind: 'signed-in', provider, returnTo, connectionId, attemptId, username, action: `${tie.path}/password`, tie };
};

/** Takes a vendor's answer to an attempt. One that brings no code connects nothing, in whichever browser it arrives. */
export const completeAttempt = async (runtime: Exchanging, complete: CompleteAttempt): Promise<Outcome> => {
  const { provider, parameters, browser } = complete;
  const state = stateIn(parameters);
  if (state === null) return { kind: 'refused', provider, returnTo: null, ...NO_ANSWER };
  const attempt = await attemptOf(runtime.database, state, provider);
  if (attempt === null) return { kind: 'refused', provider, returnTo: null, ...OVER };
  const { returnTo, redirectUri } = await hiddenIn(runtime.vault, attempt);
  if (attempt.status === 'used' || attempt.expiresAt <= runtime.clock.now()) return { kind: 'refused', provider, returnTo, ...OVER };
  // A program that looks at links before people do brings no cookie; the browser that began is heard after it.
  if (parameters.has('code') && !isSameBrowser(browser, attempt)) return waiting(runtime, attempt, complete, returnTo);
  const done = await carriedOut(runtime, attempt, parameters, await browser.cause(attempt.userId));
  if ('refusal' in done) return { kind: 'refused', provider, returnTo, ...done.refusal };
  if ('username' in done) return awaiting(attempt, done, browser, { redirectUri, returnTo });
  return { kind: 'connected', provider, returnTo, purpose: attempt.purpose, ...done };
};

const unknown = (): Refused => new Refused('connection.unknown', 404, 'There is no such connection, and none that waits to be confirmed.');

const notBack = (): Refused =>
  new Refused('connection.not-returned', 409, 'The calendar service has not sent the person back yet: there is nothing to confirm.');

const codeMissing = (): Refused =>
  new Refused(
    'connection.code-missing',
    403,
    'The sign-in came back in a browser that did not begin it: send "code", which that browser was given.',
  );

/** Why there is nothing to confirm. */
const over = async ({ database, clock }: Exchanging, userId: string, connectionId: string): Promise<Refused> => {
  const attempt = await attemptToConnect(database, userId, connectionId);
  const ended = attempt === null ? null : endOf(attempt, clock.now());
  return ended === null ? unknown() : new Refused(ended, 404, endInWords(ended));
};

/**
 * Carries out what waits, for its user alone, who shows by the code that the browser which came back is theirs. The browser that began shows nothing: a
 * person who lures another to the vendor's page has it, and a network address is shared by a whole office (RFC 9700 4.7, 4.16).
 */
export const confirmAttempt = async (runtime: Exchanging, { actor, connectionId, code, cause }: ConfirmAttempt): Promise<Reached> => {
  const { database, vault, store, clock } = runtime;
  const attempt = await attemptFor(database, actor.userId, connectionId, clock.now());
  if (attempt === null || attempt.status === 'used') {
    const isThere = attempt !== null && (await store.lastRevision(`connection-${connectionId}`)) >= 0n;
    if (!isThere) throw await over(runtime, actor.userId, connectionId);
    return { connectionId, written: {} };
  }
  if (attempt.status === 'signed-in') return { connectionId, written: {} };
  const parameters = await answerIn(vault, attempt);
  if (parameters === null) throw notBack();
  if (!isHashOf(code, attempt.confirmHash)) throw codeMissing();
  const done = await carriedOut(runtime, attempt, parameters, cause);
  if ('refusal' in done) throw new Refused(done.refusal.code, 409, done.refusal.detail);
  return 'username' in done ? { connectionId, written: {} } : done.reached;
};
