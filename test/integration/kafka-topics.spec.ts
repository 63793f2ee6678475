import { beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { kafkaClient } from '../../src/infra/kafka/client.kafka.js';
import { BOUNDED } from '../../src/infra/kafka/kafka.publisher.js';
import { countingProducer } from '../../src/infra/kafka/producer.kafka.js';
import { bringTopics, foundTopics } from '../../src/infra/kafka/topics.admin.js';
import { type Topic } from '../../src/infra/kafka/topics-list.js';
import { DAY } from '../../src/kernel/clock.js';
import { asAdmin, makeTopics, prefixed, sharedKafka } from '../support/kafka.js';
import { SILENT } from '../support/store.js';

let brokers: string;
beforeAll(async () => {
  brokers = await sharedKafka();
});

const topic = (name: string, rest: Partial<Topic> = {}): Topic => ({
  name,
  kind: 'public',
  key: 'id',
  partitions: 3,
  retention: 31 * DAY,
  ...rest,
});

const bring = (wanted: readonly Topic[], shrink = false): Promise<readonly string[]> =>
  asAdmin(brokers, async (admin) => (await bringTopics(admin, wanted, shrink)).map(({ action }) => action));

const found = (wanted: readonly Topic[]) =>
  asAdmin(brokers, async (admin) => (await foundTopics(admin, wanted)).map(({ partitions, retention }) => ({ partitions, retention })));

describe('npm run kafka:topics', () => {
  it('creates the topics that are missing as they are wanted, and finds nothing to do the second time', async () => {
    const wanted = [topic(prefixed('events')), topic(prefixed('teams'), { partitions: 2, retention: 'compacted' })];
    expect(await bring(wanted)).toEqual(['create', 'create']);
    expect(await found(wanted)).toEqual([
      { partitions: 3, retention: 31 * DAY },
      { partitions: 2, retention: 'compacted' },
    ]);
    expect(await bring(wanted)).toEqual(['none', 'none']);
  });

  it('has messages kept longer, leaves other settings of a topic alone, and lets messages go only when an operator says so', async () => {
    const wanted = topic(prefixed('kept'), { retention: DAY });
    await bring([wanted]);
    const others = [
      { name: 'max.message.bytes', value: '123456' },
      { name: 'retention.ms', value: String(DAY) },
    ];
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: wanted.name };
    await asAdmin(brokers, (admin) => admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: others }] }));
    const longer = topic(wanted.name);
    expect(await bring([longer])).toEqual(['keep']);
    const { resources } = await asAdmin(brokers, (admin) =>
      admin.describeConfigs({ includeSynonyms: false, resources: [{ ...resource, configNames: ['max.message.bytes', 'retention.ms'] }] }),
    );
    const values = resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]).sort();
    expect(values).toEqual([
      ['max.message.bytes', '123456'],
      ['retention.ms', String(31 * DAY)],
    ]);
    expect(await bring([wanted])).toEqual(['refused']);
    expect(await found([wanted])).toEqual([{ partitions: 3, retention: 31 * DAY }]);
    expect(await bring([wanted], true)).toEqual(['keep']);
    expect(await found([wanted])).toEqual([{ partitions: 3, retention: DAY }]);
  });

  it('makes topics for what failed that take more than others: what is put aside there gets headers more', async () => {
    const [work, parked] = [topic(prefixed('work'), { kind: 'incoming' }), topic(prefixed('work.parked'), { kind: 'parked' })];
    await bring([work, parked]);
    const producer = countingProducer(kafkaClient({ brokers: [brokers], tls: null, sasl: null }, SILENT, BOUNDED), SILENT);
    const value = Buffer.alloc(1_048_400);
    const marks = { origin: 'x'.repeat(200) };
    await producer.send(work.name, [{ key: 'k', value, headers: {} }]);
    await expect(producer.send(work.name, [{ key: 'k', value, headers: marks }])).rejects.toMatchObject({ code: 10 });
    await producer.send(parked.name, [{ key: 'k', value, headers: marks }]);
    await producer.close();
  });

  it('never changes how many partitions a topic has', async () => {
    const wanted = topic(prefixed('fixed'));
    await makeTopics(brokers, { [wanted.name]: 1 });
    expect(await bring([wanted], true)).toEqual(['refused']);
    expect((await found([wanted])).map(({ partitions }) => partitions)).toEqual([1]);
  });
});
