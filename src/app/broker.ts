import { type Delivered, type Publisher } from '../kernel/broker.js';
import { type Fate, parkedTopic } from '../kernel/delivery.js';
import { type Health } from '../kernel/health.js';
import { type Log } from '../kernel/log.js';
import { type Metrics } from '../kernel/metrics.js';
import { type Consumer } from './consumers.js';
import { type Runtime } from './runtime.js';

type Means = Pick<Runtime, 'kafka' | 'database' | 'clock' | 'log' | 'metrics'> &
  Readonly<{
    /** Whether a topic declares a retry topic. */
    declaresRetry: (topic: string) => boolean;
  }>;

/** A consumer, how it stands, how many messages of each topic it has not read, and when it last asked for some (null: not known). */
export type WatchedConsumer = Consumer &
  Readonly<{ health: () => Health; lags: () => ReadonlyMap<string, number>; fetchedAt: () => number | null }>;

type ConsumerOf = (asked: Readonly<{ group: string; topics: readonly string[] }>) => WatchedConsumer;

type Failed = (message: Delivered, fate: Fate) => void;

/** Counts and logs what handlers failed at: never what it was about. */
const failures = (metrics: Pick<Metrics, 'counter'>, log: Log): Failed => {
  const parked = metrics.counter('consumer_parked_total', 'Messages that no try handled, and that wait in a parked topic', ['topic']);
  const failed = metrics.counter('consumer_failures_total', 'Tries to handle a message that failed, by what follows', ['topic', 'next']);
  return ({ topic, partition, offset }, fate) => {
    const { then: next, code } = fate;
    failed({ topic, next });
    if (fate.then === 'move' && fate.to === parkedTopic(topic)) parked({ topic });
    log.warn('a message could not be handled', { topic, partition, offset, code, next });
  };
};

/** Makes consumers of the broker that the settings name. What it takes is loaded here, because a start does not wait for it. */
export const consumersOf = async (means: Means): Promise<ConsumerOf> => {
  const { kafka, database, metrics, log } = means;
  const failed = failures(metrics, log);
  if (kafka === null) {
    const { embeddedConsumer } = await import('../embedded/broker/broker.consumer.js');
    return (asked) => embeddedConsumer({ ...means, failed }, asked);
  }
  const [{ kafkaConsumer }, { positionsIn }] = await Promise.all([
    import('../infra/kafka/kafka.consumer.js'),
    import('../infra/kafka/positions.sql.js'),
  ]);
  const positions = positionsIn(database);
  return (asked) => kafkaConsumer({ ...means, settings: kafka, positions, failed }, asked);
};

/** Publishes to the broker that the settings name. */
export const publisherOf = async ({ kafka, database, log }: Pick<Runtime, 'kafka' | 'database' | 'log'>): Promise<Publisher> =>
  kafka === null
    ? (await import('../embedded/broker/broker.publisher.js')).embeddedPublisher(database)
    : (await import('../infra/kafka/kafka.publisher.js')).kafkaPublisher(kafka, log);
