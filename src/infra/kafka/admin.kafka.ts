import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { type Outside, type Place } from './offsets.js';

/** Does some work of an operator, over a connection of its own. */
export const asAdmin = async <T>(client: Pick<kafkajs.Kafka, 'admin'>, work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
  const admin = client.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};

/** Those of some topics that do not exist. */
export const missingOf = async (admin: kafkajs.Admin, topics: readonly string[]): Promise<readonly string[]> => {
  const there = new Set(await admin.listTopics());
  return topics.filter((topic) => !there.has(topic));
};

/** A broker that has just started, or where a group is the first, says for some seconds that it loads what it knows of groups. */
const LOADING = { tries: 20, pause: 500 } as const;

const whenLoaded = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
      if (!isPassing || attempt === LOADING.tries) throw error;
      await sleep(LOADING.pause);
    }
  }
};

/** Negative offsets stand for "none yet" and "the first there is". */
const offsetOf = (text: string | undefined): bigint | null => (text === undefined || text.startsWith('-') ? null : BigInt(text));

/**
 * Where a group is in some topics. `remembered`: of each `topic/partition`, as it was before this is asked: what the group reads meanwhile may be beyond what
 * the broker then says that it has.
 */
export const placesOf = async (
  admin: kafkajs.Admin,
  group: string,
  topics: readonly string[],
  remembered: ReadonlyMap<string, bigint>,
): Promise<readonly Place[]> => {
  const committed = new Map<string, string>();
  for (const { topic, partitions } of await whenLoaded(() => admin.fetchOffsets({ groupId: group, topics: [...topics] })))
    for (const { partition, offset } of partitions) committed.set(`${topic}/${partition}`, offset);
  const places = topics.map(async (topic) =>
    (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
      topic,
      partition,
      committed: offsetOf(committed.get(`${topic}/${partition}`)),
      remembered: remembered.get(`${topic}/${partition}`) ?? null,
      low: BigInt(low),
      high: BigInt(high),
    })),
  );
  return (await Promise.all(places)).flat();
};

/** Has a group go on with the first message that each of these partitions has. No member of it may be running. */
export const beginAgain = async (admin: kafkajs.Admin, group: string, outside: readonly Outside[]): Promise<void> => {
  for (const { topic, partition, low } of outside)
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition, offset: String(low) }] });
};

/** How many partitions the members of a group have together. */
export const assignedOf = async (admin: kafkajs.Admin, group: string): Promise<number> => {
  const { groups } = await admin.describeGroups([group]);
  const members = groups.flatMap((each) => each.members);
  const counts = members.map(({ memberAssignment }) => {
    const decoded = memberAssignment.length === 0 ? null : kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
    return Object.values(decoded?.assignment ?? {}).flat().length;
  });
  return counts.reduce((sum, count) => sum + count, 0);
};
