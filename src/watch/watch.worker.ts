import { createHash, randomBytes } from 'node:crypto';
import { calendar, type Calendar } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { isDeadGrant, obstacleOf } from '../connection/account-fault.js';
import { metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, DAY, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';
import { type WatchMode } from '../provider/abilities.js';
import { type Call, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { type Grant } from '../provider/grant.js';
import { type Push, Unwatchable } from '../provider/push.js';
import { retryAt } from '../sync/generation.js';
import { type Channel, isToRenew, liveOf, nextAt, watchNow, type Watch } from './channel.js';
import { type Unwatched } from './unwatched.js';
import {
  abandonChannel,
  adoptChannel,
  announceChannel,
  channelsOf,
  forgetChannel,
  settleWatch,
  tidied,
  watchOf,
  type WatchRow,
} from './watch.sql.js';
import { type WebhookOf } from './webhook-address.js';

/** What watching calendars works with. */
export type WatchRuntime = Readonly<{
  database: Database;
  store: EventStore;
  vault: Pick<Vault, 'connection'>;
  providers: Providers;
  clock: Clock;
  entropy: Entropy;
  /** What opens the account that a claimed row belongs to, for as long as its lease holds. */
  grantOf: (row: WatchRow, call: Call) => Promise<Grant>;
  webhookOf: WebhookOf;
  /** Milliseconds within which a calendar is read by itself. */
  sweep: (provider: string, mode: WatchMode) => Promise<number>;
}>;

/** Calendars that cannot be watched are asked for again so seldom: what they are does not change by itself. */
const ASKED_AGAIN = 7 * DAY;

/** How soon it is looked again whether a channel whose answer was lost has told what its service calls it, and until when. */
const AWAITED = 2 * 60_000;
const AWAITED_FOR = 5 * AWAITED;

/** Refusals that say that no channel was opened. After any other the channel may exist. */
const OPENED_NOTHING: readonly string[] = [
  ...['forbidden', 'throttled', 'calendar-gone', 'misconfigured', 'refused-address'],
  ...['access-revoked', 'access-expired', 'access-withdrawn', 'access-policy'],
];

/** Faults that pass by themselves. */
const PASSING: readonly string[] = ['unavailable', 'throttled', 'malformed', 'conflict'];

/** A claimed row, with all that its calendar is watched by. `grant`: asked for when it is needed, and once. */
type Tended = Readonly<{ runtime: WatchRuntime; row: WatchRow; lease: Lease; push: Push; sealed: string; grant: () => Promise<Grant> }>;

/** The fault of a call; throws what is ours and says nothing of the service. */
const faultOf = (error: unknown, { signal }: Lease): ProviderFault => {
  if (signal.aborted) throw new Superseded();
  const obstacle = obstacleOf(error);
  if (obstacle === null) throw error;
  return obstacle === 'key-gone' ? new ProviderFault('access-revoked', 'the key of the connection is gone') : obstacle;
};

/** Stops what is to be stopped and can be named; the last failure, null when there was none. */
const stopAll = async ({ runtime, lease, push, grant }: Tended, channels: readonly Channel[]): Promise<ProviderFault | null> => {
  let failure: ProviderFault | null = null;
  for (const { id, state, remote } of channels) {
    if (state !== 'closing' || remote === null) continue;
    try {
      await push.stop(await grant(), { id, remote }, lease);
      await forgetChannel(runtime.database, id);
    } catch (error) {
      failure = faultOf(error, lease);
    }
  }
  return failure;
};

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
    await grant.secret();
    await announceChannel(database, row, lease, { id, tokenHash: sha256(token), address: webhook, now, until });
    const opened = await push.open(grant, address, { id, token, address: webhook, until: new Date(until) }, lease);
    await adoptChannel(runtime, row, lease, opened, entropy.fraction()).catch(async (error: unknown) => {
      // A connection that was revoked meanwhile is wound up by another worker, which can stop the channel when it knows its name.
      if (error instanceof Superseded) await abandonChannel(database, id, opened.remote);
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

/** An id that was used before is no reason to wait. */
const open = async (tended: Tended, webhook: string): Promise<ProviderFault | null> => {
  const failure = await openOne(tended, webhook);
  return failure?.fault === 'conflict' ? openOne(tended, webhook) : failure;
};

const reasonOf = (failure: ProviderFault | null): Unwatched | null => {
  if (failure === null) return null;
  if (failure instanceof Unwatchable) return 'push.unwatchable';
  return PASSING.includes(failure.fault) ? 'push.unhealthy' : 'push.refused';
};

/** Why a calendar is not to be watched; null when it is. */
const hindranceOf = (state: Calendar, push: Push | null, webhook: string | null): Unwatched | null => {
  if (push === null || webhook === null) return 'push.not-public';
  if (state.status === 'none' || !state.visible) return 'push.hidden';
  return state.fault === 'calendar-gone' || state.fault === 'forbidden' ? 'push.refused' : null;
};

/** Has the calendar take note of how it is watched, where that has changed. */
const recordWatch = async ({ store, clock, entropy }: WatchRuntime, row: WatchRow, { mode, reason }: Watch): Promise<void> => {
  const at = instant(clock.now());
  await handle(store, calendar, calendarCodec, {
    id: row.calendar_id,
    command: mode === 'pushed' ? { type: 'OpenWatch', at } : { type: 'CloseWatch', reason: reason ?? 'push.unhealthy', at },
    metadata: metadataOf(systemCause('sync', row.user_id, entropy.uuid()), entropy.uuid()),
    ifMatch: null,
  });
};

/** `without`: why there is no channel, where there is none. `failure`: what has to be tried again. */
type Found = Readonly<{ without: Unwatched | null; failure: ProviderFault | null }>;

const dueOf = (channels: readonly Channel[], watch: Watch, { without, failure }: Found, retry: number, now: number): number => {
  const live = liveOf(channels, now);
  const isAwaited = channels.some(({ state, remote, openedAt }) => state === 'closing' && remote === null && openedAt + AWAITED_FOR > now);
  return Math.min(
    live === null
      ? Infinity
      : nextAt(
          live,
          channels.some(({ state }) => state === 'old'),
          watch,
          now,
        ),
    isAwaited ? now + AWAITED : Infinity,
    failure === null || without === 'push.unwatchable' ? Infinity : retry,
  );
};

/** Ends a look: how the calendar is watched now, and when it is looked at again. */
const settle = async (runtime: WatchRuntime, row: WatchRow, lease: Lease, found: Found): Promise<void> => {
  const { database, clock, entropy, sweep, webhookOf } = runtime;
  const now = clock.now();
  const channels = await channelsOf(database, row.calendar_id, webhookOf(row.provider));
  const watch = watchNow(watchOf(row), liveOf(channels, now), found.without, now);
  const isUnwatchable = watch.mode === 'unwatchable';
  const failures = found.failure === null || isUnwatchable ? 0 : row.failures + 1;
  const retry = retryAt(now, failures, found.failure?.retryAfter ?? null, entropy.fraction());
  const asked = isUnwatchable ? now + ASKED_AGAIN - Math.floor(entropy.fraction() * DAY) : Infinity;
  const dueAt = Math.min(asked, dueOf(channels, watch, found, retry, now));
  await settleWatch(database, row, lease, { watch, failures, dueAt, polledWithin: await sweep(row.provider, watch.mode), now });
  await recordWatch(runtime, row, watch);
};

/**
 * Looks after the channels of one claimed calendar: closes what is over, opens one where there is none or the one there is ends soon, and decides whether
 * its service is relied on. Each step may be repeated after a death.
 */
export const tendWatch =
  (runtime: WatchRuntime) =>
  async (row: WatchRow, lease: Lease): Promise<void> => {
    const { database, store, providers, clock, webhookOf } = runtime;
    const [read] = await database.query<{ sealed: string; fault: string | null }>(
      'select sealed, fault from sync_state where calendar_id = $1',
      [row.calendar_id],
    );
    if (read === undefined) throw new Superseded();
    // With a grant that is dead nothing is opened and nothing stopped; a new one wakes the row.
    if (isDeadGrant(read.fault)) return settle(runtime, row, lease, { without: 'push.refused', failure: null });
    const push = providers.get(row.provider)?.push ?? null;
    const webhook = webhookOf(row.provider);
    const { state } = await store.stateOf(calendar, calendarCodec, row.calendar_id);
    const hindrance = hindranceOf(state, push, webhook);
    const channels = await tidied(database, row, lease, { wanted: hindrance === null, now: clock.now(), webhook });
    if (push === null) return settle(runtime, row, lease, { without: hindrance, failure: null });
    let grant: Promise<Grant> | null = null;
    const tended: Tended = { runtime, row, lease, push, sealed: read.sealed, grant: () => (grant ??= runtime.grantOf(row, lease)) };
    const unstopped = await stopAll(tended, channels);
    const [live, now] = [liveOf(channels, clock.now()), clock.now()];
    const isOpened = hindrance === null && webhook !== null && isToRenew(live, watchNow(watchOf(row), live, null, now), now);
    const unopened = isOpened ? await open(tended, webhook) : null;
    await settle(runtime, row, lease, { without: hindrance ?? reasonOf(unopened), failure: unopened ?? unstopped });
  };
