import { parseArgs } from 'node:util';
import { Misconfigured, readConfig } from '../config/service.config.js';
import { asAdmin } from '../infra/kafka/admin.kafka.js';
import { kafkaClient } from '../infra/kafka/client.kafka.js';
import { BOUNDED } from '../infra/kafka/kafka.publisher.js';
import { bringTopics } from '../infra/kafka/topics.admin.js';
import { readTopics } from '../infra/kafka/topics.file.js';
import { retentionText, type Step } from '../infra/kafka/topics-plan.js';
import { runTool, say, toolLog } from './operator.tool.js';

// The program behind `npm run kafka:topics`.

const DONE: Readonly<Record<Step['action'], string>> = {
  create: 'created',
  keep: 'retention set',
  none: 'as it is',
  refused: 'LEFT ALONE',
};

const row = ({ topic, action, why }: Step): readonly string[] => [
  topic.name,
  String(topic.partitions),
  retentionText(topic.retention),
  action === 'refused' ? `${DONE[action]}: ${why}` : DONE[action],
];

/** Columns as wide as they need be. */
const sayTable = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  for (const cells of rows)
    say(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { shrink: { type: 'boolean', default: false } } });
  const config = readConfig();
  if (config.kafka === null)
    throw new Misconfigured(['KAFKA_BROKERS is missing: topics are those of an Apache Kafka; the broker of this machine makes its own.']);
  const client = kafkaClient(config.kafka, toolLog(config), BOUNDED);
  const steps = await asAdmin(client, (admin) => bringTopics(admin, readTopics(), values.shrink));
  sayTable([['topic', 'partitions', 'retention', ''], ...steps.map(row)]);
  return steps.some(({ action }) => action === 'refused') ? 1 : 0;
};

runTool(main, (reason) => `The topics could not be made as they are wanted: ${reason}`);
