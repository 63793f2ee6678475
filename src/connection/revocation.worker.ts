import { setTimeout as sleep } from 'node:timers/promises';
import { instant, MINUTE, SECOND } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { EngineAway } from '../kernel/engine-away.js';
import { KeyDestroyed, type Secret } from '../kernel/vault.js';
import { type Call, ProviderFault } from '../provider/calendar-provider.js';
import { entryOf } from '../provider/registry.js';
import { connection, type GrantEnd } from './connection.js';
import { connectionCodec } from './connection.codec.js';
import { causeOf, type ConnectionRow, later, record } from './connection.record.js';
import { type ConnectionRuntime } from './connection.runtime.js';
import { leftGrant, stopChannels } from './revocation.channels.js';

/** How long after a revocation the grant is tried to be given back: within five minutes nothing is kept, whether the provider answers or not. */
const TRIED_FOR = 4 * MINUTE;

/** Between two tries, in the order of the tries; the last is repeated. */
const PAUSES = [5 * SECOND, 10 * SECOND, 20 * SECOND, 30 * SECOND] as const;

/** One try. */
const PATIENCE = 20 * SECOND;

/** Ends what takes longer, also when it does not hear that it is to end. */
const within = async <T>(milliseconds: number, lease: Lease, work: (call: Call) => Promise<T>): Promise<T> => {
  lease.signal.throwIfAborted();
  const ending = new AbortController();
  const late = new ProviderFault('unavailable', 'the provider took too long');
  const timer = setTimeout(() => {
    ending.abort(late);
  }, milliseconds);
  const stop = (): void => {
    ending.abort(lease.signal.reason);
  };
  lease.signal.addEventListener('abort', stop);
  const ended = new Promise<never>((_, reject) => {
    ending.signal.addEventListener('abort', () => {
      reject(ending.signal.reason as Error);
    });
  });
  try {
    return await Promise.race([work({ signal: ending.signal, permit: lease.permit }), ended]);
  } finally {
    clearTimeout(timer);
    lease.signal.removeEventListener('abort', stop);
  }
};

/** Between two looks whether a renewal of the secret has ended. */
const RENEWAL_PAUSE = SECOND / 10;

/**
 * Waits for a renewal that was under way when the connection was revoked, because a vendor may take back nothing but the newest tokens. None begins
 * after the revocation, since its claims are worthless; one whose process died ends by itself, within half a minute.
 */
const renewalEnded = async ({ vault }: ConnectionRuntime, { connection_id }: ConnectionRow, { signal }: Lease): Promise<void> => {
  while (await vault.isRenewing(connection_id)) await sleep(RENEWAL_PAUSE, undefined, { signal });
};

/** What becomes worthless at once: the key and all that it sealed. Of the secret alone a copy stays, under another key. */
const purge = async (
  { database, store, vault }: ConnectionRuntime,
  { connection_id: connectionId, user_id: userId }: ConnectionRow,
  calendars: readonly string[],
): Promise<void> => {
  await vault.setSecretAside(userId, connectionId);
  await database.query('delete from remote_object where calendar_id = any($1)', [calendars]);
  await database.query('delete from sync_run where calendar_id = any($1)', [calendars]);
  for (const calendarId of calendars) {
    const last = await store.lastRevision(`feed-${calendarId}`);
    if (last >= 0n) await store.truncateBefore(`feed-${calendarId}`, last + 1n);
  }
};

const secretLeft = async (
  { vault }: ConnectionRuntime,
  { user_id: userId, connection_id: connectionId }: ConnectionRow,
): Promise<Secret | null> => {
  try {
    return await vault.secretAside(userId, connectionId);
  } catch (error) {
    if (error instanceof KeyDestroyed) return null;
    throw error;
  }
};

/** Whether a failure is ours and not the provider's: it says nothing of the grant. */
const isOurs = (error: unknown, { signal }: Lease): boolean => signal.aborted || error instanceof Superseded || error instanceof EngineAway;

/** Whether another connection lives by the grant: a service that knows one for each account would end it for that one too. */
const isShared = ({ vault }: ConnectionRuntime, { provider, connection_id }: ConnectionRow): Promise<boolean> =>
  entryOf(provider).givesBack === 'whole-account' ? vault.isGrantShared(connection_id) : Promise.resolve(false);

/** So many tries are made to stop channels before the grant is given back without: they end by themselves, and their notifications are refused. */
const STOPPING = 3;

/**
 * How the grant ended; null when it did not yet. Channels are stopped before, because nothing stops them after. Without a secret there is nothing to end
 * it with: its owner has to, at the provider.
 */
const giveBack = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease, left: number): Promise<GrantEnd | null> => {
  const [adapter, secret, shared] = [runtime.providers.get(row.provider), await secretLeft(runtime, row), await isShared(runtime, row)];
  const unasked = shared ? 'shared' : 'manual';
  if (adapter === undefined || secret === null || left <= 0) return unasked;
  try {
    return await within(Math.min(PATIENCE, left), lease, async (call): Promise<GrantEnd | null> => {
      const account = leftGrant(adapter, secret, runtime.clock, call);
      const isDone = row.failures >= STOPPING || (await stopChannels(runtime, row.connection_id, adapter, account, call));
      if (!isDone || shared) return isDone ? 'shared' : null;
      return adapter.revoke(account.current(), call);
    });
  } catch (error) {
    if (isOurs(error, lease)) throw error;
    return null;
  }
};

/**
 * Winds a revoked connection up, each step repeatable: at once its key, with what it sealed, and what is known of its objects; then the grant,
 * for as long as there is time; then the secret.
 */
export const windUp = async (runtime: ConnectionRuntime, row: ConnectionRow, lease: Lease): Promise<void> => {
  const { database, store, vault, clock } = runtime;
  const { connection_id: connectionId, failures } = row;
  const { state } = await store.stateOf(connection, connectionCodec, connectionId);
  const cause = causeOf(runtime, row);
  // A first try comes after it, so a row that has failed has it behind it.
  if (failures === 0) {
    await renewalEnded(runtime, row, lease);
    await purge(runtime, row, state.status === 'none' ? [] : state.found);
  }
  if (!(state.status === 'revoked' && state.grantEnded)) {
    const until = (state.status === 'revoked' ? Date.parse(state.at) : clock.now()) + TRIED_FOR;
    const how = await giveBack(runtime, row, lease, until - clock.now());
    const again = clock.now() + (PAUSES[failures] ?? PAUSES[3]);
    if (how === null && again < until) return later(runtime, row, lease, failures + 1, again);
    await record(runtime, connectionId, { type: 'RecordGrantRevoked', how: how ?? 'manual', at: instant(clock.now()) }, cause);
  }
  await database.query('delete from watch_channel where connection_id = $1', [connectionId]);
  await vault.destroyConnection(connectionId);
  await record(runtime, connectionId, { type: 'RecordPurge', at: instant(clock.now()) }, cause);
};
