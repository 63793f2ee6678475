import { type Cause } from '../kernel/cause.js';
import { Refused } from '../kernel/refused.js';
import { type Discovery, type Providers } from '../provider/calendar-provider.js';
import { type Identified } from '../provider/identity.js';
import { isNewWithRoom, type Linking, linkAccount, type Relinking, relinkAccount } from './account.linking.js';
import { openAccount, signInOf } from './account.proof.js';
import { type GivePassword } from './attempt.commands.js';
import { cookieName, endInWords, endOf } from './attempt.js';
import {
  attemptFor,
  attemptToConnect,
  awaitPassword,
  identifiedIn,
  isHashOf,
  type KeptAttempt,
  recordFailure,
  signedInAttempt,
  takeAttempt,
} from './attempts.sql.js';
import { connection, reconnectable } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached } from './connection.commands.js';

type Ports = Linking & Relinking & Readonly<{ providers: Providers }>;

/** A sign-in that proved who somebody is. `username`: what their account is opened by, where the service has told it. */
export type SignedIn = Readonly<{ username: string | null }>;

const otherAccount = (): Refused =>
  new Refused('connection.other-account', 409, 'This connection was made by another sign-in: sign in as you did then.');

/** Keeps who signed in until the password comes. An account that is connected again is so by the sign-in it was connected by. */
export const signedIn = async ({ vault, database, clock }: Ports, attempt: KeptAttempt, identified: Identified): Promise<SignedIn> => {
  const { userId, connectionId, purpose } = attempt;
  if (purpose !== 'connect') {
    const { identitySubject = identified.subject } = await signInOf(vault, userId, connectionId);
    if (identitySubject !== identified.subject) throw otherAccount();
  }
  await awaitPassword(database, await vault.subject(userId), attempt, identified, clock.now());
  return { username: identified.username };
};

type Opened = Readonly<{ secret: Identified['secret']; discovery: Discovery; cause: Cause }>;

const first = async (ports: Ports, attempt: KeptAttempt, { secret, discovery, cause }: Opened): Promise<Reached> => {
  const { userId, connectionId, provider, access, consent } = attempt;
  if (consent === null) throw new Error('an attempt to connect was kept without its consent');
  const isNew = await isNewWithRoom(ports.vault, userId, connectionId);
  return linkAccount(ports, { userId, connectionId, provider, secret, access, consent, isNew, cause, ...discovery });
};

const again = async (ports: Ports, attempt: KeptAttempt, { secret, discovery, cause }: Opened): Promise<Reached> => {
  const { userId, connectionId, provider, attemptId: commandId } = attempt;
  const { state } = await ports.store.stateOf(connection, connectionCodec, connectionId);
  reconnectable(state, userId);
  return relinkAccount(ports, { userId, connectionId, provider, secret, state, access: null, cause, commandId, ...discovery });
};

const over = (code: string): Refused => new Refused(code, 404, endInWords(code));

/** Carries out an attempt with the password that was given, which is tried at the service first: while it is refused, another may be given. */
const carriedOut = async (ports: Ports, attempt: KeptAttempt, { credentials }: GivePassword, cause: Cause): Promise<Reached> => {
  const { vault, database, providers, clock } = ports;
  const identified = await identifiedIn(vault, attempt);
  if (identified === null) throw over('oauth.expired');
  const secret = { ...identified.secret, ...credentials };
  const discovery = await openAccount(providers, attempt.provider, secret);
  if (!(await takeAttempt(database, attempt, clock.now()))) throw over('oauth.expired');
  try {
    return await (attempt.purpose === 'connect' ? first : again)(ports, attempt, { secret, discovery, cause });
  } catch (error) {
    await recordFailure(database, attempt.attemptId, error instanceof Refused ? error.code : 'oauth.failed');
    throw error;
  }
};

const notSignedIn = (): Refused =>
  new Refused('connection.not-signed-in', 409, 'The person has not signed in at the calendar service yet: no password is awaited.');

/** By the user: the connection that the attempt is about. A password that comes again finds what it has made. */
const byUser = async (ports: Ports, give: GivePassword, userId: string, cause: Cause): Promise<Reached> => {
  const { database, store, clock } = ports;
  const { id: connectionId } = give;
  const attempt = await attemptFor(database, userId, connectionId, clock.now());
  if (attempt?.status === 'signed-in') return carriedOut(ports, attempt, give, cause);
  if (attempt?.status === 'used' && (await store.lastRevision(`connection-${connectionId}`)) >= 0n) return { connectionId, written: {} };
  if (attempt !== null) throw notSignedIn();
  const made = await attemptToConnect(database, userId, connectionId);
  const ended = made === null ? null : endOf(made, clock.now());
  throw ended === null
    ? new Refused('connection.unknown', 404, 'There is no such connection, and none that awaits a password.')
    : over(ended);
};

/** Takes the password of an account whose person has signed in: from its user, or from the browser that began. */
export const givePassword = async (ports: Ports, give: GivePassword): Promise<Reached> => {
  const { by } = give;
  if ('actor' in by) return byUser(ports, give, by.actor.userId, by.cause);
  const attempt = await signedInAttempt(ports.database, give.id, ports.clock.now());
  if (attempt === null || !isHashOf(by.browser.cookie(cookieName(give.id)), attempt.browserHash)) throw over('oauth.expired');
  return carriedOut(ports, attempt, give, await by.browser.cause(attempt.userId));
};
