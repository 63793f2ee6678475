import { type Health } from '../../kernel/health.js';

/** What is seen of a running consumer; times in milliseconds since the epoch. */
export type Seen = Readonly<{
  /** Null while it is not a member of its group. */
  joinedAt: number | null;
  /** When it began, or left its group last. */
  apartSince: number;
  /** Partitions it was given, all topics together. */
  assigned: number;
  /** Since when it has none, although no other member has them all. */
  emptySince: number | null;
  /** When the last fetch ended, or one was begun before that which is under way still. Null until one has ended. */
  fetchedAt: number | null;
  /** Messages that handlers are at, or that wait for an engine. */
  underWay: number;
}>;

/**
 * In milliseconds. `rebalance`: how long a group may take to divide its partitions; `silence`: without a fetch while no handler is at work; `apart`: out of
 * the group, which the client gives up by itself when brokers are out of reach.
 */
export const LIMITS = { rebalance: 60_000, silence: 30_000, apart: 120_000 } as const;

/** Since when it has fetched nothing as a member. */
const silentSince = ({ fetchedAt }: Seen, joinedAt: number): number => Math.max(fetchedAt ?? 0, joinedAt);

/** Whether a consumer must be ended and made new: it is alive, and hears nothing, as a member of its group or because it does not come to be one. */
export const isDeaf = (seen: Seen, now: number): boolean => {
  const { joinedAt, apartSince, emptySince, underWay, assigned } = seen;
  if (joinedAt === null) return now - apartSince > LIMITS.apart;
  if (emptySince !== null) return now - emptySince > LIMITS.rebalance;
  return assigned > 0 && underWay === 0 && now - silentSince(seen, joinedAt) > LIMITS.rebalance;
};

/** How a running consumer stands, for operators. While the brokers are out of reach it is not a member, which takes nothing else out of service. */
export const standingOf = (seen: Seen, now: number): Health => {
  const { joinedAt, apartSince, assigned, emptySince, underWay } = seen;
  if (joinedAt === null) return { ok: now - apartSince <= LIMITS.silence, isPartial: true, detail: 'not a member of its group yet' };
  if (emptySince !== null)
    return { ok: now - emptySince <= LIMITS.rebalance, detail: 'has no partitions, and other members do not have all of them' };
  if (assigned === 0) return { ok: true, detail: 'standing by: other members have all partitions' };
  const silent = now - silentSince(seen, joinedAt);
  if (underWay === 0 && silent > LIMITS.silence)
    return { ok: false, detail: `has fetched nothing for ${Math.floor(silent / 1_000)} seconds` };
  return { ok: true, detail: `reads ${assigned} ${assigned === 1 ? 'partition' : 'partitions'}` };
};
