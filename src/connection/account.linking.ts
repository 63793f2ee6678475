import { type Cause, metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, instant, MINUTE } from '../kernel/clock.js';
import { decideOn, handle, settle } from '../kernel/commands.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { type Database } from '../kernel/sql.js';
import { AccountTaken, KeyDestroyed, type Secret, type Vault } from '../kernel/vault.js';
import { type Discovery } from '../provider/calendar-provider.js';
import { type ProviderName } from '../provider/names.js';
import { calendarIdsOf, recordDiscovery } from './account.discovery.js';
import { accountExists, accountMarks, noteGrant } from './account.proof.js';
import { type Access, connection, type Connection, connectionRevoked, type Consent } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { type Reached } from './connection.commands.js';
import { type KeyGone } from './key-gone.js';

/** Accounts of one person: each costs a daily discovery and the reading of its calendars. */
const MOST_CONNECTIONS = 20;

const tooMany = (): Refused =>
  new Refused('connection.too-many', 409, `A person may have ${MOST_CONNECTIONS} accounts connected: revoke one of them first.`);

/** Longer than a request takes from its vault row to its first fact. */
const IN_HAND = MINUTE;

export type Linking = Readonly<{ store: EventStore; vault: Vault; database: Database; clock: Clock; entropy: Entropy }>;

/** Whether the connection is a new one, for which there must be room; a request that comes again finds the one it has made. */
export const isNewWithRoom = async (vault: Vault, userId: string, connectionId: string): Promise<boolean> => {
  const before = await vault.connections(userId);
  const isNew = !before.has(connectionId);
  if (isNew && before.size >= MOST_CONNECTIONS) throw tooMany();
  return isNew;
};

/** Who an account belongs to, and by which secret it is opened. `calendars`: null when the list could not be read yet; a worker reads it later. */
type Proved = Readonly<{ userId: string; connectionId: string; provider: ProviderName; secret: Secret; cause: Cause }> &
  Pick<Discovery, 'accountId' | 'accountName'> &
  Readonly<{ calendars: Discovery['calendars'] | null }>;

export type NewLink = Proved & Readonly<{ access: Access; consent: Consent; isNew: boolean }>;

/** One that was made when accounts went by what was typed, and whose account was not read since. */
const refuseOlderCopy = async ({ database }: Linking, { userId, connectionId }: NewLink, typed: string): Promise<void> => {
  const [existing] = await database.query<{ connection_id: string }>(
    `select connection_id from connections where user_id = $1 and account = $2 and status <> 'revoked' and connection_id <> $3`,
    [userId, typed, connectionId],
  );
  if (existing !== undefined) throw accountExists(existing.connection_id);
};

const isLeftOver = async ({ store, vault, clock }: Linking, holder: string): Promise<boolean> => {
  const { status } = (await store.stateOf(connection, connectionCodec, holder)).state;
  if (status === 'none') return (await vault.pendingSince(instant(clock.now() - IN_HAND))).includes(holder);
  return status === 'revoked';
};

/** Of two requests for one account the database lets one pass. What a dead request or a revoked connection still holds is taken from it. */
const keep = async (ports: Linking, { userId, connectionId, secret }: NewLink, account: string): Promise<void> => {
  const { vault } = ports;
  try {
    await vault.keep(userId, connectionId, secret, account);
  } catch (error) {
    if (!(error instanceof AccountTaken)) throw error;
    if (!(await isLeftOver(ports, error.connectionId))) throw accountExists(error.connectionId);
    await vault.releaseAccount(error.connectionId);
    await vault.keep(userId, connectionId, secret, account);
  }
};

/** Requests that came at the same time have all passed the first look; those that would exceed the limit together take back what they kept. */
const refuseTooMany = async (vault: Vault, { userId, connectionId }: NewLink): Promise<void> => {
  if ((await vault.connections(userId)).size <= MOST_CONNECTIONS) return;
  await vault.destroyConnection(connectionId);
  throw tooMany();
};

/** Order: vault row (pending), `CalendarConnected`, vault row active, calendars. A death in between is repaired by the worker or the clean-up. */
export const linkAccount = async (ports: Linking, link: NewLink): Promise<Reached> => {
  const { store, vault, clock } = ports;
  const { userId, connectionId, provider, secret, access, consent, cause } = link;
  const { proved: account, typed } = await accountMarks(vault, userId, provider, secret, link);
  await refuseOlderCopy(ports, link, typed);
  await keep(ports, link, account);
  await noteGrant(vault, connectionId, provider, link);
  if (link.isNew) await refuseTooMany(vault, link);
  const sealer = await vault.connection(userId, connectionId);
  const sealed = sealer.seal(`connection:${connectionId}`, JSON.stringify({ accountName: link.accountName }));
  const linked = { userId, provider, access, consent, account, sealed, at: instant(clock.now()) };
  const { position } = await handle(store, connection, connectionCodec, {
    id: connectionId,
    command: { type: 'ConnectCalendar', consented: true, ...linked },
    metadata: metadataOf(cause, connectionId),
    ifMatch: null,
  });
  await vault.activate(connectionId);
  if (link.calendars === null) return { connectionId, written: { connection: position } };
  const discovered = await recordDiscovery(ports, { connectionId, userId, provider, cause }, link.calendars);
  return { connectionId, written: { ...discovered, connection: discovered.connection ?? position } };
};

export type Relinking = Pick<Linking, 'store' | 'vault' | 'clock'> & Readonly<{ keyGone: KeyGone }>;

/** `state`: of the connection. `access`: what its owner has granted with the new secret; null for accounts that know no scopes. */
export type Relink = Proved & Readonly<{ state: Connection; access: Access | null; commandId: string }>;

const hold = async (vault: Vault, { userId, connectionId }: Relink, account: string): Promise<void> => {
  try {
    await vault.holdAccount(userId, connectionId, account);
  } catch (error) {
    throw error instanceof AccountTaken ? accountExists(error.connectionId) : error;
  }
};

const replaceSecret = async ({ vault, keyGone }: Relinking, { userId, connectionId, secret, cause }: Relink): Promise<void> => {
  try {
    await vault.replaceSecret(userId, connectionId, secret);
  } catch (error) {
    if (!(error instanceof KeyDestroyed)) throw error;
    await keyGone(connectionId, systemCause('sync', userId, cause.correlationId));
    throw connectionRevoked();
  }
};

/** The new secret is stored before the fact: the fact wakes the syncs, which must find it. A death in between leaves a repeat to the user. */
export const relinkAccount = async (ports: Relinking, relink: Relink): Promise<Reached> => {
  const { store, vault, clock } = ports;
  const { userId, connectionId, provider, secret, state, access, cause, commandId } = relink;
  const { proved, typed } = await accountMarks(vault, userId, provider, secret, relink);
  const calendarIds = await calendarIdsOf(vault, { connectionId, userId }, relink.calendars ?? []);
  const likeness = { held: await vault.accountOf(connectionId), typed, calendarIds };
  const at = instant(clock.now());
  const reconnect = { type: 'Reconnect', owner: userId, account: proved, likeness, at } as const;
  connection.decide(state, reconnect);
  await hold(vault, relink, proved);
  await noteGrant(vault, connectionId, provider, relink);
  await replaceSecret(ports, relink);
  const commands = [reconnect, ...(access === null ? [] : [{ type: 'GrantAccess', owner: userId, access, at } as const])];
  const orders = { id: connectionId, commands, metadata: metadataOf(cause, commandId), ifMatch: null };
  const { position } = await settle(store, connection, connectionCodec, await decideOn(store, connection, connectionCodec, orders));
  return { connectionId, written: { connection: position } };
};
