import { type Actor } from '../kernel/actor.js';
import { instant, SECOND } from '../kernel/clock.js';
import { type Entropy } from '../kernel/entropy.js';
import { Refused } from '../kernel/refused.js';
import { type Providers } from '../provider/calendar-provider.js';
import { type ProviderName } from '../provider/names.js';
import { type Identity } from '../provider/identity.js';
import { type OAuth } from '../provider/oauth.js';
import { isNewWithRoom, type Linking } from './account.linking.js';
import { type Attempt, MOST_ATTEMPTS, tieOf } from './attempt.js';
import { type Aim, type BeginAttempt, type Begun } from './attempt.commands.js';
import { keepAttempt } from './attempts.sql.js';
import { connection, reconnectable } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { CONSENT_TEXT_VERSION, refuseWithoutConsent } from './consent.js';
import { type Addresses, baseOf, returnAddress } from './return-address.js';

const notAvailable = (): Refused =>
  new Refused('provider.not-available', 422, 'This provider is not configured here; GET /v1/calendar/providers lists what is.');

const credentialsMissing = (): Refused =>
  new Refused('connection.credentials-missing', 422, 'Send "credentials" with "username" and "password".');

const isOver = (): Refused =>
  new Refused('connection.attempt-over', 409, 'What this Idempotency-Key began has ended: begin again with another one.');

const tooMany = (seconds: number): Refused =>
  new Refused(
    'connection.too-many-attempts',
    429,
    `A person may begin to connect ${MOST_ATTEMPTS} times in ten minutes: finish one of these, or wait.`,
    seconds,
  );

/** An attempt as far as its aim says it, and the name that the account has at its vendor where that is known. */
type Aimed = Pick<Attempt, 'connectionId' | 'provider' | 'purpose' | 'access' | 'consent'> & Readonly<{ loginHint: string | null }>;

export type Beginning = Linking & Readonly<{ providers: Providers; addresses: Addresses }>;

const connecting = (
  { clock }: Beginning,
  { provider, consent, access }: Extract<Aim, { purpose: 'connect' }>,
  connectionId: string,
): Aimed => {
  refuseWithoutConsent(consent);
  const given = { textVersion: CONSENT_TEXT_VERSION, givenAt: instant(clock.now()) };
  return { connectionId, provider, purpose: 'connect', access, consent: given, loginHint: null };
};

/** What its owner calls the account, so that the vendor's page offers that one. */
const nameOf = async ({ database, vault }: Beginning, userId: string, connectionId: string): Promise<string | null> => {
  const [row] = await database.query<{ sealed: string | null }>('select sealed from connections where connection_id = $1', [connectionId]);
  if (row === undefined || row.sealed === null) return null;
  const clear = (await vault.connection(userId, connectionId)).open(`connection:${connectionId}`, row.sealed);
  return (JSON.parse(clear) as { accountName: string }).accountName;
};

const again = async (
  runtime: Beginning,
  { purpose, connectionId }: Extract<Aim, { connectionId: string }>,
  { userId }: Actor,
): Promise<Aimed> => {
  const { state } = await runtime.store.stateOf(connection, connectionCodec, connectionId);
  const { provider, access } = reconnectable(state, userId);
  const loginHint = await nameOf(runtime, userId, connectionId);
  return { connectionId, provider, purpose, access: purpose === 'widen' ? 'write' : access, consent: null, loginHint };
};

/** The vendor's pages, at which a person grants access or only signs in. */
const pagesOf = ({ providers }: Beginning, provider: ProviderName, { purpose }: Aim): OAuth | Identity => {
  const adapter = providers.get(provider);
  if (adapter === undefined) throw notAvailable();
  const pages = adapter.oauth ?? adapter.identity;
  if (pages === null) throw purpose === 'connect' ? notAvailable() : credentialsMissing();
  return pages;
};

/** 244 random bits in 64 characters, as RFC 7636 wants a verifier. */
const random = ({ uuid }: Pick<Entropy, 'uuid'>): string => `${uuid()}${uuid()}`.replaceAll('-', '');

/** Keeps an attempt, and answers where the person is to be sent. Nothing of the connection is written before the vendor has answered. */
export const beginAttempt = async (runtime: Beginning, { actor, aim, way, attemptId }: BeginAttempt): Promise<Begun> => {
  const { vault, database, clock, entropy, addresses } = runtime;
  const { userId } = actor;
  const { loginHint, ...aimed } = aim.purpose === 'connect' ? connecting(runtime, aim, attemptId) : await again(runtime, aim, actor);
  const pages = pagesOf(runtime, aimed.provider, aim);
  const base = baseOf(addresses, way.reached);
  const returnTo = returnAddress(way.returnTo, addresses.origins, base);
  if (aim.purpose === 'connect') await isNewWithRoom(vault, userId, attemptId);
  const redirectUri = `${base}/v1/calendar/oauth/${aimed.provider}/callback`;
  const [state, verifier, browser] = [random(entropy), random(entropy), random(entropy)];
  const authorizationUrl = pages.authorizationUrl({ access: aimed.access, redirectUri, state, verifier, loginHint });
  const [now, sealer] = [clock.now(), await vault.subject(userId)];
  const attempt = { ...aimed, attemptId, userId, state, verifier, browser, redirectUri, returnTo };
  const kept = await keepAttempt(database, sealer, attempt, now);
  if (kept === 'over') throw isOver();
  if (kept !== 'kept') throw tooMany(Math.ceil((kept.manyUntil - now) / SECOND));
  return { connectionId: aimed.connectionId, authorizationUrl, tie: tieOf(attemptId, browser, redirectUri) };
};
