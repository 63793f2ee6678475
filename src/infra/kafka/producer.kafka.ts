import type kafkajs from 'kafkajs';
import { type Log } from '../../kernel/log.js';

/** A message with its bytes as they are. */
export type RawMessage = Readonly<{ key: Buffer | string | null; value: Buffer | string | null; headers: kafkajs.IHeaders }>;

/** Publishes what is asked for in that order; resolves when all replicas in sync have it. */
export type Producer = Readonly<{
  send: (topic: string, messages: readonly RawMessage[]) => Promise<void>;
  close: () => Promise<void>;
}>;

/**
 * A producer that counts its messages, so that the broker recognises what a repeated request brings twice. One whose request failed is not used again: the
 * count may be another than the broker's, which then refuses everything (codes 45, 47, 59) or takes other messages of the same number for repeated ones.
 */
export const countingProducer = (client: Pick<kafkajs.Kafka, 'producer'>, log: Log): Producer => {
  let current: Promise<kafkajs.Producer> | null = null;

  const open = async (): Promise<kafkajs.Producer> => {
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  };

  const end = async (opened: Promise<kafkajs.Producer>): Promise<void> => {
    await opened.then((producer) => producer.disconnect()).catch(() => undefined);
  };

  return {
    send: async (topic, messages) => {
      const mine = (current ??= open());
      try {
        const producer = await mine;
        await producer.send({ topic, acks: -1, messages: messages.map(({ key, value, headers }) => ({ key, value, headers })) });
      } catch (error) {
        if (current === mine) current = null;
        void end(mine);
        log.warn('messages could not be published, and a new producer takes over', { topic, code: protocolCodeOf(error) });
        throw error;
      }
    },
    close: async () => {
      if (current !== null) await end(current);
      current = null;
    },
  };
};

/** Kafka's number of an error, which the client wraps; null where it has none. */
export const protocolCodeOf = (error: unknown): number | null => {
  for (let each = error; each instanceof Error; each = each.cause) if ('code' in each && typeof each.code === 'number') return each.code;
  return null;
};
