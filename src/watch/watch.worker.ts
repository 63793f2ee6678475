import { calendar, type Calendar } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { isDeadGrant } from '../connection/account-fault.js';
import { metadataOf, systemCause } from '../kernel/cause.js';
import { DAY, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type ProviderFault } from '../provider/calendar-provider.js';
import { type Grant } from '../provider/grant.js';
import { type Push, Unwatchable } from '../provider/push.js';
import { retryAt } from '../sync/generation.js';
import { type Channel, isToRenew, liveOf, nextAt, watchNow, type Watch } from './channel.js';
import { type Unwatched } from './unwatched.js';
import { renew } from './watch.opening.js';
import { channelsOf, forgetChannel, settleWatch, tidied, watchOf, type WatchRow } from './watch.sql.js';
import { faultOf, type Tended, type WatchRuntime } from './watch.tended.js';

/** Calendars that cannot be watched are asked for again so seldom: what they are does not change by itself. */
const ASKED_AGAIN = 7 * DAY;

/** How soon it is looked again whether a channel whose answer was lost has told what its service calls it, and until when. */
const AWAITED = 2 * 60_000;
const AWAITED_FOR = 5 * AWAITED;

/** Faults that pass by themselves. */
const PASSING: readonly string[] = ['unavailable', 'throttled', 'malformed', 'conflict'];

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

const reasonOf = (failure: ProviderFault | null): Unwatched | null => {
  if (failure === null) return null;
  if (failure instanceof Unwatchable) return failure.changes === 'seldom' ? 'push.unwatchable' : 'push.refused';
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

/**
 * `without`: why there is no channel, where there is none. `failure`: what has to be tried again. `lookedAt`: what came due after it was not seen to, and is due
 * at once.
 */
type Found = Readonly<{ without: Unwatched | null; failure: ProviderFault | null; lookedAt: number }>;

const dueOf = (
  channels: readonly Channel[],
  watch: Watch,
  { failure, lookedAt }: Omit<Found, 'without'>,
  retry: number,
  now: number,
): number => {
  const live = liveOf(channels, now);
  const isAwaited = channels.some(({ state, remote, openedAt }) => state === 'closing' && remote === null && openedAt + AWAITED_FOR > now);
  return Math.min(
    live === null
      ? Infinity
      : nextAt(
          live,
          channels.some(({ state }) => state === 'old'),
          watch,
          lookedAt,
        ),
    isAwaited ? now + AWAITED : Infinity,
    failure === null ? Infinity : retry,
  );
};

/** Ends a look: how the calendar is watched now, and when it is looked at again. */
const settle = async (runtime: WatchRuntime, row: WatchRow, lease: Lease, found: Found): Promise<void> => {
  const { database, clock, entropy, sweep, webhookOf } = runtime;
  const now = clock.now();
  const channels = await channelsOf(database, row.calendar_id, webhookOf(row.provider));
  const watch = watchNow(watchOf(row), liveOf(channels, now), found.without, now);
  const failure = found.failure instanceof Unwatchable ? null : found.failure;
  const failures = failure === null ? 0 : row.failures + 1;
  const retry = retryAt(now, failures, failure?.retryAfter ?? null, entropy.fraction());
  const asked = found.failure instanceof Unwatchable ? now + ASKED_AGAIN - Math.floor(entropy.fraction() * DAY) : Infinity;
  const dueAt = Math.min(asked, dueOf(channels, watch, { ...found, failure }, retry, now));
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
    if (isDeadGrant(read.fault)) return settle(runtime, row, lease, { without: 'push.refused', failure: null, lookedAt: clock.now() });
    const push = providers.get(row.provider)?.push ?? null;
    const webhook = webhookOf(row.provider);
    const { state } = await store.stateOf(calendar, calendarCodec, row.calendar_id);
    const hindrance = hindranceOf(state, push, webhook);
    const channels = await tidied(database, row, lease, { wanted: hindrance === null, now: clock.now(), webhook });
    if (push === null) return settle(runtime, row, lease, { without: hindrance, failure: null, lookedAt: clock.now() });
    let grant: Promise<Grant> | null = null;
    const tended: Tended = { runtime, row, lease, push, sealed: read.sealed, grant: () => (grant ??= runtime.grantOf(row, lease)) };
    const unstopped = await stopAll(tended, channels);
    const [live, now] = [liveOf(channels, clock.now()), clock.now()];
    const watch = watchNow(watchOf(row), live, null, now);
    const isRenewed = hindrance === null && webhook !== null && isToRenew(live, watch, now);
    const unopened = isRenewed ? await renew(tended, webhook, live, watch.mode === 'pushed') : null;
    await settle(runtime, row, lease, { without: hindrance ?? reasonOf(unopened), failure: unopened ?? unstopped, lookedAt: now });
  };
