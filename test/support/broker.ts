import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { Controller, type DynamicModule, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type Consumer, host } from '../../src/app/consumers.js';
import { inboxIn } from '../../src/infra/postgres/inbox.postgres.js';
import { type Delivered, type Message, type Publisher } from '../../src/kernel/broker.js';
import { originOf } from '../../src/kernel/delivery.js';
import { type Parked } from '../../src/kernel/parked.js';
import { eventually, SILENT, type Stores } from './store.js';

/** A broker as the suite works with it. */
export type TestBroker = Readonly<{
  publisher: Publisher;
  /** Makes a topic, and those for what failed beside it. */
  makeTopic: (topic: string, partitions: number) => Promise<void>;
  /** Publishes bytes that the service would not. */
  put: (topic: string, key: string, value: Uint8Array, headers: Readonly<Record<string, string>>) => Promise<void>;
  consumer: (group: string, topics: readonly string[]) => Consumer;
  parked: Parked;
  readAll: (topic: string) => Promise<readonly Delivered[]>;
  /** What a member in another process is told to reach it. */
  reach: Readonly<Record<string, unknown>>;
  stop: () => Promise<void>;
}>;

const MEMBER = fileURLToPath(new URL('./broker-member.mjs', import.meta.url));
const KEYS = 20;

export type Handle = (message: Delivered) => Promise<unknown>;

@Module({})
class Host {}

/** Topics of the suite that declare a retry topic. */
export const isRetried = (topic: string): boolean => topic.endsWith('.retried');

/** A host with one handler, as a slice has it. */
export const moduleOf = (topic: string, handle: Handle): DynamicModule => {
  @Controller()
  class Handler {
    // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- without it the compiler infers another type (TS1241)
    @EventPattern<string>(topic)
    async on(@Payload() message: Delivered): Promise<void> {
      await handle(message);
    }
  }
  return { module: Host, controllers: [Handler] };
};

/** The handler of every member: the effect of a message is a row, once. */
export const effectIn = (stores: Pick<Stores, 'database'>, member: string): Handle => {
  const inbox = inboxIn(stores.database);
  return (message) => {
    const { n } = JSON.parse(Buffer.from(message.value ?? []).toString()) as { n: number };
    const topic = originOf(message.topic);
    return inbox.once(topic, message.headers['id'] ?? '', async (sql) => {
      await sql.query('insert into effect (topic, key, n, member) values ($1, $2, $3, $4)', [topic, message.key, n, member]);
    });
  };
};

export const MAKE_EFFECTS =
  'create table effect (seq bigserial primary key, topic text not null, key text not null, n integer not null, member text not null)';

/** An effect of a message, and which member had it. */
export type Effect = Readonly<{ key: string; n: number; member: string }>;

export const effectsOf = (stores: Pick<Stores, 'database'>, topic: string): Promise<readonly Effect[]> =>
  stores.database.query<Effect>('select key, n, member from effect where topic = $1 order by seq', [topic]);

/** Messages of some keys in turn; their numbers grow. */
export const numbered = (from: number, count: number): readonly Message[] =>
  Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    key: `key ${(from + index) % KEYS}`,
    value: JSON.stringify({ n: from + index }),
    headers: { kind: 'numbered' },
  }));

/** All numbers from 0 on, each once, those of one key in their order. */
export const expectAllInOrder = (effects: readonly Effect[], count: number): void => {
  expect(effects.map(({ n }) => n).sort((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, index) => index));
  for (let key = 0; key < KEYS; key += 1) {
    const numbers = effects.filter((effect) => effect.key === `key ${key}`).map(({ n }) => n);
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  }
};

/** Waits for so many effects of a topic. */
export const effectsIn =
  (stores: Pick<Stores, 'database'>) =>
  (topic: string, count: number): Promise<readonly Effect[]> =>
    eventually(`${count} effects`, async () => {
      const effects = await effectsOf(stores, topic);
      return effects.length >= count ? effects : null;
    });

export type Members = ReturnType<typeof members>;

/** Hosts and processes of a test, ended after it. */
export const members = () => {
  const stops: (() => Promise<void>)[] = [];
  return {
    listen: (module: DynamicModule, consumer: Consumer): Promise<void> => {
      const stopping = new AbortController();
      const running = host(module, consumer, SILENT, stopping.signal);
      running.catch(() => undefined);
      stops.push(async () => {
        stopping.abort();
        await running.catch(() => undefined);
      });
      return running;
    },
    spawn: (told: Readonly<Record<string, unknown>>): ChildProcess => {
      const child = spawn(process.execPath, [MEMBER, JSON.stringify(told)], { stdio: ['ignore', 'ignore', 'inherit'] });
      const over = new Promise((resolve) => child.once('exit', resolve));
      stops.push(async () => {
        child.kill('SIGKILL');
        await over;
      });
      return child;
    },
    stop: async () => {
      for (const stop of stops.splice(0)) await stop();
    },
  };
};
