/** Each topic of this broker has so many partitions. Permanent: with another number keys would move, and lose their order. */
export const PARTITIONS = 4;

/** The partition of a key: FNV-1a over its UTF-16 units. Permanent, like the number of partitions. */
export const partitionOf = (key: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % PARTITIONS;
};

/** A partition of a topic that a group reads. */
export type Place = Readonly<{ topic: string; partition: number }>;

export const nameOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** The lock that all readers of a topic hold together, by which they are counted. */
export const markOf = (topic: string): string => `${topic}/readers`;

export const placesOf = (topics: readonly string[]): readonly Place[] =>
  topics.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })));

/** What a reader does next. `leave`: partitions it gives up; `take`: those it tries to lock, one after the other, until it has so many (`room`). */
export type Division = Readonly<{ leave: readonly string[]; take: readonly string[]; room: number }>;

/**
 * How a reader comes to its share of a topic's partitions: as many as all others have, rounded up. Names of partitions: all there are, those it holds, those that any
 * member has locked.
 */
export const divide = (
  all: readonly string[],
  { held, locked, members }: Readonly<{ held: readonly string[]; locked: ReadonlySet<string>; members: number }>,
): Division => {
  const share = Math.ceil(all.length / Math.max(1, members));
  return {
    leave: held.slice(share),
    take: all.filter((name) => !locked.has(name) && !held.includes(name)),
    room: Math.max(0, share - held.length),
  };
};
