import kafkajs from 'kafkajs';
import { type Topic } from './topics-list.js';
import { type FoundTopic, planOf, type Step } from './topics-plan.js';

type Admin = Pick<kafkajs.Admin, 'listTopics' | 'fetchTopicMetadata' | 'describeConfigs' | 'createTopics' | 'alterConfigs'>;
type Entry = Readonly<{ name: string; value: string }>;

/** Kafka's number for a setting that is the topic's own, and no default of its broker. */
const OWN = kafkajs.ConfigSource.TOPIC_CONFIG;

const TOPIC = kafkajs.ConfigResourceTypes.TOPIC;

/** Milliseconds that brokers may take to agree. */
const PATIENCE = 30_000;

const retentionEntries = ({ retention }: Topic): readonly Entry[] =>
  retention === 'compacted'
    ? [{ name: 'cleanup.policy', value: 'compact' }]
    : [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: String(retention) },
      ];

/** Twice what brokers take of others: a message that is put aside gets headers more, and one that a topic refuses would stop its partition for good. */
const ROOM: Entry = { name: 'max.message.bytes', value: String(2 * 2 ** 20) };

const entriesOf = (topic: Topic): readonly Entry[] =>
  topic.kind === 'retry' || topic.kind === 'parked' ? [...retentionEntries(topic), ROOM] : retentionEntries(topic);

const retentionIn = (entries: ReadonlyMap<string, string>): FoundTopic['retention'] => {
  if (entries.get('cleanup.policy')?.includes('compact') === true) return 'compacted';
  const milliseconds = Number(entries.get('retention.ms') ?? -1);
  return milliseconds < 0 ? null : milliseconds;
};

/** Settings of topics, by topic and name. `own`: only those that are not their broker's. */
const settingsOf = async (
  admin: Admin,
  names: readonly string[],
  own: boolean,
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> => {
  const asked = names.map((name) => ({ type: TOPIC, name }));
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: asked });
  return new Map(
    resources.map(({ resourceName, configEntries }) => {
      const listed = configEntries.filter(({ configSource }) => !own || configSource === OWN);
      return [resourceName, new Map(listed.map(({ configName, configValue }) => [configName, configValue]))] as const;
    }),
  );
};

/** How the broker has those of some topics that it has, in the order in which they are named. */
export const foundTopics = async (admin: Admin, wanted: readonly Topic[]): Promise<readonly FoundTopic[]> => {
  const existing = new Set(await admin.listTopics());
  const names = wanted.map(({ name }) => name).filter((name) => existing.has(name));
  if (names.length === 0) return [];
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const settings = await settingsOf(admin, names, false);
  const partitionsOf = new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  return names.map((name) => ({
    name,
    partitions: partitionsOf.get(name) ?? 0,
    retention: retentionIn(settings.get(name) ?? new Map<string, string>()),
  }));
};

const create = async (admin: Admin, topics: readonly Topic[]): Promise<void> => {
  if (topics.length === 0) return;
  await admin.createTopics({
    waitForLeaders: true,
    timeout: PATIENCE,
    // How many brokers hold a copy is for the cluster to say.
    topics: topics.map((topic) => ({
      topic: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: -1,
      configEntries: [...entriesOf(topic)],
    })),
  });
};

/** The call replaces all settings of a topic, so that those which operators have made are sent along. */
const keep = async (admin: Admin, topics: readonly Topic[]): Promise<void> => {
  if (topics.length === 0) return;
  const settings = await settingsOf(
    admin,
    topics.map(({ name }) => name),
    true,
  );
  const resources = topics.map((topic) => {
    const entries = new Map(settings.get(topic.name));
    for (const { name, value } of entriesOf(topic)) entries.set(name, value);
    return { type: TOPIC, name: topic.name, configEntries: [...entries].map(([name, value]) => ({ name, value })) };
  });
  await admin.alterConfigs({ validateOnly: false, resources });
};

/**
 * Creates the topics that are missing and has messages kept as long as wanted; answers what was done, and what only an operator can decide. `shrink`: messages
 * may go that are kept now.
 */
export const bringTopics = async (admin: Admin, wanted: readonly Topic[], shrink: boolean): Promise<readonly Step[]> => {
  const plan = planOf(wanted, await foundTopics(admin, wanted), shrink);
  const doing = (action: Step['action']): readonly Topic[] => plan.filter((step) => step.action === action).map(({ topic }) => topic);
  await create(admin, doing('create'));
  await keep(admin, doing('keep'));
  return plan;
};
