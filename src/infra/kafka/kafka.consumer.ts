import type kafkajs from 'kafkajs';
import { type Delivered } from '../../kernel/broker.js';
import { type Clock, MINUTE } from '../../kernel/clock.js';
import { type Fate, parkedTopic, withRetry } from '../../kernel/delivery.js';
import { type Health } from '../../kernel/health.js';
import { type Log } from '../../kernel/log.js';
import { asAdmin, assignedOf, missingOf, placesOf } from './admin.kafka.js';
import { kafkaClient } from './client.kafka.js';
import { ConsumerEnded, watchConsumer } from './watched.kafka.js';
import { KafkaInbox } from './inbox.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { BOUNDED } from './kafka.publisher.js';
import { lagOf, type Outside, outsideOf, toldOutside } from './offsets.js';
import { countingProducer } from './producer.kafka.js';
import { type Positions } from './positions.sql.js';

/** Consumers wait for a broker longer than who publishes: nothing is lost meanwhile. */
const PATIENT = { retries: 20, maxRetryTime: 1_000 };

export type KafkaMeans = Readonly<{
  settings: KafkaSettings;
  clock: Clock;
  log: Log;
  positions: Positions;
  declaresRetry: (topic: string) => boolean;
  /** Is told of each try that failed. */
  failed: (message: Delivered, fate: Fate) => void;
}>;

/** Which consumers: one group reads topics, each message in one of its members. */
type Asked = Readonly<{ group: string; topics: readonly string[] }>;

/** The topics are not as the group has read them: an operator decides (sync-rule 35). */
export class OffsetsOutside extends Error {
  override readonly name = 'OffsetsOutside';
  constructor(readonly outside: readonly Outside[]) {
    super(toldOutside(outside));
  }
}

/** Looks at a group before it begins and each minute: topics that are missing, and offsets that are outside of what topics have. */
const inspector = ({ positions }: KafkaMeans, client: kafkajs.Kafka, { group, topics }: Asked) => {
  let lags: ReadonlyMap<string, number> = new Map();
  return {
    lags: () => lags,
    inspect: (): Promise<void> =>
      asAdmin(client, async (admin) => {
        const missing = await missingOf(admin, [...new Set([...topics, ...topics.map(parkedTopic)])]);
        if (missing.length > 0) throw new ConsumerEnded(`there is no topic ${missing.join(', ')}: npm run kafka:topics makes it`);
        const remembered = await positions.of(group);
        const places = await placesOf(admin, group, topics, (topic, partition) => remembered.get(`${topic}/${partition}`) ?? null);
        const outside = outsideOf(places);
        if (outside.length > 0) throw new OffsetsOutside(outside);
        lags = lagOf(places);
        await positions.remember(group, places);
      }),
    othersHaveAll: (): Promise<boolean> =>
      asAdmin(client, async (admin) => {
        const { topics: known } = await admin.fetchTopicMetadata({ topics: [...topics] });
        return (await assignedOf(admin, group)) >= known.reduce((sum, { partitions }) => sum + partitions.length, 0);
      }),
  };
};

/** A consumer for one host of Nest's handlers; when `ended` rejects, it is closed and another is made. */
export type KafkaConsumer = Readonly<{
  strategy: KafkaInbox;
  ended: Promise<never>;
  health: () => Health;
  lags: () => ReadonlyMap<string, number>;
  fetchedAt: () => number | null;
  /** Before the strategy listens; rejects when the topics are not as they should be. */
  inspect: () => Promise<void>;
  close: () => Promise<void>;
}>;

/** What a look that failed means: the consumer must end, or the broker is out of reach for the moment. */
const toldTo =
  (end: (error: Error) => void, log: Log, group: string) =>
  (error: unknown): void => {
    if (error instanceof OffsetsOutside || error instanceof ConsumerEnded) end(error);
    else log.warn('the group of the consumers could not be looked at', { group });
  };

/** Makes a consumer of Apache Kafka. */
export const kafkaConsumer = (means: KafkaMeans, { group, topics: named }: Asked): KafkaConsumer => {
  const { settings, clock, log } = means;
  const asked = { group, topics: named.flatMap((topic) => withRetry(topic, means.declaresRetry)) };
  const client = kafkaClient(settings, log, PATIENT);
  const producer = countingProducer(kafkaClient(settings, log, BOUNDED), log);
  const { lags, inspect, othersHaveAll } = inspector(means, client, asked);
  const watched = watchConsumer(clock, othersHaveAll);
  const timer = setInterval(() => void inspect().catch(toldTo(watched.fail, log, group)), MINUTE);
  const strategy = new KafkaInbox({
    client,
    ...asked,
    declaresRetry: means.declaresRetry,
    send: producer.send,
    made: watched.follow,
    begun: watched.begun,
    failed: means.failed,
  });
  return {
    strategy,
    ended: watched.ended,
    health: watched.health,
    lags,
    fetchedAt: watched.fetchedAt,
    inspect,
    close: async () => {
      clearInterval(timer);
      watched.stop();
      await producer.close();
    },
  };
};
