import { createHash, randomBytes } from 'node:crypto';
import { SECOND } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Secret } from '../kernel/vault.js';
import { type Call, ProviderFault } from '../provider/calendar-provider.js';
import { fixedGrant } from '../provider/grant.js';
import { type OpenChannel } from '../provider/push.js';
import { type Channel } from './channel.js';
import { abandonChannel, adoptChannel, announceChannel, forgetChannel, isWatched, prolongChannel } from './watch.sql.js';
import { faultOf, type Tended } from './watch.tended.js';

/** Refusals that say that no channel was opened. After any other the channel may exist. */
const OPENED_NOTHING: readonly string[] = [
  ...['forbidden', 'throttled', 'calendar-gone', 'misconfigured', 'refused-address'],
  ...['access-revoked', 'access-expired', 'access-withdrawn', 'access-policy'],
];

/** How long the answer to an opening is still waited for when the claim is lost. */
const GRACE = 3 * SECOND;

/** How long a service may take to stop a channel that no worker will look after. */
const PATIENCE = 10 * SECOND;

const sha256 = (token: string): Buffer => createHash('sha256').update(token).digest();

const addressOf = async ({ runtime, row, sealed }: Tended): Promise<string> => {
  const sealer = await runtime.vault.connection(row.user_id, row.connection_id);
  const { remoteId, address = remoteId } = JSON.parse(sealer.open(`calendar:${row.calendar_id}`, sealed)) as {
    remoteId: string;
    address?: string;
  };
  return address;
};

/**
 * Has a call's answer heard although the claim is lost meanwhile, for a moment: it alone names the channel that was opened, and without a name nothing stops
 * a channel before it ends.
 */
const heardOut = async <T>({ signal, permit }: Lease, work: (call: Call) => Promise<T>): Promise<T> => {
  signal.throwIfAborted();
  const ending = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const stop = (): void => {
    grace = setTimeout(() => {
      ending.abort(signal.reason);
    }, GRACE);
  };
  signal.addEventListener('abort', stop);
  try {
    return await work({ signal: ending.signal, permit });
  } finally {
    clearTimeout(grace);
    signal.removeEventListener('abort', stop);
  }
};

/**
 * Leaves a channel that was opened for a claim that is lost. The worker that has the claim now stops it by its name. Where no worker will have it, because
 * the connection was revoked, it is stopped here: when it is wound up already, with an access that may be over, so that this may fail.
 */
const leave = async ({ runtime: { database }, row, push }: Tended, { id, remote }: OpenChannel, secret: Secret): Promise<void> => {
  await abandonChannel(database, id, remote);
  if (await isWatched(database, row.calendar_id)) return;
  try {
    await push.stop(fixedGrant(secret), { id, remote }, { signal: AbortSignal.timeout(PATIENCE), permit: () => Promise.resolve() });
    await forgetChannel(database, id);
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error;
  }
};

/**
 * Opens a channel, in three steps: its row is committed, then its service is asked, then the row is live. A death before the last leaves a row that the
 * next look closes. Answers the failure; null when it is open.
 */
const openOne = async (tended: Tended, webhook: string): Promise<ProviderFault | null> => {
  const { runtime, row, lease, push } = tended;
  const { database, clock, entropy } = runtime;
  const [id, token, now] = [entropy.uuid(), randomBytes(32).toString('base64url'), clock.now()];
  const until = now + push.life;
  try {
    const [grant, address] = [await tended.grant(), await addressOf(tended)];
    const secret = await grant.secret();
    await announceChannel(database, row, lease, { id, tokenHash: sha256(token), address: webhook, now, until });
    const order = { id, token, address: webhook, until: new Date(until) };
    const opened = await heardOut(lease, (call) => push.open(grant, address, order, call));
    const adopted = { ...opened, isHeard: push.handshake !== null, fraction: entropy.fraction() };
    await adoptChannel(runtime, row, lease, adopted).catch(async (error: unknown) => {
      if (error instanceof Superseded) await leave(tended, opened, secret);
      throw error;
    });
    return null;
  } catch (error) {
    if (error instanceof Superseded) throw error;
    const fault = faultOf(error, lease);
    if (OPENED_NOTHING.includes(fault.fault)) await forgetChannel(database, id);
    else await abandonChannel(database, id, null);
    return fault;
  }
};

/** Stops a channel that is in the way of another: its service takes one for each calendar. Answers the failure; null when it is stopped. */
const makeWay = async ({ runtime, lease, push, grant }: Tended, { id, remote }: Channel): Promise<ProviderFault | null> => {
  if (remote === null) return null;
  try {
    await push.stop(await grant(), { id, remote }, lease);
    await forgetChannel(runtime.database, id);
    return null;
  } catch (error) {
    if (error instanceof Superseded) throw error;
    return faultOf(error, lease);
  }
};

/**
 * Opens a channel for a calendar; an id that was used before is no reason to wait, and neither is a channel that tells an address from before. Answers the
 * failure; null when it is open.
 */
const open = async (tended: Tended, webhook: string, live: Channel | null): Promise<ProviderFault | null> => {
  const failure = await openOne(tended, webhook);
  if (failure?.fault !== 'conflict') return failure;
  const unstopped = live?.isElsewhere === true ? await makeWay(tended, live) : null;
  return unstopped ?? openOne(tended, webhook);
};

/** Lets a channel live longer. Answers the failure; null when it does; `gone` where its service has it no more. */
const prolong = async ({ runtime, row, lease, push, grant }: Tended, { id, remote }: Channel): Promise<ProviderFault | 'gone' | null> => {
  if (push.extend === null || remote === null) return 'gone';
  try {
    const until = new Date(runtime.clock.now() + push.life);
    const stated = await push.extend(await grant(), { id, remote }, until, lease);
    await prolongChannel(runtime, row, lease, { id, until: stated, fraction: runtime.entropy.fraction() });
    return null;
  } catch (error) {
    if (error instanceof Superseded) throw error;
    const fault = faultOf(error, lease);
    if (fault.fault !== 'calendar-gone') return fault;
    await forgetChannel(runtime.database, id);
    return 'gone';
  }
};

/**
 * Has a channel on a calendar that is good for a while: the one there is lives longer where its service can do that and it is relied on, else another is
 * opened. Answers the failure; null when there is one.
 */
export const renew = async (tended: Tended, webhook: string, live: Channel | null, isReliedOn: boolean): Promise<ProviderFault | null> => {
  if (tended.push.extend === null || live === null || live.isElsewhere || !isReliedOn) return open(tended, webhook, live);
  const prolonged = await prolong(tended, live);
  return prolonged === 'gone' ? open(tended, webhook, live) : prolonged;
};
