import { readFile } from 'node:fs/promises';
import { type Config, readConfig } from '../config/service.config.js';
import { DIRECTORY_TOPIC } from '../directory/directory.contract.js';
import { type Imported, importOf } from '../directory/import.contract.js';
import { embeddedPublisher } from '../embedded/broker/broker.publisher.js';
import { kafkaPublisher } from '../infra/kafka/kafka.publisher.js';
import { systemClock } from '../infra/system.clock.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { type Publisher } from '../kernel/broker.js';
import { instant } from '../kernel/clock.js';
import { runTool, say, toolLog, withStores } from './operator.tool.js';

// The program behind `npm run directory -- import <file.ndjson>`.

const CONNECTIONS = 2;

/** Messages that are published at once. */
const BATCH = 1_000;

/** Mistakes that are told at most. */
const MOST_TOLD = 20;

const publishAll = async (publisher: Publisher, { messages }: Imported): Promise<void> => {
  for (let from = 0; from < messages.length; from += BATCH) await publisher.publish(DIRECTORY_TOPIC, messages.slice(from, from + BATCH));
};

/** Publishes to the broker of the service; answers what to call it. */
const publish = async (config: Config, imported: Imported): Promise<string> => {
  if (config.kafka !== null) {
    const publisher = kafkaPublisher(config.kafka, toolLog(config));
    try {
      await publishAll(publisher, imported);
      return `Apache Kafka at ${config.kafka.brokers.join(', ')}`;
    } finally {
      await publisher.close();
    }
  }
  await withStores(config, CONNECTIONS, ({ database }) => publishAll(embeddedPublisher(database), imported));
  return 'the broker of this machine';
};

const main = async (): Promise<number> => {
  const [what, file, ...rest] = process.argv.slice(2);
  if (what !== 'import' || file === undefined || rest.length > 0) {
    process.stderr.write('Usage: npm run directory -- import <file.ndjson>\n');
    return 2;
  }
  const config = readConfig();
  const imported = importOf(await readFile(file, 'utf8'), { at: instant(systemClock.now()), uuid: systemEntropy.uuid });
  const { members, resources, removed, mistakes } = imported;
  if (mistakes.length > 0) {
    const told = mistakes.slice(0, MOST_TOLD).map((mistake) => `  ${mistake}\n`);
    process.stderr.write(`Nothing was published: ${mistakes.length} lines of the file are wrong.\n${told.join('')}`);
    return 1;
  }
  const where = await publish(config, imported);
  say(`Published to ${DIRECTORY_TOPIC} on ${where}: ${members} people, ${resources} rooms or equipment, ${removed} to be taken out.`);
  say('The service takes them in while it runs with the role relay.');
  return 0;
};

runTool(main, (reason) => `Not all was published: ${reason}\nRun it again: what is published twice takes effect once.`);
