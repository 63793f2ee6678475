import { type CustomTransportStrategy, Server, Transport } from '@nestjs/microservices';
import { type Delivered } from '../../kernel/broker.js';
import { ended } from '../../kernel/deliver.js';
import { type Fate, policyFor, withRetry } from '../../kernel/delivery.js';
import { type Clock } from '../../kernel/clock.js';
import { type Log } from '../../kernel/log.js';
import { beMember, type BrokerDatabase, type Seen } from './group.member.js';
import { type Handling } from './partition.reader.js';

/** `declaresRetry`: whether a topic declares a topic for what failed. `failed` is told of each failure, for logs and metrics. */
export type EmbeddedBrokerOptions = Readonly<{
  database: BrokerDatabase;
  log: Log;
  group: string;
  declaresRetry: (topic: string) => boolean;
  failed: (message: Delivered, fate: Fate) => void;
  clock: Clock;
  /** Is kept up to date while it listens. */
  seen: Seen;
}>;

/** Hands messages of this machine's broker to the handlers of `@EventPattern`, as Kafka's strategy hands those of Kafka. */
export class EmbeddedBroker extends Server implements CustomTransportStrategy {
  override readonly transportId = Transport.KAFKA;
  private readonly stopping = new AbortController();
  private reading: Promise<void> = Promise.resolve();

  constructor(private readonly options: EmbeddedBrokerOptions) {
    super();
  }

  listen(callback: () => void): void {
    const { database, log, clock, group, seen } = this.options;
    const handlings = new Map<string, Handling>();
    for (const pattern of this.messageHandlers.keys())
      for (const topic of withRetry(pattern, this.options.declaresRetry)) handlings.set(topic, this.handlingOf(topic, pattern));
    if (handlings.size > 0) this.reading = beMember({ database, group, log, clock, seen, handlings }, this.stopping.signal);
    callback();
  }

  /** Resolves when what is being handled has come to its end and is committed. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.reading;
  }

  on(): void {
    throw new Error('this broker tells of no events');
  }

  unwrap(): never {
    throw new Error('there is nothing beneath this broker');
  }

  /** `pattern`: of the handler that messages of the topic are handed to. */
  private handlingOf(topic: string, pattern: string): Handling {
    const { declaresRetry, failed } = this.options;
    const handler = this.messageHandlers.get(pattern);
    if (handler === undefined) throw new Error(`there is no handler for ${pattern}`);
    return { policy: policyFor(topic, { retry: declaresRetry(topic) }), run: (message) => ended(handler(message)), failed };
  }
}
