import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, MINUTE, SECOND } from '../kernel/clock.js';
import { EngineAway } from '../kernel/engine-away.js';
import { type Secret, type SeenSecret, type Vault } from '../kernel/vault.js';
import { type Call, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { fixedGrant, type Grant } from '../provider/grant.js';
import { type OAuth } from '../provider/oauth.js';
import { isDeadGrant, obstacleOf } from './account-fault.js';
import { type AccountRow, secretOnce, type SecretOf } from './account.proof.js';

type GrantRuntime = Readonly<{
  vault: Pick<Vault, 'secret' | 'secretSeen' | 'exchangeSecret' | 'beginRenewal' | 'endRenewal'>;
  providers: Providers;
  clock: Clock;
}>;

/** Makes the grant of a claimed row's account for one piece of work. Throws `SecretMissing` or `KeyDestroyed` as the vault does. */
export type GrantOf = (row: AccountRow, call: Call) => Promise<Grant>;

/** A minute is promised to callers; another is for clocks that differ. */
const AHEAD = 2 * MINUTE;

/** How long the vendor may take to renew; less than a renewal is held. */
const PATIENCE = 20 * SECOND;

/** How long the answer is still waited for when the work that needs it has ended. */
const GRACE = 3 * SECOND;

/** How long another process is waited for that renews the same grant: longer than a renewal is held, so that one whose process died is taken over. */
const WAITED = MINUTE;

/** Between two looks whether another process has renewed the grant. */
const PAUSE = SECOND / 10;

/** Between two tries to store new tokens while the database is away. */
const STORE_PAUSE = SECOND / 2;

/** How long a process that is told to stop still tries to store new tokens. */
const LAST_TRIES = 10 * SECOND;

type Renewal = Readonly<{ runtime: GrantRuntime; row: AccountRow; call: Call; oauth: OAuth }>;

/** Milliseconds for which a secret is still good; of one that does not say, none. */
const leftOf = ({ secret }: SeenSecret, { now }: Clock): number => {
  const left = Date.parse(secret['expiresAt'] ?? '') - now();
  return Number.isNaN(left) ? 0 : left;
};

const seenNow = ({ runtime: { vault }, row }: Renewal): Promise<SeenSecret> => vault.secretSeen(row.user_id, row.connection_id);

/** Whether a secret was stored after `seen`, and is good for more than `least` milliseconds. */
const isNewer = ({ runtime }: Renewal, stored: SeenSecret, seen: SeenSecret, least: number): boolean =>
  stored.version !== seen.version && leftOf(stored, runtime.clock) > least;

/**
 * Stores new tokens before they are used: a refresh token that was exchanged may open nothing any more. Tried again while the database is away;
 * null when the version or the fence is no longer the one that was seen.
 */
const store = async (
  { runtime: { vault }, row, call }: Renewal,
  seen: SeenSecret,
  secret: Secret,
  fence: string,
): Promise<SeenSecret | null> => {
  for (let stoppedAt: number | null = null; ;) {
    try {
      const version = await vault.exchangeSecret(row.user_id, row.connection_id, seen.version, secret, fence);
      return version === null ? null : { secret, version };
    } catch (error) {
      if (call.signal.aborted) stoppedAt ??= performance.now();
      if (!(error instanceof EngineAway) || (stoppedAt !== null && performance.now() - stoppedAt > LAST_TRIES)) throw error;
    }
    await sleep(STORE_PAUSE);
  }
};

/** The renewal is free again for the next who needs it. One that cannot be ended ends by itself. */
const giveUp = ({ runtime: { vault }, row }: Renewal, fence: string): Promise<void> =>
  vault.endRenewal(row.connection_id, fence).catch(() => undefined);

const refreshed = async ({ call, oauth }: Renewal, { secret }: SeenSecret): Promise<Secret> => {
  call.signal.throwIfAborted();
  const ending = new AbortController();
  const late = new ProviderFault('unavailable', 'the service took too long to renew the access');
  const timer = setTimeout(() => {
    ending.abort(late);
  }, PATIENCE);
  // An answer that is not heard may hold the only token that is still good.
  let grace: NodeJS.Timeout | undefined;
  const stop = (): void => {
    grace = setTimeout(() => {
      ending.abort(call.signal.reason);
    }, GRACE);
  };
  call.signal.addEventListener('abort', stop);
  try {
    return await oauth.refresh(secret, { signal: ending.signal, permit: call.permit });
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    call.signal.removeEventListener('abort', stop);
  }
};

/** Renews under the lease, which storing ends; null when what was renewed could not be stored, because the lease or the version is another's. */
const renewHeld = async (renewal: Renewal, seen: SeenSecret, fence: string): Promise<SeenSecret | null> => {
  let stored: SeenSecret | null = null;
  try {
    const fresh = await refreshed(renewal, seen).catch(async (error: unknown) => {
      // A person may have connected again while the vendor refused the token from before.
      const other = error instanceof ProviderFault && isDeadGrant(error.fault) ? await seenNow(renewal) : seen;
      if (!isNewer(renewal, other, seen, 0)) throw error;
      return null;
    });
    stored = fresh === null ? null : await store(renewal, seen, fresh, fence);
    return stored;
  } finally {
    if (stored === null) await giveUp(renewal, fence);
  }
};

/** One renewal among all processes: who does not get the lease waits for what its holder stores. */
const renewed = async (renewal: Renewal, seen: SeenSecret): Promise<SeenSecret> => {
  const { runtime, row, call } = renewal;
  let known = seen;
  for (const until = performance.now() + WAITED; performance.now() < until;) {
    const fence = await runtime.vault.beginRenewal(row.connection_id, known.version);
    const fresh = fence === null ? null : await renewHeld(renewal, known, fence);
    if (fresh !== null) return fresh;
    const stored = await seenNow(renewal);
    // What was stored while it was waited for is the newest there is, however long it lives.
    if (isNewer(renewal, stored, known, known === seen ? AHEAD : 0)) return stored;
    known = stored;
    await sleep(PAUSE, undefined, { signal: call.signal }).catch(() => undefined);
    call.signal.throwIfAborted();
  }
  throw new ProviderFault('unavailable', 'the access could not be renewed in time');
};

/** A missing secret is a dead grant; a destroyed key is told by the claim, which is worthless from then on. */
const explained = async (error: unknown, { call }: Renewal): Promise<unknown> => {
  const obstacle = obstacleOf(error);
  if (obstacle === 'key-gone') await call.permit();
  return obstacle instanceof ProviderFault ? obstacle : error;
};

const renewableGrant = (renewal: Renewal, first: SeenSecret): Grant => {
  const { clock } = renewal.runtime;
  let [current, own] = [first, null as string | null];
  let running: Promise<SeenSecret> | null = null;
  /** Tokens that live shorter than is promised are used while they live. */
  const isGood = (): boolean => leftOf(current, clock) > (own === current.version ? 0 : AHEAD);
  const renew = async (): Promise<SeenSecret> => {
    try {
      current = await renewed(renewal, current);
      own = current.version;
      return current;
    } catch (error) {
      throw await explained(error, renewal);
    } finally {
      running = null;
    }
  };
  return {
    secret: async () => (isGood() ? current : await (running ??= renew())).secret,
    renew: async (seen) => (seen['accessToken'] === current.secret['accessToken'] ? await (running ??= renew()) : current).secret,
  };
};

/** A grant that is renewed before it expires where the provider's tokens are, and the secret as it is where it is not. */
export const grantsOf =
  (runtime: GrantRuntime, secretOf: SecretOf = secretOnce(runtime.vault)): GrantOf =>
  async (row, call) => {
    const oauth = runtime.providers.get(row.provider)?.oauth ?? null;
    if (oauth === null) return fixedGrant(await secretOf(row));
    return renewableGrant({ runtime, row, call, oauth }, await runtime.vault.secretSeen(row.user_id, row.connection_id));
  };
