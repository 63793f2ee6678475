import { type Message, type Publisher } from '../../kernel/broker.js';
import { type Log } from '../../kernel/log.js';
import { inBatches } from './batches.js';
import { kafkaClient } from './client.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { countingProducer } from './producer.kafka.js';

/** Some seconds: who publishes goes on from its checkpoint, with pauses of its own. */
export const BOUNDED = { retries: 5, maxRetryTime: 1_000 };

/** What a message takes besides its texts. */
const FRAME = 100;

const sizeOf = ({ key, value, headers }: Message): number =>
  FRAME + Buffer.byteLength(key) + Buffer.byteLength(value ?? '') + Buffer.byteLength(JSON.stringify(headers));

/** Publishes to Apache Kafka; connects at the first message. */
export const kafkaPublisher = (settings: KafkaSettings, log: Log): Publisher => {
  const producer = countingProducer(kafkaClient(settings, log, BOUNDED), log);
  return {
    publish: async (topic, messages) => {
      for (const batch of inBatches(messages, sizeOf))
        await producer.send(
          topic,
          batch.map(({ id, key, value, headers }) => ({ key, value, headers: { ...headers, id } })),
        );
    },
    close: producer.close,
  };
};
