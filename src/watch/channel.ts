import { HOUR, MINUTE } from '../kernel/clock.js';
import { type WatchMode } from '../provider/abilities.js';
import { type Unwatched } from './unwatched.js';

/**
 * A channel on a calendar; instants in milliseconds since the epoch. `opening`: its service is being asked, or the answer was lost; `live`: the one that
 * is relied on; `old`: another has taken its place a moment ago; `closing`: it is to be stopped. `remote`: what its service calls it; null while that
 * is not known. `isElsewhere`: its notifications go to another address than this service's.
 */
export type Channel = Readonly<{
  id: string;
  state: 'opening' | 'live' | 'old' | 'closing';
  remote: string | null;
  openedAt: number;
  expiresAt: number;
  renewAt: number;
  heardAt: number | null;
  isElsewhere: boolean;
}>;

/** How a calendar is watched. `missedAt`: when a reading last found a change that was not told of; `missed`: how many such in a row. */
export type Watch = Readonly<{ mode: WatchMode; reason: Unwatched | null; missedAt: number | null; missed: number }>;

/** How long the channel before is accepted beside a new one, because notifications may be under way. */
const OVERLAP = 2 * MINUTE;

/** A notification that has not come within this time is late. */
const LATE = 2 * MINUTE;

/** Changes in a row that were not told of, from which on a channel is not relied on. Vendors lose a few notifications by themselves. */
const MOST_MISSED = 2;

/** How soon a channel that is not relied on is replaced. */
const REPLACED = 6 * HOUR;

/** How soon a channel of another address is replaced. Processes that were started with different addresses replace each other's no more often. */
const MOVED = 10 * MINUTE;

/** When a channel is renewed: at 80 % of its life, up to 5 % of it earlier, so that those opened together spread out. */
export const renewalAt = (openedAt: number, expiresAt: number, fraction: number): number =>
  Math.floor(openedAt + (expiresAt - openedAt) * (0.8 - 0.05 * fraction));

export const isOver = ({ expiresAt }: Channel, now: number): boolean => expiresAt <= now;

/** The one channel that is relied on. */
export const liveOf = (channels: readonly Channel[], now: number): Channel | null =>
  channels.find((channel) => channel.state === 'live' && !isOver(channel, now)) ?? null;

/** Whether a channel is to be stopped. `wanted`: changes of its calendar are to be told of. One whose opening did not end is never relied on. */
export const isToStop = (
  { state }: Channel,
  live: Channel | null,
  { wanted, now }: Readonly<{ wanted: boolean; now: number }>,
): boolean => {
  if (!wanted || state === 'closing' || state === 'opening') return true;
  return state === 'old' && (live === null || live.openedAt + OVERLAP <= now);
};

/** Changes in a row that were not told of; a channel that was heard of since shortly before the last of them was only late. */
const missedNow = ({ missed, missedAt }: Watch, heardAt: number | null, now: number): Pick<Watch, 'missed' | 'missedAt'> => {
  if (missedAt === null) return { missed, missedAt };
  if (heardAt !== null && heardAt >= missedAt - LATE) return { missed: 0, missedAt: null };
  return missedAt + LATE <= now ? { missed: missed + 1, missedAt: null } : { missed, missedAt };
};

/** Whether the service is relied on: not after changes that were not told of, nor while a channel, once open, is silent about being so. */
const isReliedOn = ({ reason, missed }: Watch, live: Channel, now: number): boolean => {
  if (missed >= MOST_MISSED) return false;
  return live.heardAt !== null || (reason !== 'push.unhealthy' && now < live.openedAt + LATE);
};

/** How a calendar is watched now. `live`: the channel that is open; `without`: why there is none. One that tells another address tells nothing here. */
export const watchNow = (before: Watch, live: Channel | null, without: Unwatched | null, now: number): Watch => {
  if (live === null || live.isElsewhere) {
    const mode = without === 'push.unwatchable' ? 'unwatchable' : 'polled';
    return { mode, reason: without ?? 'push.unhealthy', missed: 0, missedAt: null };
  }
  const counted = missedNow(before, live.heardAt, now);
  if (isReliedOn({ ...before, ...counted }, live, now)) return { ...counted, mode: 'pushed', reason: null };
  return { ...counted, mode: 'polled', reason: 'push.unhealthy' };
};

/** When a channel is to be replaced by another. */
const replacedAt = ({ renewAt, openedAt, isElsewhere }: Channel, { reason }: Watch): number => {
  if (isElsewhere) return Math.min(renewAt, openedAt + MOVED);
  return reason === 'push.unhealthy' ? Math.min(renewAt, openedAt + REPLACED) : renewAt;
};

export const isToRenew = (live: Channel | null, watch: Watch, now: number): boolean => live === null || replacedAt(live, watch) <= now;

/** When there is next something to do for a channel that is open, without regard to failures. */
export const nextAt = (live: Channel, hasOld: boolean, watch: Watch, now: number): number => {
  const steps = [
    replacedAt(live, watch),
    live.expiresAt,
    ...(hasOld ? [live.openedAt + OVERLAP] : []),
    ...(live.heardAt === null ? [live.openedAt + LATE] : []),
    ...(watch.missedAt === null ? [] : [watch.missedAt + LATE]),
  ];
  return Math.min(...steps.filter((at) => at > now));
};
