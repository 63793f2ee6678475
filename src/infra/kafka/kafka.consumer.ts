import type kafkajs from 'kafkajs';
import { type Delivered } from '../../kernel/broker.js';
import { type Clock, MINUTE } from '../../kernel/clock.js';
import { type Fate, withRetry } from '../../kernel/delivery.js';
import { type Health } from '../../kernel/health.js';
import { type Log } from '../../kernel/log.js';
import { kafkaClient } from './client.kafka.js';
import { KafkaInbox } from './inbox.kafka.js';
import { type Asked, inspector, OffsetsOutside } from './inspector.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { BOUNDED } from './kafka.publisher.js';
import { type Positions } from './positions.sql.js';
import { countingProducer } from './producer.kafka.js';
import { ConsumerEnded, watchConsumer } from './watched.kafka.js';

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

/** The client repairs an offset that is out of range by itself, and says no more of it than this. */
const REPAIRED = 'Offset out of range, resetting to default offset';

const hearingRepairs = (log: Log, onRepair: () => void): Log => ({
  ...log,
  warn: (message, fields) => {
    if (fields?.['said'] === REPAIRED) onRepair();
    log.warn(message, fields);
  },
});

/** Looks at the group when the consumer has joined it, after a repair and each minute; meanwhile no message is handled. */
const guard = (inspect: () => Promise<void>, end: (error: Error) => void, log: Log) => {
  let cleared = Promise.resolve();
  const look = (): void => {
    cleared = inspect();
    cleared.catch((error: unknown) => {
      if (error instanceof OffsetsOutside || error instanceof ConsumerEnded) end(error);
      else log.warn('the group of the consumers could not be looked at');
    });
  };
  const timer = setInterval(look, MINUTE);
  return {
    look,
    /** A look that failed for the moment is repeated. */
    cleared: (): Promise<void> =>
      cleared.catch((error: unknown) => {
        look();
        throw error;
      }),
    stop: (): void => {
      clearInterval(timer);
    },
  };
};

/** Makes a consumer of Apache Kafka. */
export const kafkaConsumer = (means: KafkaMeans, { group, topics: named }: Asked): KafkaConsumer => {
  const { settings, clock, log, positions, declaresRetry, failed } = means;
  const asked = { group, topics: named.flatMap((topic) => withRetry(topic, declaresRetry)) };
  const client = kafkaClient(
    settings,
    hearingRepairs(log, () => {
      guarded.look();
    }),
    PATIENT,
  );
  const producer = countingProducer(kafkaClient(settings, log, BOUNDED), log);
  const { lags, inspect, onCommit, membersHaveAll } = inspector(positions, client, asked);
  const watched = watchConsumer(clock, membersHaveAll);
  const guarded = guard(inspect, watched.fail, log);
  const made = (consumer: kafkajs.Consumer): void => {
    watched.follow(consumer);
    consumer.on(consumer.events.GROUP_JOIN, guarded.look);
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      onCommit(payload);
    });
  };
  const strategy = new KafkaInbox({
    ...{ client, ...asked, declaresRetry, failed, made },
    send: producer.send,
    cleared: guarded.cleared,
    begun: watched.begun,
  });
  return {
    ...{ strategy, lags, inspect },
    ended: watched.ended,
    health: watched.health,
    fetchedAt: watched.fetchedAt,
    close: async () => {
      guarded.stop();
      watched.stop();
      await producer.close();
    },
  };
};
