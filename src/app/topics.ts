import { DIRECTORY_TOPICS } from '../directory/topics.contract.js';
import { asyncApiDocument, type AsyncApiDocument, type DocumentedTopic } from '../infra/http/asyncapi.document.js';
import { type KafkaSettings } from '../infra/kafka/kafka-settings.js';
import { readTopics } from '../infra/kafka/topics.file.js';
import { RELAY_TOPICS } from '../relay/topics.contract.js';

/** The topics that other services read or write: what kafka/topics.yaml says of them, and their messages. Throws for one of which no contract says what it holds. */
const documentedTopics = (): readonly DocumentedTopic[] => {
  const contracts = new Map([...RELAY_TOPICS, ...DIRECTORY_TOPICS].map((contract) => [contract.topic, contract]));
  return readTopics().flatMap(({ name, kind, key, partitions, retention }) => {
    if (kind !== 'public' && kind !== 'incoming') return [];
    const contract = contracts.get(name);
    if (contract === undefined) throw new Error(`No contract says what ${name} holds.`);
    return [{ ...contract, kind, key, partitions, retention }];
  });
};

/** All of them as one document. `kafka`: null where the service publishes to no broker that others reach. */
export const describeTopics = (kafka: KafkaSettings | null): AsyncApiDocument =>
  asyncApiDocument(
    documentedTopics(),
    kafka === null ? null : { brokers: kafka.brokers, tls: kafka.tls !== null, sasl: kafka.sasl?.mechanism ?? null },
  );
