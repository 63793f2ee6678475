import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { answerToProduce, framesOf, PRODUCE, producerOf, withPort } from './kafka-frames.js';

/** A line to Apache Kafka that breaks in the ways lines do. It tells clients its own address in place of the brokers', so that all their connections go through it. */
export type KafkaProxy = Readonly<{
  /** `host:port` */
  address: string;
  /** From now on nothing goes through the connections that there are, and they stay open. New ones work. */
  swallow: () => void;
  /** The connections that nothing goes through are closed: clients notice it at last. */
  cut: () => void;
  /** The producer that publishes next is refused with this code of Kafka's for good, before a broker has seen the message. */
  refuseProducer: (code: number) => void;
  /** Numbers of the producers whose messages were passed on, in the order of their first. */
  producers: readonly bigint[];
  stop: () => Promise<void>;
}>;

/** A client's connection, and the one to the broker that stands for it. */
class Line {
  isSwallowing = false;
  /** Kinds and versions of requests that are not answered yet, by the number that the answer repeats. */
  private readonly asked = new Map<number, Readonly<{ kind: number; version: number }>>();

  constructor(
    private readonly client: Socket,
    private readonly broker: Socket,
    private readonly rules: Readonly<{ port: () => number; refusal: (request: Buffer) => number | null }>,
  ) {
    framesOf(client, (frame) => {
      this.toBroker(frame);
    });
    framesOf(broker, (frame) => {
      this.toClient(frame);
    });
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        if (!this.isSwallowing) other.destroy();
      });
    }
  }

  end(): void {
    this.client.destroy();
    this.broker.destroy();
  }

  private toBroker(frame: Buffer): void {
    if (this.isSwallowing) return;
    const [kind, version, number] = [frame.readInt16BE(4), frame.readInt16BE(6), frame.readInt32BE(8)];
    const refusal = kind === PRODUCE ? this.rules.refusal(frame) : null;
    if (refusal !== null) {
      this.client.write(answerToProduce(frame, refusal));
      return;
    }
    this.asked.set(number, { kind, version });
    this.broker.write(frame);
  }

  private toClient(frame: Buffer): void {
    if (this.isSwallowing) return;
    const number = frame.readInt32BE(4);
    const asked = this.asked.get(number);
    this.asked.delete(number);
    this.client.write(asked === undefined ? frame : withPort(frame, asked, this.rules.port()));
  }
}

/** Starts a proxy in front of a broker (`host:port`). */
export const startKafkaProxy = async (target: string): Promise<KafkaProxy> => {
  const lines = new Set<Line>();
  const producers: bigint[] = [];
  const refused = new Map<bigint, number>();
  let coming: number | null = null;

  const refusal = (request: Buffer): number | null => {
    const producer = producerOf(request);
    if (coming !== null) refused.set(producer, coming);
    coming = null;
    const code = refused.get(producer) ?? null;
    if (code === null && !producers.includes(producer)) producers.push(producer);
    return code;
  };
  const [host = '', brokerPort = ''] = target.split(':');
  const port = (): number => (server.address() as { port: number }).port;
  const server = createServer((client) => lines.add(new Line(client, connect(Number(brokerPort), host), { port, refusal })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${port()}`,
    producers,
    swallow: () => {
      for (const line of lines) line.isSwallowing = true;
    },
    cut: () => {
      for (const line of lines) if (line.isSwallowing) line.end();
    },
    refuseProducer: (code) => {
      coming = code;
    },
    stop: async () => {
      for (const line of lines) line.end();
      server.close();
      await once(server, 'close');
    },
  };
};
