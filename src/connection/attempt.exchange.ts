import { setTimeout as sleep } from 'node:timers/promises';
import { type Cause } from '../kernel/cause.js';
import { SECOND } from '../kernel/clock.js';
import { EngineAway } from '../kernel/engine-away.js';
import { type Log } from '../kernel/log.js';
import { Refused } from '../kernel/refused.js';
import { type Call, type Discovery, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { type Answer, type Granted, OAuthRefused } from '../provider/oauth.js';
import { isNewWithRoom, type Linking, linkAccount, type Relinking, relinkAccount } from './account.linking.js';
import { openAccount } from './account.proof.js';
import { lesser } from './attempt.js';
import { signedIn, type SignedIn } from './attempt.password.js';
import { hiddenIn, type KeptAttempt } from './attempts.sql.js';
import { connection, reconnectable } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached } from './connection.commands.js';

export type Exchanging = Linking & Relinking & Readonly<{ providers: Providers; log: Log }>;

/** A person waits, in front of a page that loads. */
const PATIENCE = 20 * SECOND;
const TRIES = 3;

const isPassing = (error: unknown): boolean =>
  error instanceof ProviderFault && (error.fault === 'unavailable' || error.fault === 'throttled');

/** The code is good for one exchange; while the vendor cannot be reached, it is not used up. */
const exchanged = async <T>(complete: (answer: Answer, call: Call) => Promise<T>, answer: Answer): Promise<T> => {
  const signal = AbortSignal.timeout(PATIENCE);
  for (let tried = 1; ; tried += 1)
    try {
      return await complete(answer, { signal, permit: () => Promise.resolve() });
    } catch (error) {
      if (tried === TRIES || !isPassing(error)) throw error;
      await sleep(tried * 500, undefined, { signal });
    }
};

/** The account's calendars; null while the vendor cannot list them: the account is connected all the same, and a worker lists them later. */
const calendarsOf = async (
  { providers }: Exchanging,
  { provider }: KeptAttempt,
  { secret }: Granted,
): Promise<Discovery['calendars'] | null> => {
  try {
    return (await openAccount(providers, provider, secret)).calendars;
  } catch (error) {
    if (isPassing(error)) return null;
    throw error;
  }
};

const lessThanBefore = (): OAuthRefused =>
  new OAuthRefused('oauth.scope-missing', 'You granted less than this needs. Begin again, and leave every box ticked.');

/** New tokens for an account that is connected. Less than what was asked for would take away what the account can do already. */
const again = async (runtime: Exchanging, attempt: KeptAttempt, granted: Granted, cause: Cause): Promise<Reached> => {
  const { userId, connectionId, provider, access } = attempt;
  if (access === 'write' && granted.access !== 'write') throw lessThanBefore();
  const { state } = await runtime.store.stateOf(connection, connectionCodec, connectionId);
  reconnectable(state, userId);
  const { secret, accountId, accountName } = granted;
  const proved = { userId, connectionId, provider, secret, accountId, accountName, calendars: null, cause };
  return relinkAccount(runtime, { ...proved, state, access, commandId: attempt.attemptId });
};

const first = async (runtime: Exchanging, attempt: KeptAttempt, granted: Granted, cause: Cause): Promise<Reached> => {
  const { userId, connectionId, provider, consent } = attempt;
  if (consent === null) throw new Error('an attempt to connect was kept without its consent');
  const isNew = await isNewWithRoom(runtime.vault, userId, connectionId);
  const calendars = await calendarsOf(runtime, attempt, granted);
  const { secret, accountId, accountName } = granted;
  const access = lesser(attempt.access, granted.access);
  return linkAccount(runtime, { userId, connectionId, provider, secret, accountId, accountName, access, consent, calendars, isNew, cause });
};

/** What an attempt that was taken brought about. `limited`: less was granted than was asked for. */
export type Exchanged = Readonly<{ reached: Reached; limited: boolean }>;

/**
 * Exchanges the vendor's answer for tokens, and links the account they open; where the answer only proves who signed in, that is kept until the password
 * comes. Throws as `refusalOf` reads it.
 */
export const exchange = async (
  runtime: Exchanging,
  attempt: KeptAttempt,
  parameters: URLSearchParams,
  cause: Cause,
): Promise<Exchanged | SignedIn> => {
  const adapter = runtime.providers.get(attempt.provider);
  const { oauth, identity } = adapter ?? { oauth: null, identity: null };
  const { verifier, redirectUri } = await hiddenIn(runtime.vault, attempt);
  const { access, purpose } = attempt;
  const answer = { parameters, redirectUri, state: parameters.get('state') ?? '', verifier, access };
  if (oauth === null) {
    if (identity === null) throw new OAuthRefused('oauth.failed', 'This calendar service is not configured here any more.');
    return signedIn(runtime, attempt, await exchanged(identity.complete, answer));
  }
  const granted = await exchanged(oauth.complete, answer);
  const reached = await (purpose === 'connect' ? first : again)(runtime, attempt, granted, cause);
  return { reached, limited: access === 'write' && granted.access !== 'write' };
};

/** Why a vendor's answer connected nothing, by a stable code and in words for the person. */
export type Refusal = Readonly<{ code: string; detail: string }>;

const AWAY = 'The calendar service could not be reached. Nothing was connected: begin again in a minute.';
const OURS = 'Something went wrong here. Nothing was connected: begin again in a moment.';

/** What is said of credentials and accounts elsewhere, in the words of a person who was at a vendor's pages. */
const SAID_OTHERWISE: Readonly<Record<string, Refusal>> = {
  'connection.other-account': {
    code: 'oauth.other-account',
    detail: 'You signed in with another account than this connection has. Nothing was changed: begin again with that account.',
  },
  'connection.credentials-refused': {
    code: 'oauth.failed',
    detail: 'The calendar service gives no access to the calendars of this account. Nothing was connected.',
  },
};

/** What failed here is logged; what the operator has set wrong, where providers are watched for it. */
export const refusalOf = (error: unknown, log: Log): Refusal => {
  if (error instanceof OAuthRefused) return { code: error.code, detail: error.detail };
  if (error instanceof Refused) {
    const { code, detail } = SAID_OTHERWISE[error.code] ?? error;
    return { code, detail };
  }
  if (isPassing(error) || (error instanceof DOMException && error.name === 'TimeoutError')) return { code: 'oauth.failed', detail: AWAY };
  if (error instanceof ProviderFault) log.error('connecting an account failed at the calendar service', error, { fault: error.fault });
  else if (!(error instanceof EngineAway)) log.error('connecting an account failed for an unforeseen reason', error);
  return { code: 'oauth.failed', detail: OURS };
};
