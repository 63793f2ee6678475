import { type Config, Misconfigured } from '../config/service.config.js';
import { type Log } from '../kernel/log.js';

/** Refuses a start beside an Apache Kafka that lacks topics: nothing would be published, and nothing heard. One that is away is waited for. */
export const checkTopics = async ({ kafka, roles }: Pick<Config, 'kafka' | 'roles'>, log: Log): Promise<void> => {
  if (kafka === null || !roles.has('relay')) return;
  const { missingTopics } = await import('../infra/kafka/topics.watch.js');
  const { readTopics } = await import('../infra/kafka/topics.file.js');
  const missing = await missingTopics(kafka, log, readTopics());
  if (missing.length === 0) return;
  throw new Misconfigured([
    `The Apache Kafka of KAFKA_BROKERS lacks topics (${missing.join(', ')}): create them by \`npm run kafka:topics\`.`,
  ]);
};
