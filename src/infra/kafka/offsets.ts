/**
 * A partition of a topic as one group of consumers has read it. `committed`: the next offset it reads, as the broker has it; `remembered`: as this service
 * noted it last; null: nothing is known. The partition has the offsets from `low` to just before `high`.
 */
export type Place = Readonly<{
  topic: string;
  partition: number;
  committed: bigint | null;
  remembered: bigint | null;
  low: bigint;
  high: bigint;
}>;

/** Why reading cannot go on: the topic is another one than was read (`beyond`), or messages were removed unread (`before`). */
export type Outside = Pick<Place, 'topic' | 'partition' | 'low'> & Readonly<{ why: 'beyond' | 'before' }>;

/** The later of two notes of where a group is, for each `topic/partition`. Another member may have gone on where this one stopped, and the other way round. */
export const furthestOf = (one: ReadonlyMap<string, bigint>, other: ReadonlyMap<string, bigint>): ReadonlyMap<string, bigint> =>
  new Map([...one.keys(), ...other.keys()].map((place) => [place, later(one.get(place) ?? null, other.get(place) ?? null) ?? 0n]));

const later = (one: bigint | null, other: bigint | null): bigint | null => (one === null || (other !== null && other > one) ? other : one);

/**
 * Partitions whose next offset is outside of what they have (sync-rule 35): to go on there would repeat or skip messages in silence. A broker that was emptied
 * forgets what groups have committed, too; what this service remembers tells it.
 */
export const outsideOf = (places: readonly Place[]): readonly Outside[] =>
  places.flatMap(({ topic, partition, committed, remembered, low, high }): Outside[] => {
    const furthest = later(committed, remembered);
    if (furthest !== null && furthest > high) return [{ topic, partition, low, why: 'beyond' }];
    const next = committed ?? remembered;
    return next !== null && next < low ? [{ topic, partition, low, why: 'before' }] : [];
  });

/** A sentence for operators. */
export const toldOutside = (outside: readonly Outside[]): string =>
  outside
    .map(({ topic, partition, why }) =>
      why === 'beyond' ? `${topic}/${partition} lacks messages that were read` : `${topic}/${partition} lost messages that were not read`,
    )
    .join(', ');

/** Messages of a topic that a group has not read. */
export const lagOf = (places: readonly Place[]): ReadonlyMap<string, number> => {
  const lags = new Map<string, number>();
  for (const { topic, committed, low, high } of places) lags.set(topic, (lags.get(topic) ?? 0) + Number(high - (committed ?? low)));
  return lags;
};
