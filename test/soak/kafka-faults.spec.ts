import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { selfSigned } from '../../src/embedded/eventstore/certificate.der.js';
import { type KafkaSettings } from '../../src/infra/kafka/kafka-settings.js';
import { kafkaConsumer, type KafkaConsumer } from '../../src/infra/kafka/kafka.consumer.js';
import { kafkaPublisher } from '../../src/infra/kafka/kafka.publisher.js';
import { acceptOutside, findOutside } from '../../src/infra/kafka/offsets.admin.js';
import { positionsIn } from '../../src/infra/kafka/positions.sql.js';
import { LIMITS } from '../../src/infra/kafka/standing.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { type Clock } from '../../src/kernel/clock.js';
import { type Message, type Publisher } from '../../src/kernel/broker.js';
import { effectIn, effectsOf, expectAllInOrder, MAKE_EFFECTS, members, moduleOf, numbered } from '../support/broker.js';
import { freePort } from '../../src/embedded/free.port.js';
import { headersOf, makeTopics, type OwnKafka, ownKafka, readTopic } from '../support/kafka.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';

const TOPIC = 'work.v1';
const TOPICS = { [TOPIC]: 3, [`${TOPIC}.parked`]: 1 };
const GROUP = 'calendar';

const ACCOUNT = { username: 'calendar', password: 'of-the-brokers' };
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
const PLAIN = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${ACCOUNT.username}="${ACCOUNT.password}";`;

/** A second listener, with TLS and SASL. */
const secured = (port: number, { key, certificate }: ReturnType<typeof selfSigned>) => ({
  formatting: ['--add-scram', `SCRAM-SHA-512=[name=${ACCOUNT.username},password=${ACCOUNT.password}]`],
  more: ({ broker, controller }: Readonly<{ broker: number; controller: number }>) => ({
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller},SECURE://127.0.0.1:${port}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker},SECURE://localhost:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
    'listener.name.secure.scram-sha-512.sasl.jaas.config': SCRAM,
    'listener.name.secure.plain.sasl.jaas.config': PLAIN,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': key,
    'ssl.keystore.certificate.chain': certificate,
  }),
});

/** Publishes until the broker has it, as a follower does from its checkpoint: the same messages again. */
const insist = (publisher: Publisher, messages: readonly Message[]): Promise<unknown> =>
  eventually('the messages are acknowledged', () =>
    publisher.publish(TOPIC, messages).then(
      () => true,
      () => false,
    ),
  );

describe('Apache Kafka with faults', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-ca-'));
  let stores: Stores;
  let kafka: OwnKafka;
  let port: number;
  let settings: KafkaSettings;
  const { listen, stop } = members();

  beforeAll(async () => {
    const identity = selfSigned('localhost');
    writeFileSync(join(folder, 'ca.pem'), identity.certificate);
    port = await freePort();
    [stores, kafka] = await Promise.all([openStores(), ownKafka(secured(port, identity))]);
    settings = { brokers: [kafka.brokers], tls: null, sasl: null };
    await stores.database.query(MAKE_EFFECTS);
    await makeTopics(kafka.brokers, TOPICS);
  });
  afterEach(stop);
  afterAll(async () => {
    await kafka.end();
    await stores.stop();
    rmSync(folder, { recursive: true });
  });

  const consumer = (topic = TOPIC, clock: Clock = systemClock): KafkaConsumer => {
    const means = { settings, clock, log: SILENT, positions: positionsIn(stores.database) };
    return kafkaConsumer({ ...means, declaresRetry: () => false, failed: () => undefined }, { group: GROUP, topics: [topic] });
  };
  const consume = (made = consumer()): Promise<void> => listen(moduleOf(TOPIC, effectIn(stores, 'one')), made);
  const all = (count: number) =>
    eventually(`${count} effects`, async () => {
      const effects = await effectsOf(stores, TOPIC);
      return effects.length >= count ? effects : null;
    });

  it('is reached by TLS and as who the service is', async () => {
    const tls = { ca: join(folder, 'ca.pem') };
    await makeTopics(kafka.brokers, { secured: 1 });
    const publish = async (more: Partial<KafkaSettings>, id: string): Promise<void> => {
      const publisher = kafkaPublisher({ brokers: [`localhost:${port}`], tls, sasl: null, ...more }, SILENT);
      try {
        await publisher.publish('secured', [{ id, key: 'k', value: '1', headers: {} }]);
      } finally {
        await publisher.close();
      }
    };
    await publish({ sasl: { mechanism: 'scram-sha-512', ...ACCOUNT } }, 'by scram');
    await publish({ sasl: { mechanism: 'plain', ...ACCOUNT } }, 'by plain');
    await expect(publish({ sasl: { mechanism: 'plain', ...ACCOUNT, password: 'another' } }, 'refused')).rejects.toThrow();
    await expect(publish({ tls: { ca: null }, sasl: { mechanism: 'plain', ...ACCOUNT } }, 'not trusted')).rejects.toThrow();
    expect((await readTopic(kafka.brokers, 'secured')).map((message) => headersOf(message)['id'])).toEqual(['by scram', 'by plain']);
  });

  it('sync-rule 34: of more members than partitions, those that have none stand by, and take over', async () => {
    await makeTopics(kafka.brokers, { single: 1, 'single.parked': 1 });
    const pair = [consumer('single'), consumer('single')];
    const handle = (): Promise<void> => Promise.resolve();
    for (const each of pair) void listen(moduleOf('single', handle), each);
    const details = () => pair.map(({ health }) => health().detail).sort();
    const settled = ['reads 1 partition', 'standing by: other members have all partitions'];
    await eventually('one reads and one stands by', () => JSON.stringify(details()) === JSON.stringify(settled));
    expect(pair.map(({ health }) => health().ok)).toEqual([true, true]);
    const reading = pair.findIndex(({ health }) => health().detail === settled[0]);
    await pair[reading]?.strategy.close();
    await eventually('the other reads', () => pair[1 - reading]?.health().detail === settled[0]);
  });

  it('sync-rule 34: frozen, it leaves a consumer deaf, which ends all the same, and another reads on when it goes on', async () => {
    const topic = 'frozen';
    await makeTopics(kafka.brokers, { [topic]: 1, [`${topic}.parked`]: 1 });
    const publisher = kafkaPublisher(settings, SILENT);
    const [module, found] = [moduleOf(topic, effectIn(stores, 'one')), () => effectsOf(stores, topic)];
    let ahead = 0;
    const running = listen(module, consumer(topic, { now: () => Date.now() + ahead }));
    await publisher.publish(topic, numbered(0, 20));
    await eventually('all effects', async () => (await found()).length === 20);
    kafka.freeze();
    try {
      ahead = LIMITS.rebalance + 1_000;
      await expect(running).rejects.toMatchObject({ name: 'ConsumerDeaf' });
    } finally {
      kafka.goOn();
    }
    await publisher.publish(topic, numbered(20, 20));
    void listen(module, consumer(topic));
    await eventually('all effects', async () => (await found()).length === 40);
    expectAllInOrder(await found(), 40);
    await publisher.close();
  });

  it('sync-rule 36: killed and started again, it has every acknowledged message in order, and its consumers miss and double none', async () => {
    const publisher = kafkaPublisher(settings, SILENT);
    const messages = numbered(0, 120);
    const made = consumer();
    void consume(made);
    await insist(publisher, messages.slice(0, 40));
    await all(40);
    await kafka.kill();
    await expect(publisher.publish(TOPIC, messages.slice(40, 80))).rejects.toThrow();
    await kafka.start();
    await insist(publisher, messages.slice(40, 80));
    await insist(publisher, messages.slice(80));
    expectAllInOrder(await all(120), 120);
    expect(made.health()).toMatchObject({ ok: true });
    await publisher.close();
  });

  it('sync-rules 35 and 36: emptied, it is published to by a new producer, and read again only when an operator says so', async () => {
    const publisher = kafkaPublisher(settings, SILENT);
    await publisher.publish(TOPIC, numbered(120, 1));
    const running = consume();
    await all(121);
    await kafka.kill();
    kafka.empty();
    await kafka.start();
    await makeTopics(kafka.brokers, TOPICS);

    await insist(publisher, numbered(121, 20));
    expect(new Set((await readTopic(kafka.brokers, TOPIC)).map(({ payload }) => payload)).size).toBe(20);
    await publisher.close();

    await expect(running).rejects.toThrow();
    const another = consumer();
    await expect(another.inspect()).rejects.toMatchObject({ name: 'OffsetsOutside' });
    await another.close();
    expect(await effectsOf(stores, TOPIC)).toHaveLength(121);

    const means = { settings, log: SILENT, positions: positionsIn(stores.database) };
    const outside = await findOutside(means, { group: GROUP, topics: [TOPIC] });
    expect(outside.map(({ why }) => why)).toContain('beyond');
    await acceptOutside(means, GROUP, outside);
    expect(await findOutside(means, { group: GROUP, topics: [TOPIC] })).toEqual([]);
    void consume();
    expectAllInOrder(await all(141), 141);
  });
});
