import { randomUUID } from 'node:crypto';
import type kafkajs from 'kafkajs';
import { type Delivered } from '../../kernel/broker.js';
import { type Log } from '../../kernel/log.js';
import { type Shelf } from '../../kernel/parked.js';
import { asAdmin } from './admin.kafka.js';
import { kafkaClient } from './client.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { BOUNDED } from './kafka.publisher.js';
import { countingProducer, type RawMessage } from './producer.kafka.js';
import { deliveredOf } from './delivered.kafka.js';

/** A message with the bytes that it has in Kafka. */
type Whole = Delivered & Readonly<{ raw: RawMessage }>;

/** Milliseconds without a message after which a topic is given up. */
const SILENCE = 30_000;

/** The last offset of each partition that holds messages. */
const lastOf = async (admin: kafkajs.Admin, topic: string): Promise<Map<number, bigint>> => {
  if (!(await admin.listTopics()).includes(topic)) return new Map();
  const partitions = (await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => low !== high);
  return new Map(partitions.map(({ partition, high }) => [partition, BigInt(high) - 1n]));
};

/** Reads a topic from its first message to those that it has now, by a group of one that is removed afterwards. */
const readAll = async (client: kafkajs.Kafka, topic: string): Promise<readonly Whole[]> => {
  const left = await asAdmin(client, (admin) => lastOf(admin, topic));
  if (left.size === 0) return [];
  const groupId = `juy-calendar-parked-${randomUUID()}`;
  const consumer = client.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 });
  const found: Whole[] = [];
  let heard = performance.now();
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        if (performance.now() - heard > SILENCE) reject(new Error(`${topic} could not be read to its end`));
      }, 1_000);
      const done = (): void => {
        clearInterval(timer);
        resolve();
      };
      const eachMessage = (payload: kafkajs.EachMessagePayload): Promise<void> => {
        const { key, value, headers = {} } = payload.message;
        const message = deliveredOf(payload);
        heard = performance.now();
        found.push({ ...message, raw: { key, value, headers } });
        if (message.offset >= (left.get(message.partition) ?? 0n)) left.delete(message.partition);
        if (left.size === 0) done();
        return Promise.resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  await asAdmin(client, (admin) => admin.deleteGroups([groupId])).catch(() => undefined);
  return found;
};

/** The parked topics of Apache Kafka. */
export const kafkaShelf = (settings: KafkaSettings, log: Log): Shelf<Whole> & Readonly<{ close: () => Promise<void> }> => {
  const client = kafkaClient(settings, log, BOUNDED);
  const producer = countingProducer(client, log);
  return {
    read: (topic) => readAll(client, topic),
    copy: async ({ raw }, topic, { without, with: added, isEmpty = false }) => {
      const kept = Object.entries(raw.headers).filter(([name]) => !without.includes(name));
      const headers = { ...Object.fromEntries(kept), ...added };
      await producer.send(topic, [{ key: raw.key, value: isEmpty ? null : raw.value, headers }]);
    },
    close: producer.close,
  };
};
