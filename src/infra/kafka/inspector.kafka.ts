import type kafkajs from 'kafkajs';
import { parkedTopic } from '../../kernel/delivery.js';
import { asAdmin, assignedOf, missingOf, placesOf } from './admin.kafka.js';
import { furthestOf, lagOf, type Outside, outsideOf, toldOutside } from './offsets.js';
import { type Positions } from './positions.sql.js';
import { ConsumerEnded } from './watched.kafka.js';

/** Which consumers: one group reads topics, each message in one of its members. */
export type Asked = Readonly<{ group: string; topics: readonly string[] }>;

/** The topics are not as the group has read them: an operator decides (sync-rule 35). */
export class OffsetsOutside extends Error {
  override readonly name = 'OffsetsOutside';
  constructor(readonly outside: readonly Outside[]) {
    super(toldOutside(outside));
  }
}

type Commit = kafkajs.ConsumerCommitOffsetsEvent['payload'];

/** Looks at a group: topics that are missing, and offsets that are outside of what topics have. */
export const inspector = (positions: Positions, client: Pick<kafkajs.Kafka, 'admin'>, { group, topics }: Asked) => {
  let lags: ReadonlyMap<string, number> = new Map();
  const committed = new Map<string, bigint>();
  return {
    /** Of each topic, as of the last look. */
    lags: () => lags,
    /** Remembers what this member has committed since the last look. */
    onCommit: (commit: Commit): void => {
      for (const { topic, partitions } of commit.topics)
        for (const { partition, offset } of partitions) committed.set(`${topic}/${partition}`, BigInt(offset));
    },
    /** Throws `ConsumerEnded` where a topic is missing and `OffsetsOutside`; any other error says that brokers are out of reach. */
    inspect: (): Promise<void> =>
      asAdmin(client, async (admin) => {
        const missing = await missingOf(admin, [...new Set([...topics, ...topics.map(parkedTopic)])]);
        if (missing.length > 0) throw new ConsumerEnded(`there is no topic ${missing.join(', ')}: npm run kafka:topics makes it`);
        const places = await placesOf(admin, group, topics, furthestOf(await positions.of(group), committed));
        const outside = outsideOf(places);
        if (outside.length > 0) throw new OffsetsOutside(outside);
        lags = lagOf(places);
        await positions.remember(group, places);
      }),
    /** Whether the members of the group have all partitions together. */
    membersHaveAll: (): Promise<boolean> =>
      asAdmin(client, async (admin) => {
        const { topics: known } = await admin.fetchTopicMetadata({ topics: [...topics] });
        return (await assignedOf(admin, group)) >= known.reduce((sum, { partitions }) => sum + partitions.length, 0);
      }),
  };
};
