import type kafkajs from 'kafkajs';
import { type Delivered } from '../../kernel/broker.js';

const textOf = (value: kafkajs.IHeaders[string]): string =>
  Array.isArray(value) ? value.map(String).join(',') : value === undefined ? '' : String(value);

/** A record of Kafka as consumers are handed it. */
export const deliveredOf = ({
  topic,
  partition,
  message,
}: Pick<kafkajs.EachMessagePayload, 'topic' | 'partition' | 'message'>): Delivered => ({
  topic,
  partition,
  offset: BigInt(message.offset),
  key: message.key === null ? null : message.key.toString(),
  value: message.value,
  headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, textOf(value)])),
  at: new Date(Number(message.timestamp)).toISOString(),
});
