import { parseArgs } from 'node:util';
import { CONSUMER_GROUP } from '../app/consuming.js';
import { CONSUMED } from '../app/consumers.module.js';
import { Misconfigured, readConfig } from '../config/service.config.js';
import { acceptOutside, findOutside } from '../infra/kafka/offsets.admin.js';
import { toldOutside } from '../infra/kafka/offsets.js';
import { positionsIn } from '../infra/kafka/positions.sql.js';
import { runTool, say, toolLog, withStores } from './operator.tool.js';

// The program behind `npm run kafka:offsets`.

const CONNECTIONS = 2;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { accept: { type: 'boolean', default: false } } });
  const config = readConfig();
  const { kafka } = config;
  if (kafka === null) throw new Misconfigured(['KAFKA_BROKERS is missing: offsets are those of an Apache Kafka.']);
  await withStores(config, CONNECTIONS, async ({ database }) => {
    const means = { settings: kafka, log: toolLog(config), positions: positionsIn(database) };
    const outside = await findOutside(means, { group: CONSUMER_GROUP, topics: CONSUMED });
    if (outside.length === 0) {
      say('What was read fits what the topics have.');
      return;
    }
    say(`${toldOutside(outside)}.`);
    if (!values.accept) {
      say('npm run kafka:offsets -- --accept goes on with the first message that each of them has.');
      return;
    }
    await acceptOutside(means, CONSUMER_GROUP, outside);
    say('Accepted: the consumers go on within a minute, with the first message that each of them has.');
  });
  return 0;
};

runTool(main, (reason) => `The offsets could not be looked at or accepted: ${reason}`);
