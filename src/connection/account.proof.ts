import { Refused } from '../kernel/refused.js';
import { KeyDestroyed, type Secret, SecretMissing, type Vault } from '../kernel/vault.js';
import { type Discovery, OnAnotherHost, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { fixedGrant } from '../provider/grant.js';
import { type ProviderName } from '../provider/names.js';
import { entryOf } from '../provider/registry.js';
import { isDeadGrant } from './account-fault.js';

export type AccountCredentials = Readonly<{ username: string; password: string; serverUrl: string | null }>;

/** Discovery is a handful of requests; a person waits for it. */
const PATIENCE = 20_000;

export const toSecret = ({ username, password, serverUrl }: AccountCredentials): Secret => ({
  username,
  password,
  ...(serverUrl === null ? {} : { serverUrl }),
});

/**
 * What a sign-in before the password has added to the secret of a connection, which a new password does not end; empty where there was none, or nothing
 * can be opened any more.
 */
export const signInOf = async (vault: Pick<Vault, 'secret'>, userId: string, connectionId: string): Promise<Secret> => {
  try {
    const { username, password, ...added } = await vault.secret(userId, connectionId);
    return added['identitySubject'] === undefined ? {} : added;
  } catch (error) {
    if (error instanceof KeyDestroyed || error instanceof SecretMissing) return {};
    throw error;
  }
};

/** What a claimed row says of the account it belongs to. */
export type AccountRow = Readonly<{ connection_id: string; user_id: string; provider: string }>;

/** Opens the secret of the account that a claimed row belongs to. */
export type SecretOf = (row: AccountRow) => Promise<Secret>;

/** The secret is opened once for a row, however often it is asked for, and held no longer than the row. */
export const secretOnce = (vault: Pick<Vault, 'secret'>): SecretOf => {
  const opened = new WeakMap<AccountRow, Promise<Secret>>();
  return (row) => {
    const secret = opened.get(row) ?? vault.secret(row.user_id, row.connection_id);
    opened.set(row, secret);
    return secret;
  };
};

/** The host a secret names, after `//`. */
const hostIn = (serverUrl: string): string =>
  `//${serverUrl
    .replace(/^[a-z][a-z0-9+.-]*:[/][/]/i, '')
    .replace(/[/?#].*$/s, '')
    .toLowerCase()}`;

/** The crowd in which reading an account takes time: its host, or the account alone. Null when the secret is gone, and with it the reading. */
export const crowdOf =
  (secretOf: SecretOf) =>
  async (row: AccountRow): Promise<string | null> => {
    if (entryOf(row.provider).crowd === 'account') return row.connection_id;
    try {
      const { serverUrl } = await secretOf(row);
      return serverUrl === undefined ? row.provider : hostIn(serverUrl);
    } catch (error) {
      if (error instanceof KeyDestroyed || error instanceof SecretMissing) return null;
      throw error;
    }
  };

const credentialsRefused = (provider: ProviderName): Refused =>
  new Refused('connection.credentials-refused', 422, entryOf(provider).words.refused);

const addressRefused = (detail: string): Refused =>
  new Refused(
    'connection.address-refused',
    422,
    `This server is not called: ${detail}. Give an https address on the public internet; for a server on your own network, start the service with CALDAV_ALLOW_PRIVATE=true.`,
  );

const otherHost = (origin: string): Refused =>
  new Refused(
    'connection.other-host',
    422,
    `The calendars of this account are on ${origin}: connect with that as the server address. A password goes to no other host than the one it was given for.`,
  );

/** What the caller can mend is their mistake; everything else is the provider's, and stays as it is. */
const explained = (error: unknown, provider: ProviderName): unknown => {
  if (error instanceof ProviderFault && (isDeadGrant(error.fault) || error.fault === 'forbidden')) return credentialsRefused(provider);
  if (error instanceof OnAnotherHost) return otherHost(error.origin);
  if (error instanceof ProviderFault && error.fault === 'refused-address') return addressRefused(error.detail);
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new ProviderFault('unavailable', 'The calendar server took too long to answer. Try again in a minute.');
  return error;
};

/** Proves credentials by reading the account they open. Refused ones are the caller's mistake; an account that cannot be read is the provider's. */
export const openAccount = async (providers: Providers, provider: ProviderName, secret: Secret): Promise<Discovery> => {
  const adapter = providers.get(provider);
  if (adapter === undefined) throw new Refused('provider.unknown', 422, 'This provider is not configured here.');
  try {
    return await adapter.discover(fixedGrant(secret), { signal: AbortSignal.timeout(PATIENCE), permit: () => Promise.resolve() });
  } catch (error) {
    throw explained(error, provider);
  }
};

/** Keyed hashes an account goes by: of what discovery proved, and of what its owner typed, by which connections went that were made before. */
export type AccountMarks = Readonly<{ proved: string; typed: string }>;

export const accountMarks = async (
  vault: Pick<Vault, 'marker'>,
  userId: string,
  provider: string,
  secret: Secret,
  { accountId, accountName }: Pick<Discovery, 'accountId' | 'accountName'>,
): Promise<AccountMarks> => {
  const mark = await vault.marker(userId);
  return {
    proved: mark('proved account', JSON.stringify([provider, accountId])),
    typed: mark('account', JSON.stringify([provider, secret['serverUrl'] ?? null, accountName])),
  };
};

/** Notes whose grant a connection has, where one that is given back ends for all connections to the account. */
export const noteGrant = async (
  vault: Pick<Vault, 'noteGrant'>,
  connectionId: string,
  provider: string,
  { accountId }: Pick<Discovery, 'accountId'>,
): Promise<void> => {
  if (entryOf(provider).givesBack === 'whole-account') await vault.noteGrant(connectionId, JSON.stringify([provider, accountId]));
};

export const accountExists = (connectionId: string): Refused =>
  new Refused('connection.exists', 409, `This account is connected already, as ${connectionId}: reconnect that one instead.`);
