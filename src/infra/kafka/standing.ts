import { type Health } from '../../kernel/health.js';

/** What is seen of a running consumer; times in milliseconds since the epoch. */
export type Seen = Readonly<{
  /** Null while it is not a member of its group. */
  joinedAt: number | null;
  /** Partitions it was given, all topics together. */
  assigned: number;
  /** Since when it has none, although no other member has them all. */
  emptySince: number | null;
  fetchedAt: number | null;
  /** Messages that handlers are at, or that wait for an engine. */
  underWay: number;
  startedAt: number;
}>;

/** In milliseconds. `rebalance`: how long a group may take to divide its partitions; `silence`: without a fetch while no handler is at work. */
export const LIMITS = { rebalance: 60_000, silence: 30_000 } as const;

/** Whether a consumer must be ended and made new: it is a member of its group, alive, and hears nothing. */
export const isDeaf = ({ joinedAt, emptySince, fetchedAt, underWay, assigned }: Seen, now: number): boolean => {
  if (joinedAt === null) return false;
  if (emptySince !== null) return now - emptySince > LIMITS.rebalance;
  return assigned > 0 && underWay === 0 && now - Math.max(fetchedAt ?? 0, joinedAt) > LIMITS.rebalance;
};

/** How a running consumer stands, for operators. While the brokers are out of reach it is not a member, which takes nothing else out of service. */
export const standingOf = (seen: Seen, now: number): Health => {
  const { joinedAt, startedAt, assigned, emptySince, fetchedAt, underWay } = seen;
  if (joinedAt === null) return { ok: now - startedAt <= LIMITS.silence, isPartial: true, detail: 'not a member of its group yet' };
  if (emptySince !== null)
    return { ok: now - emptySince <= LIMITS.rebalance, detail: 'has no partitions, and other members do not have all of them' };
  if (assigned === 0) return { ok: true, detail: 'standing by: other members have all partitions' };
  const silent = now - Math.max(fetchedAt ?? 0, joinedAt);
  if (underWay === 0 && silent > LIMITS.silence)
    return { ok: false, detail: `has fetched nothing for ${Math.floor(silent / 1_000)} seconds` };
  return { ok: true, detail: `reads ${assigned} ${assigned === 1 ? 'partition' : 'partitions'}` };
};
