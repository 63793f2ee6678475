import { describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { asAdmin, headersOf, makeTopics, ownKafka, prefixed, readTopic, sharedKafka } from '../support/kafka.js';

const publish = async (brokers: string, topic: string, value: string): Promise<void> => {
  const client = new kafkajs.Kafka({ clientId: 'test', brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ key: 'k', value, headers: { id: value } }] });
  } finally {
    await producer.disconnect();
  }
};

describe('the Apache Kafka of this machine', () => {
  it('is one for all suites of a run', async () => {
    const [brokers, again] = await Promise.all([sharedKafka(), sharedKafka()]);
    expect(again).toBe(brokers);
    const topic = prefixed('shared');
    await makeTopics(brokers, { [topic]: 1 });
    await publish(brokers, topic, 'for all');
    const [message] = await readTopic(brokers, topic);
    expect(message).toMatchObject({ key: 'k', payload: 'for all' });
    expect(message && headersOf(message)).toEqual({ id: 'for all' });
  });

  it('keeps its address and what it holds when it is killed, and loses all when it is emptied', async () => {
    const own = await ownKafka();
    try {
      await makeTopics(own.brokers, { kept: 1 });
      await publish(own.brokers, 'kept', 'first');
      await own.kill();
      await own.start();
      expect((await readTopic(own.brokers, 'kept')).map(({ payload }) => payload)).toEqual(['first']);
      await own.stop();
      own.empty();
      await own.start();
      expect(await asAdmin(own.brokers, (admin) => admin.listTopics())).not.toContain('kept');
    } finally {
      await own.end();
    }
  });
});
