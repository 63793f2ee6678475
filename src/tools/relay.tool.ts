import { parseArgs } from 'node:util';
import { factsOf, relayingEvents } from '../app/relaying.js';
import { type Config, Misconfigured, readConfig } from '../config/service.config.js';
import { kafkaPublisher } from '../infra/kafka/kafka.publisher.js';
import { systemClock } from '../infra/system.clock.js';
import { mergedEventsRuns } from '../merged-events/merged-events.runs.js';
import { replay, REPLAYABLE, type Replayed } from '../relay/relay.replay.js';
import { runTool, say, toolLog, withStores } from './operator.tool.js';

// The program behind `npm run relay -- replay <topic>`.

/** Milliseconds between two lines of progress. */
const INTERVAL = 2_000;
const CONNECTIONS = 4;

const USAGE = [
  'Usage: npm run relay -- replay <topic> [--calendar <id> | --user <id>], where the topic is one of',
  ...REPLAYABLE.map((topic) => `  ${topic}`),
].join('\n');

const reporter = (): ((topic: string, count: number) => void) => {
  let [published, next] = [0, performance.now() + INTERVAL];
  return (topic, count) => {
    published += count;
    if (performance.now() < next) return;
    next = performance.now() + INTERVAL;
    say(`${topic}: ${published} messages published`);
  };
};

const publishAgain = (config: Config, topic: string, replayed: Replayed, signal: AbortSignal): Promise<void> =>
  withStores(config, CONNECTIONS, async ({ database, store }) => {
    if (config.kafka === null) throw new Misconfigured(['KAFKA_BROKERS is missing: public topics are those of an Apache Kafka.']);
    const publisher = kafkaPublisher(config.kafka, toolLog(config));
    try {
      const { merged } = (await mergedEventsRuns.told())(database);
      const publishing = { publisher, onPublished: reporter() };
      const relaying = await relayingEvents({ database, store, clock: systemClock, log: toolLog(config) }, publishing);
      const ports = { ...publishing, store, clock: systemClock, facts: factsOf({ store }), database, merged, relaying, signal };
      const began = performance.now();
      const { count, of } = await replay(topic, replayed, ports);
      say(`${topic}: ${count} ${of} published again, in ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
    } finally {
      await publisher.close();
    }
  });

const main = async (): Promise<number> => {
  const options = { calendar: { type: 'string' }, user: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [verb, topic, ...rest] = positionals;
  const isBoth = values.calendar !== undefined && values.user !== undefined;
  if (verb !== 'replay' || topic === undefined || !REPLAYABLE.includes(topic) || rest.length > 0 || isBoth) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const config = readConfig();
  if (config.kafka === null) throw new Misconfigured(['KAFKA_BROKERS is missing: public topics are those of an Apache Kafka.']);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopping.abort(new Error('it was told to stop'));
    });
  await publishAgain(config, topic, { calendarId: values.calendar ?? null, userId: values.user ?? null }, stopping.signal);
  return 0;
};

runTool(main, (reason) => `Not everything was published again: ${reason}\nRun it again: messages have the ids they had.`);
