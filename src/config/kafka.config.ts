import { type KafkaSettings } from '../infra/kafka/kafka-settings.js';
import { isLoopback } from '../kernel/loopback.js';
import { type Settings, type Variable } from './variables.config.js';

type Rules = readonly (readonly [broken: boolean, mistake: string])[];

/** What says how brokers are reached, and nothing without them. */
const HOW = ['KAFKA_SSL', 'KAFKA_SSL_CA', 'KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;

const SASL = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;

/** What of the variables contradicts each other. */
export const kafkaRules = (has: (name: Variable) => boolean, settings: Settings): Rules => {
  if (!has('KAFKA_BROKERS')) {
    const named = HOW.filter((name) => has(name));
    return named.length === 0 ? [] : [[true, `KAFKA_BROKERS is missing: ${named.join(', ')} say how it is reached.`]];
  }
  const missing = SASL.filter((name) => !has(name));
  return [
    [has('KAFKA_SSL_CA') && settings.KAFKA_SSL === false, 'KAFKA_SSL_CA and KAFKA_SSL=false contradict each other: remove one of them.'],
    [has('KAFKA_SSL_CA') && !has('KAFKA_SSL'), 'KAFKA_SSL is missing: set it to true, because KAFKA_SSL_CA is set.'],
    ...(missing.length === SASL.length
      ? []
      : missing.map((name) => [true, `${name} is missing: ${SASL.join(', ')} go together.`] as const)),
  ];
};

/** What production refuses. */
export const kafkaInProduction = ({ KAFKA_BROKERS = [], KAFKA_SSL = false }: Settings): Rules => [
  [
    KAFKA_BROKERS.some((broker) => !isLoopback(broker.replace(/:\d+$/, ''))) && !KAFKA_SSL,
    'KAFKA_SSL must be true in production: the brokers are not on this machine.',
  ],
];

/** null: no broker is named, and the one of this machine is used. */
export const kafka = ({ KAFKA_BROKERS, KAFKA_SSL = false, KAFKA_SSL_CA, ...sasl }: Settings): KafkaSettings | null => {
  if (KAFKA_BROKERS === undefined) return null;
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = sasl;
  return {
    brokers: KAFKA_BROKERS,
    tls: KAFKA_SSL ? { ca: KAFKA_SSL_CA ?? null } : null,
    sasl: mechanism === undefined || username === undefined || password === undefined ? null : { mechanism, username, password },
  };
};
