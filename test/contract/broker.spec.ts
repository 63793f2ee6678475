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
import { makeTopics, sharedKafka } from '../support/kafka.js';
import { SILENT, type Stores } from '../support/store.js';
import { brokerContract, type BrokerHarness, type TestBroker } from './broker.contract.js';

const kafkaAt = ({ database }: Stores, address: string): TestBroker => {
  const settings: KafkaSettings = { brokers: [address], tls: null, sasl: null };
  const publisher = kafkaPublisher(settings, SILENT);
  const producer = countingProducer(kafkaClient(settings, SILENT, BOUNDED), SILENT);
  const shelf = kafkaShelf(settings, SILENT);
  const means = { settings, clock: systemClock, log: SILENT, positions: positionsIn(database) };
  return {
    publisher,
    makeTopic: async (topic, partitions) => {
      await makeTopics(address, { [topic]: partitions, [parkedTopic(topic)]: 1 });
    },
    put: (topic, key, value, headers) => producer.send(topic, [{ key, value: Buffer.from(value), headers }]),
    consumer: (group, topics) => kafkaConsumer({ ...means, declaresRetry: () => false, failed: () => undefined }, { group, topics }),
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
    const means = { database, clock: systemClock, log: SILENT, declaresRetry: () => false, failed: () => undefined };
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
