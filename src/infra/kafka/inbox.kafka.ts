import { setTimeout as sleep } from 'node:timers/promises';
import { ServerKafka } from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { type Delivered } from '../../kernel/broker.js';
import { deliver, type DeliveryMeans, ended } from '../../kernel/deliver.js';
import { type Fate, originOf, policyFor } from '../../kernel/delivery.js';
import { EngineAway } from '../../kernel/engine-away.js';
import { deliveredOf } from './delivered.kafka.js';
import { type RawMessage } from './producer.kafka.js';

/** What the strategy works with. */
export type InboxMeans = Readonly<{
  client: kafkajs.Kafka;
  group: string;
  /** All topics that are read; a handler takes those of its own and of the retry topic beside it. */
  topics: readonly string[];
  declaresRetry: (topic: string) => boolean;
  send: (topic: string, messages: readonly RawMessage[]) => Promise<void>;
  /** A new consumer, before it connects. */
  made: (consumer: kafkajs.Consumer) => void;
  /** Resolves when offsets were found to be as they were read; rejects where they are not, and then no message is handled. */
  cleared: () => Promise<void>;
  /** A message is handed to its handler; what it answers is called when that has ended. */
  begun: () => () => void;
  failed: (message: Delivered, fate: Fate) => void;
}>;

/** Milliseconds and counts that were tried: two members share a topic again after a tenth of a second, and after a SIGKILL within seven seconds. */
const CONSUMER = {
  sessionTimeout: 6_000,
  heartbeatInterval: 500,
  rebalanceTimeout: 60_000,
  maxWaitTimeInMs: 100,
  allowAutoTopicCreation: false,
  // What the client gives up is not begun again by it: it would do that also after it was told to stop, beside the successor.
  retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 2_000, restartOnFailure: () => Promise.resolve(false) },
};
const RUN = { autoCommitInterval: 200, autoCommitThreshold: 100, partitionsConsumedConcurrently: 3 };

/** Milliseconds that an end waits for brokers, when nothing is being handled: those that do not answer take the member out of its group by themselves. */
const FAREWELL = 5_000;

/** By these the group says that this member must give its partitions up. */
const CALLED_AWAY = new Set(['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

const isCalledAway = (error: unknown): boolean =>
  error instanceof kafkajs.KafkaJSProtocolError && CALLED_AWAY.has((error as Error & { type?: string }).type ?? '');

/** The message is delivered again; after an error of another kind the client would end the consumer for good. */
const again = (error: unknown): never => {
  throw new kafkajs.KafkaJSError(error as Error, { retriable: true });
};

/**
 * Nest's transport on Apache Kafka, which hands messages to the handlers of `@EventPattern` as they are (`Delivered`) and decides by `deliver` what becomes of
 * those that fail. Nothing of that reaches kafkajs, which would stall all partitions and in the end the consumer. Handlers must let their errors through: the
 * host of the consumers has a filter for it.
 */
export class KafkaInbox extends ServerKafka {
  private isClosing = false;
  private readonly handling = new Set<Promise<void>>();

  constructor(private readonly means: InboxMeans) {
    super({
      client: { brokers: [] },
      consumer: { groupId: means.group },
      postfixId: '',
    });
  }

  override createClient<T>(): Promise<T> {
    return Promise.resolve(this.means.client as T);
  }

  /** Without the producer of the base class, which would be one more connection that nothing uses. */
  override async start(callback: () => void): Promise<void> {
    const consumer = this.means.client.consumer({ groupId: this.groupId, ...CONSUMER });
    this.consumer = consumer;
    this.means.made(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.means.topics], fromBeginning: true });
    await consumer.run({ ...RUN, eachMessage: (payload) => this.handleMessage(payload) });
    // A consumer that is told to stop while it joins its group joins it nevertheless.
    if (this.isClosing) await consumer.disconnect();
    callback();
  }

  /** Resolves when what is being handled has come to its end, and brokers have heard that the member goes or have not answered for some seconds. */
  override async close(): Promise<void> {
    this.isClosing = true;
    const heard = new AbortController();
    const told = super
      .close()
      .catch(() => undefined)
      .finally(() => {
        heard.abort();
      });
    await Promise.allSettled(this.handling);
    await Promise.race([told, sleep(FAREWELL, undefined, { signal: heard.signal }).catch(() => undefined)]);
  }

  override handleMessage(payload: kafkajs.EachMessagePayload): Promise<void> {
    const handled = this.deliverOne(payload).finally(() => this.handling.delete(handled));
    this.handling.add(handled);
    return handled;
  }

  private async deliverOne(payload: kafkajs.EachMessagePayload): Promise<void> {
    const message = deliveredOf(payload);
    const handler = this.getHandlerByPattern(originOf(payload.topic));
    if (handler === null) throw new Error(`no handler takes messages of ${payload.topic}`);
    const run = async (): Promise<void> => {
      // Until the group could be looked at, its messages wait as for any engine; the member lives meanwhile.
      await this.means.cleared().catch((error: unknown) => {
        throw new EngineAway('broker', error);
      });
      await ended(handler(message));
    };
    const over = this.means.begun();
    try {
      await deliver(
        policyFor(message.topic, { retry: this.means.declaresRetry(message.topic) }),
        message,
        run,
        this.meansFor(payload, message),
      );
    } finally {
      over();
    }
  }

  private meansFor(payload: kafkajs.EachMessagePayload, message: Delivered): DeliveryMeans {
    const { key, value, headers = {} } = payload.message;
    return {
      beat: async () => {
        // A retriable error, after which the client finds that it is told to stop.
        if (this.isClosing) throw new kafkajs.KafkaJSError('the consumer stops');
        await payload.heartbeat().catch((error: unknown) => {
          if (isCalledAway(error)) throw error;
          // A broker that is out of reach is found by the client when the message is done.
        });
      },
      pause: (milliseconds) => sleep(milliseconds),
      every: (milliseconds, act) => {
        const timer = setInterval(act, milliseconds);
        return () => {
          clearInterval(timer);
        };
      },
      move: async (topic, marks) => {
        await this.means.send(topic, [{ key, value, headers: { ...headers, ...marks } }]).catch(again);
      },
      failed: (fate) => {
        this.means.failed(message, fate);
      },
    };
  }
}
