import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { emptyKafka, type Kafka, type KafkaOptions, startKafka } from '../../scripts/kafka.process.mjs';
import { asAdmin as connectedAdmin } from '../../src/infra/kafka/admin.kafka.js';

/** A JVM starts in some seconds; on a busy machine in many. */
const PATIENCE = 120_000;

/** Megabytes; enough for what tests publish. */
const HEAP = 256;

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/**
 * `host:port` of the Apache Kafka that all suites of a run share. The first that asks starts it, and the run's keeper ends it, because its command line
 * names a folder of the run. A suite gives its topics a prefix of its own (`prefixed`), or reads only the keys it published itself.
 */
export const sharedKafka = async (): Promise<string> => {
  const folder = join(tmpdir(), 'kafka');
  const [address, failure] = [join(folder, 'address'), join(folder, 'failure')];
  const isFirst = await mkdir(folder).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    try {
      const { brokers } = await startKafka({ folder, heap: HEAP, port: 0 });
      await writeFile(address, `${brokers}\n`);
    } catch (error) {
      await writeFile(failure, String(error));
    }
  }
  const until = performance.now() + PATIENCE;
  while (performance.now() < until) {
    const brokers = await textOf(address);
    if (brokers.endsWith('\n')) return brokers.trim();
    if (existsSync(failure)) throw new Error(await textOf(failure));
    await sleep(50);
  }
  throw new Error('Apache Kafka for the tests did not start.');
};

/** A name that no other suite uses. */
export const prefixed = (name: string): string => `t${randomBytes(6).toString('hex')}.${name}`;

/** An Apache Kafka of a suite's own. Its address stays the same over all restarts. */
export type OwnKafka = Readonly<{
  brokers: string;
  /** In order. */
  stop: () => Promise<void>;
  /** By SIGKILL. */
  kill: () => Promise<void>;
  start: () => Promise<void>;
  /** It keeps its connections and answers nothing, until it goes on. */
  freeze: () => void;
  goOn: () => void;
  /** Takes everything away that it kept: topics, messages, offsets, what it knew of producers. It must be down. */
  empty: () => void;
  /** Ends it for good. */
  end: () => Promise<void>;
}>;

export const ownKafka = async (options: Partial<KafkaOptions> = {}): Promise<OwnKafka> => {
  const folder = await mkdtemp(join(tmpdir(), 'juy-kafka-'));
  const start = (): Promise<Kafka> => startKafka({ folder, heap: HEAP, port: 0, ...options });
  let kafka = await start();
  return {
    brokers: kafka.brokers,
    stop: () => kafka.stop(),
    kill: () => kafka.kill(),
    start: async () => {
      kafka = await start();
    },
    freeze: () => {
      process.kill(kafka.pid, 'SIGSTOP');
    },
    goOn: () => {
      process.kill(kafka.pid, 'SIGCONT');
    },
    empty: () => {
      emptyKafka(folder);
    },
    end: async () => {
      await kafka.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Does some work of an operator. */
export const asAdmin = <T>(brokers: string, work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> =>
  connectedAdmin(new kafkajs.Kafka({ clientId: 'test', brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING }), work);

/** Makes topics, each with its number of partitions; resolves when the broker knows them, which a busy one does some time after it has made them. */
export const makeTopics = (brokers: string, topics: Readonly<Record<string, number>>): Promise<void> =>
  asAdmin(brokers, async (admin) => {
    const wanted = Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions, replicationFactor: 1 }));
    await admin.createTopics({ waitForLeaders: false, topics: wanted });
    const areKnown = async (): Promise<boolean> => {
      const found = await admin.fetchTopicMetadata({ topics: Object.keys(topics) }).catch(() => ({ topics: [] }));
      const led = found.topics.flatMap(({ partitions }) => partitions.filter(({ leader }) => leader >= 0));
      return led.length === wanted.reduce((sum, { numPartitions }) => sum + numPartitions, 0);
    };
    const until = performance.now() + PATIENCE;
    while (!(await areKnown())) {
      if (performance.now() > until) throw new Error(`Apache Kafka did not make ${Object.keys(topics).join(', ')} in time`);
      await sleep(20);
    }
  });

/** A message as another client than the service's reads it. Headers are names and values in turn. */
export type Read = Readonly<{ partition: number; offset: number; key: string | null; payload: string | null; headers?: readonly string[] }>;

/** All that a topic holds now, partition by partition in order, read by kcat, which shares no code with the service's client. */
export const readTopic = async (brokers: string, topic: string): Promise<readonly Read[]> => {
  const parameters = ['-b', brokers, '-C', '-t', topic, '-e', '-q', '-J', '-o', 'beginning'];
  const { stdout } = await promisify(execFile)('kcat', parameters, { maxBuffer: 1 << 28, timeout: PATIENCE }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('kcat is missing: apt-get install kcat');
    throw error;
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Read);
};

/** The headers of a message by name. */
export const headersOf = ({ headers = [] }: Read): Readonly<Record<string, string>> =>
  Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [])));
