import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { embeddedPublisher } from '../../src/embedded/broker/broker.publisher.js';
import { embeddedConsumer } from '../../src/embedded/broker/broker.consumer.js';
import { embeddedShelf } from '../../src/embedded/broker/broker.shelf.js';
import { append } from '../../src/embedded/broker/messages.sql.js';
import { kafkaConsumer } from '../../src/infra/kafka/kafka.consumer.js';
import { kafkaClient } from '../../src/infra/kafka/client.kafka.js';
import { type KafkaSettings } from '../../src/infra/kafka/kafka-settings.js';
import { BOUNDED, kafkaPublisher } from '../../src/infra/kafka/kafka.publisher.js';
import { kafkaShelf } from '../../src/infra/kafka/parked.kafka.js';
import { positionsIn } from '../../src/infra/kafka/positions.sql.js';
import { countingProducer } from '../../src/infra/kafka/producer.kafka.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { parkedTopic } from '../../src/kernel/delivery.js';
import { parkedOn } from '../../src/kernel/parked.js';
import { openDatabase } from '../../src/infra/postgres/database.postgres.js';
import {
  effectIn,
  effectsOf,
  expectAllInOrder,
  isRetried,
  MAKE_EFFECTS,
  members,
  moduleOf,
  numbered,
  type TestBroker,
} from '../support/broker.js';
import { startEngines } from '../support/engines.js';
import { makeTopics, sharedKafka } from '../support/kafka.js';
import { eventually, SILENT, type Stores } from '../support/store.js';
import { brokerContract, type BrokerHarness } from './broker.contract.js';

const kafkaAt = ({ database }: Stores, address: string): TestBroker => {
  const settings: KafkaSettings = { brokers: [address], tls: null, sasl: null };
  const publisher = kafkaPublisher(settings, SILENT);
  const producer = countingProducer(kafkaClient(settings, SILENT, BOUNDED), SILENT);
  const shelf = kafkaShelf(settings, SILENT);
  const means = { settings, clock: systemClock, log: SILENT, positions: positionsIn(database) };
  return {
    publisher,
    makeTopic: async (topic, partitions) => {
      await makeTopics(address, { [topic]: partitions, [parkedTopic(topic)]: 1, ...(isRetried(topic) ? { [`${topic}.retry`]: 1 } : {}) });
    },
    put: (topic, key, value, headers) => producer.send(topic, [{ key, value: Buffer.from(value), headers }]),
    consumer: (group, topics) => kafkaConsumer({ ...means, declaresRetry: isRetried, failed: () => undefined }, { group, topics }),
    parked: parkedOn(shelf),
    readAll: shelf.read,
    reach: { kafka: settings },
    stop: async () => {
      for (const each of [publisher, producer, shelf]) await each.close();
    },
  };
};

/** Its topics need not be made. */
const embedded: BrokerHarness = {
  name: 'the broker of this machine',
  start: ({ database }) => {
    const shelf = embeddedShelf(database);
    const publisher = embeddedPublisher(database);
    const means = { database, clock: systemClock, log: SILENT, declaresRetry: isRetried, failed: () => undefined };
    return Promise.resolve({
      publisher,
      makeTopic: () => Promise.resolve(),
      put: (topic, key, value, headers) => database.transaction((sql) => append(sql, topic, [{ key, value, headers }])),
      consumer: (group, topics) => embeddedConsumer(means, { group, topics }),
      parked: parkedOn(shelf),
      readAll: shelf.read,
      reach: { kafka: null },
      stop: publisher.close,
    });
  },
};

const kafka: BrokerHarness = { name: 'Apache Kafka', start: async (stores) => kafkaAt(stores, await sharedKafka()) };

brokerContract(kafka);
brokerContract(embedded);

describe('Topics on the broker of this machine, whose database is killed in the middle,', () => {
  it('have every acknowledged message, in the order of its key, and each takes effect once', async () => {
    const engines = await startEngines({ own: true });
    const database = await openDatabase(engines.databaseUrl('juy'), SILENT);
    const { listen, stop } = members();
    try {
      await database.query(MAKE_EFFECTS);
      const publisher = embeddedPublisher(database);
      const means = { database, log: SILENT, clock: systemClock, declaresRetry: () => false, failed: () => undefined };
      const consumer = embeddedConsumer(means, { group: 'killed', topics: ['killed'] });
      void listen(moduleOf('killed', effectIn({ database }, 'one')), consumer);
      const messages = numbered(0, 200);
      for (let from = 0; from < 200; from += 20) {
        if (from === 100)
          process.kill(Number((await readFile(join(engines.dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL');
        // Of a call that was cut off nothing is known: it is made again, with the same ids.
        await eventually('acknowledged', () =>
          publisher.publish('killed', messages.slice(from, from + 20)).then(
            () => true,
            () => false,
          ),
        );
      }
      const effects = await eventually('all effects', async () => {
        const found = await effectsOf({ database }, 'killed').catch(() => []);
        return found.length >= 200 ? found : null;
      });
      expectAllInOrder(effects, 200);
    } finally {
      await stop();
      await database.close();
      await engines.stop();
    }
  });
});
