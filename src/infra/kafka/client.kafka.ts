import { readFileSync } from 'node:fs';
import kafkajs from 'kafkajs';
import { type Log } from '../../kernel/log.js';
import { type KafkaSettings } from './kafka-settings.js';

/** In milliseconds; a broker that is alive answers a fetch within a fraction of the second one. */
const TIMEOUTS = { connectionTimeout: 3_000, authenticationTimeout: 5_000, requestTimeout: 15_000 };

/** How often a call to a broker is made again by the client itself, and the longest pause between two tries in milliseconds. */
export type Patience = Readonly<{ retries: number; maxRetryTime: number }>;

/** kafkajs tells of each try as an error; ours are for what this service gives up on. */
const LEVELS: Readonly<Record<number, 'warn' | 'debug'>> = { [kafkajs.logLevel.ERROR]: 'warn', [kafkajs.logLevel.WARN]: 'warn' };

/** What the client says, on our log: its sentence, and of its fields those that name parts of the cluster. */
const logCreator = (log: Log) => () => (entry: kafkajs.LogEntry) => {
  const { message, groupId, topic, partition, broker, error } = entry.log;
  const said: unknown = error;
  log[LEVELS[entry.level] ?? 'debug']('the client of Apache Kafka says something', {
    said: message,
    of: entry.namespace,
    ...{ groupId, topic, partition, broker },
    ...(typeof said === 'string' ? { reason: said } : {}),
  });
};

const saslOf = (sasl: KafkaSettings['sasl']): Pick<kafkajs.KafkaConfig, 'sasl'> => {
  if (sasl === null) return {};
  const { mechanism, ...account } = sasl;
  // kafkajs' types want the mechanism of each branch by itself.
  return { sasl: { mechanism, ...account } as kafkajs.SASLOptions };
};

/** The client of Apache Kafka. It connects when something is asked of it. */
export const kafkaClient = ({ brokers, tls, sasl }: KafkaSettings, log: Log, retry: Patience): kafkajs.Kafka =>
  new kafkajs.Kafka({
    clientId: 'juy-calendar',
    brokers: [...brokers],
    ...TIMEOUTS,
    ...(tls === null ? {} : { ssl: tls.ca === null ? true : { ca: [readFileSync(tls.ca, 'utf8')] } }),
    ...saslOf(sasl),
    retry: { ...retry, initialRetryTime: 100 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: logCreator(log),
  });
