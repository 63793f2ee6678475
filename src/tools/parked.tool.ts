import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/service.config.js';
import { embeddedShelf } from '../embedded/broker/broker.shelf.js';
import { kafkaShelf } from '../infra/kafka/parked.kafka.js';
import { readTopics } from '../infra/kafka/topics.file.js';
import { parkedTopic } from '../kernel/delivery.js';
import { type Parked, type ParkedMessage, parkedOn } from '../kernel/parked.js';
import { runTool, say, toolLog, withStores } from './operator.tool.js';

// The program behind `npm run parked`.

const USAGE = `npm run parked                             what is parked, of all topics
npm run parked -- replay TOPIC --id ID     publishes one message to its topic again
npm run parked -- replay TOPIC             publishes all that is parked of a topic again`;

const CONNECTIONS = 2;

/** Works with the broker that the settings name. */
const withParked = async (config: Config, work: (parked: Parked) => Promise<void>): Promise<void> => {
  if (config.kafka === null) return withStores(config, CONNECTIONS, ({ database }) => work(parkedOn(embeddedShelf(database))));
  const shelf = kafkaShelf(config.kafka, toolLog(config));
  try {
    await work(parkedOn(shelf));
  } finally {
    await shelf.close();
  }
};

/** Never the contents: they may be about people. */
const lineOf = ({ topic, at, tries, code, key, id }: ParkedMessage): string =>
  [topic, at, `${tries} ${tries === 1 ? 'try' : 'tries'}`, code, `key ${key ?? 'none'}`, `id ${id ?? 'none'}`].join('  ');

const list = async ({ list: of }: Parked): Promise<void> => {
  const names = readTopics().map(({ name }) => name);
  const found: ParkedMessage[] = [];
  for (const topic of names) if (names.includes(parkedTopic(topic)) && topic !== parkedTopic(topic)) found.push(...(await of(topic)));
  for (const message of found) say(lineOf(message));
  say(found.length === 0 ? 'Nothing is parked.' : `${found.length} parked. npm run parked -- replay TOPIC [--id ID] publishes them again.`);
};

const replay = async (parked: Parked, topic: string, id: string | null): Promise<void> => {
  const count = await parked.replay(topic, id);
  say(`${count} ${count === 1 ? 'message was' : 'messages were'} published to ${topic} again.`);
};

const main = async (): Promise<number> => {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { id: { type: 'string' } } });
  const [command, topic, ...rest] = positionals;
  const isReplay = command === 'replay' && topic !== undefined && rest.length === 0;
  if (!isReplay && (command !== undefined || values.id !== undefined)) {
    say(USAGE);
    return 2;
  }
  await withParked(readConfig(), (parked) => (isReplay ? replay(parked, topic, values.id ?? null) : list(parked)));
  return 0;
};

runTool(main, (reason) => `What is parked could not be read or replayed: ${reason}`);
