import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type DynamicModule, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type Consumer, host } from '../../src/app/consumers.js';
import { inboxIn } from '../../src/infra/postgres/inbox.postgres.js';
import { type Delivered, type Message, type Publisher } from '../../src/kernel/broker.js';
import { MARKS, parkedTopic } from '../../src/kernel/delivery.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { type Parked } from '../../src/kernel/parked.js';
import { Poison } from '../../src/kernel/poison.js';
import { prefixed } from '../support/kafka.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';
import { strength } from '../support/strength.js';

/** A broker as the suite works with it. */
export type TestBroker = Readonly<{
  publisher: Publisher;
  /** Makes a topic, and the parked topic beside it. */
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

export type BrokerHarness = Readonly<{ name: string; start: (stores: Stores) => Promise<TestBroker> }>;

const MEMBER = fileURLToPath(new URL('../support/broker-member.mjs', import.meta.url));
const PARTITIONS = 6;
const KEYS = 20;

type Handle = (message: Delivered) => Promise<unknown>;

@Module({})
class Host {}

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
    return inbox.once(message.topic, message.headers['id'] ?? '', async (sql) => {
      await sql.query('insert into effect (topic, key, n, member) values ($1, $2, $3, $4)', [message.topic, message.key, n, member]);
    });
  };
};

export const MAKE_EFFECTS =
  'create table effect (seq bigserial primary key, topic text not null, key text not null, n integer not null, member text not null)';

type Effect = Readonly<{ key: string; n: number; member: string }>;

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

/** What every broker promises to those who publish to it and to handlers of `@EventPattern`. */
export const brokerContract = ({ name, start }: BrokerHarness): void => {
  describe(`Topics on ${name}`, () => {
    let stores: Stores;
    let broker: TestBroker;
    const { listen, spawn: spawnMember, stop } = members();
    beforeAll(async () => {
      stores = await openStores();
      await stores.database.query(MAKE_EFFECTS);
      broker = await start(stores);
    });
    afterEach(stop);
    afterAll(async () => {
      await broker.stop();
      await stores.stop();
    });

    const newTopic = async (word: string): Promise<string> => {
      const topic = prefixed(word);
      await broker.makeTopic(topic, PARTITIONS);
      return topic;
    };
    const consume = (topic: string, handle: Handle): Promise<void> =>
      listen(moduleOf(topic, handle), broker.consumer(`${topic}.group`, [topic]));
    const all = (topic: string, count: number) =>
      eventually(`${count} effects`, async () => {
        const effects = await effectsOf(stores, topic);
        return effects.length >= count ? effects : null;
      });

    it('hand each message over in the order of its key, and let it take effect once however often it was published', async () => {
      const topic = await newTopic('ordered');
      const messages = numbered(0, 300);
      await broker.publisher.publish(topic, messages.slice(0, 200));
      void consume(topic, effectIn(stores, 'one'));
      await broker.publisher.publish(topic, messages.slice(0, 200));
      await broker.publisher.publish(topic, messages.slice(200));
      expectAllInOrder(await all(topic, 300), 300);
    });

    it('tell the handler key, bytes, headers and a tombstone as they were published', async () => {
      const topic = await newTopic('exact');
      const seen: Delivered[] = [];
      void consume(topic, (message) => Promise.resolve(seen.push(message)));
      await broker.publisher.publish(topic, [
        { id: 'a', key: '{"looks":"like JSON"}', value: '"é"', headers: { plain: '7', other: '{"x":1}' } },
        { id: 'b', key: '{"looks":"like JSON"}', value: null, headers: {} },
      ]);
      await eventually('both', () => seen.length === 2);
      expect(seen).toMatchObject([
        { topic, key: '{"looks":"like JSON"}', headers: { id: 'a', plain: '7', other: '{"x":1}' } },
        { topic, key: '{"looks":"like JSON"}', value: null, headers: { id: 'b' } },
      ]);
      expect(Buffer.from(seen[0]?.value ?? []).toString()).toBe('"é"');
      expect(seen[0]?.partition).toBe(seen[1]?.partition);
      expect((seen[1]?.offset ?? 0n) > (seen[0]?.offset ?? 0n)).toBe(true);
    });

    it('park what cannot be read with key, bytes, headers and code, let the next message pass, and replay it as it was', async () => {
      const topic = await newTopic('poison');
      const bytes = Uint8Array.of(0xff, 0x00, 0x7b);
      let isMended = false;
      const seen: Delivered[] = [];
      void consume(topic, (message) => {
        if (!isMended && message.headers['id'] === 'poison') return Promise.reject(new Poison('test.malformed'));
        return Promise.resolve(seen.push(message));
      });
      await broker.put(topic, 'k', bytes, { id: 'poison', more: 'kept' });
      await broker.publisher.publish(topic, [{ id: 'next', key: 'k', value: '1', headers: {} }]);
      await eventually('the next message', () => seen.length === 1);
      const [parked] = await broker.readAll(parkedTopic(topic));
      expect(parked).toMatchObject({
        key: 'k',
        headers: { id: 'poison', more: 'kept', [MARKS.topic]: topic, [MARKS.code]: 'test.malformed', [MARKS.attempt]: '1' },
      });
      expect(parked?.headers[MARKS.origin]).toMatch(/^\d+\/0$/);
      expect(parked?.value && [...parked.value]).toEqual([...bytes]);
      expect(await broker.parked.list(topic)).toMatchObject([{ topic, key: 'k', id: 'poison', code: 'test.malformed', tries: 1 }]);

      isMended = true;
      expect(await broker.parked.replay(topic, 'no such id')).toBe(0);
      expect(await broker.parked.replay(topic, 'poison')).toBe(1);
      await eventually('what was replayed', () => seen.length === 2);
      expect(seen[1]).toMatchObject({ key: 'k', headers: { id: 'poison', more: 'kept' } });
      expect(Object.keys(seen[1]?.headers ?? {}).filter((header) => header.startsWith('delivery-'))).toEqual([]);
      expect(seen[1]?.value && [...seen[1].value]).toEqual([...bytes]);
      expect(await broker.parked.list(topic)).toEqual([]);
    });

    it('try a handler again in place while it fails, without letting a later message of the key pass', async () => {
      const topic = await newTopic('failing');
      const tries: string[] = [];
      void consume(topic, (message) => {
        tries.push(message.headers['id'] ?? '');
        return tries.length <= 2 ? Promise.reject(new Error('it passes')) : Promise.resolve();
      });
      await broker.publisher.publish(topic, [
        { id: 'a', key: 'k', value: '1', headers: {} },
        { id: 'b', key: 'k', value: '2', headers: {} },
      ]);
      await eventually('both', () => tries.includes('b'));
      expect(tries).toEqual(['a', 'a', 'a', 'b']);
      expect(await broker.parked.list(topic)).toEqual([]);
    });

    it('wait while an engine is away, longer than a member may be silent, and park nothing', async () => {
      const topic = await newTopic('away');
      const until = performance.now() + 8_000;
      let refused = 0;
      const effect = effectIn(stores, 'one');
      void consume(topic, (message) => {
        if (performance.now() > until) return effect(message);
        refused += 1;
        return Promise.reject(new EngineAway('event store', null));
      });
      await broker.publisher.publish(topic, numbered(0, 40));
      expectAllInOrder(await all(topic, 40), 40);
      expect(refused).toBeGreaterThan(0);
      expect(await broker.parked.list(topic)).toEqual([]);
    });

    it('lose and double nothing when a member joins and is killed in the middle', async () => {
      const topic = await newTopic('killed');
      const [rounds, size] = strength([4, 100], [15, 300]);
      let count = 0;
      const publishMore = async (): Promise<void> => {
        await broker.publisher.publish(topic, numbered(count, size));
        count += size;
      };
      void consume(topic, effectIn(stores, 'stays'));
      const child = spawnMember({ ...broker.reach, database: stores.engines.databaseUrl('juy'), group: `${topic}.group`, topic });
      await eventually('an effect of the other member', async () => {
        await publishMore();
        return (await effectsOf(stores, topic)).some(({ member }) => member === 'other');
      });
      for (let round = 0; round < rounds; round += 1) await publishMore();
      child.kill('SIGKILL');
      for (let round = 0; round < rounds; round += 1) await publishMore();
      const effects = await all(topic, count);
      expectAllInOrder(effects, count);
      expect(new Set(effects.map(({ member }) => member))).toEqual(new Set(['stays', 'other']));
    });
  });
};
