import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type WatchedConsumer } from '../../src/app/broker.js';
import { host } from '../../src/app/consumers.js';
import { succession } from '../../src/app/succession.js';
import { kafkaConsumer } from '../../src/infra/kafka/kafka.consumer.js';
import { kafkaPublisher } from '../../src/infra/kafka/kafka.publisher.js';
import { positionsIn } from '../../src/infra/kafka/positions.sql.js';
import { LIMITS } from '../../src/infra/kafka/standing.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { type Publisher } from '../../src/kernel/broker.js';
import { effectIn, effectsOf, expectAllInOrder, MAKE_EFFECTS, moduleOf, numbered } from '../support/broker.js';
import { makeTopics, prefixed, readTopic, sharedKafka } from '../support/kafka.js';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';

const settingsOf = (address: string) => ({ brokers: [address], tls: null, sasl: null });

describe('Apache Kafka behind a line that breaks', () => {
  let stores: Stores;
  let brokers: string;
  let proxy: KafkaProxy;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    [stores, brokers] = await Promise.all([openStores(), sharedKafka()]);
    await stores.database.query(MAKE_EFFECTS);
    proxy = await startKafkaProxy(brokers);
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => {
    await proxy.stop();
    await stores.stop();
  });

  const publisherAt = (address: string): Publisher => {
    const publisher = kafkaPublisher(settingsOf(address), SILENT);
    ends.push(publisher.close);
    return publisher;
  };
  const newTopic = async (word: string): Promise<string> => {
    const topic = prefixed(word);
    await makeTopics(brokers, { [topic]: 3, [`${topic}.parked`]: 1 });
    return topic;
  };

  /** Consumers that follow each other, for which time can be set forward. */
  const consume = (topic: string) => {
    const [metrics, stopping, made] = [prometheusMetrics(), new AbortController(), [] as WatchedConsumer[]];
    let ahead = 0;
    const clock = { now: (): number => Date.now() + ahead };
    const { run, health } = succession({ metrics, log: SILENT, clock }, 'lines');
    const means = { settings: settingsOf(proxy.address), clock, log: SILENT, positions: positionsIn(stores.database) };
    const make = (): WatchedConsumer => {
      const one = kafkaConsumer({ ...means, declaresRetry: () => false, failed: () => undefined }, { group: topic, topics: [topic] });
      made.push(one);
      return one;
    };
    const module = moduleOf(topic, effectIn(stores, 'one'));
    const running = run(make, (one) => host(module, one, SILENT, stopping.signal), stopping.signal);
    ends.push(async () => {
      stopping.abort();
      await running;
    });
    const page = (name: string) => async (): Promise<string> =>
      (await metrics.page()).split('\n').find((line) => line.startsWith(name)) ?? '';
    return {
      health,
      made,
      deaf: page('consumer_deaf{'),
      replaced: page('consumer_replaced_total{'),
      pass: (time: number) => (ahead += time),
    };
  };

  it('sync-rule 34: replaces a consumer whose line has gone silent, shows it meanwhile, and reads on', async () => {
    const topic = await newTopic('silent');
    const [publisher, consumers] = [publisherAt(brokers), consume(topic)];
    ends.push(() => {
      proxy.cut();
      return Promise.resolve();
    });
    const all = (count: number) =>
      eventually(`${count} effects`, async () => {
        const effects = await effectsOf(stores, topic);
        return effects.length >= count ? effects : null;
      });
    await publisher.publish(topic, numbered(0, 40));
    await all(40);
    expect([consumers.health(), await consumers.deaf()]).toEqual([
      { ok: true, detail: 'reads 3 partitions' },
      expect.stringMatching(/ 0$/),
    ]);

    proxy.swallow();
    await publisher.publish(topic, numbered(40, 40));
    consumers.pass(LIMITS.rebalance + 1_000);
    await eventually('it is known to be deaf', async () => / 1$/.test(await consumers.deaf()));
    expect(consumers.health()).toEqual({ ok: false, detail: 'hears nothing, and is replaced' });

    expectAllInOrder(await all(80), 80);
    expect(consumers.made).toHaveLength(2);
    expect([consumers.health(), await consumers.deaf(), await consumers.replaced()]).toEqual([
      { ok: true, detail: 'reads 3 partitions' },
      expect.stringMatching(/ 0$/),
      'consumer_replaced_total{group="lines",reason="deaf"} 1',
    ]);
  });

  it.each([
    [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    [47, 'INVALID_PRODUCER_EPOCH'],
    [59, 'UNKNOWN_PRODUCER_ID'],
  ])('sync-rule 36: a producer that is refused by code %d (%s) is replaced, and nothing is lost, doubled or out of order', async (code) => {
    const topic = await newTopic('refused');
    const [publisher, before] = [publisherAt(proxy.address), proxy.producers.length];
    const messages = numbered(0, 60);
    await publisher.publish(topic, messages.slice(0, 20));
    proxy.refuseProducer(code);
    // A follower of the relay goes on from its checkpoint: it publishes the same messages again.
    await expect(publisher.publish(topic, messages.slice(20, 40))).rejects.toMatchObject({ code });
    await publisher.publish(topic, messages.slice(20, 40));
    await publisher.publish(topic, messages.slice(40));

    expect(proxy.producers.length - before).toBe(2);
    const read = await readTopic(brokers, topic);
    expectAllInOrder(
      read.map(({ key, payload }) => ({ key: key ?? '', n: (JSON.parse(payload ?? '{}') as { n: number }).n, member: '' })),
      60,
    );
  });
});
