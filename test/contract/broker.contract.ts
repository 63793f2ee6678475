import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Delivered } from '../../src/kernel/broker.js';
import { MARKS, parkedTopic } from '../../src/kernel/delivery.js';
import { Poison } from '../../src/kernel/poison.js';
import {
  effectIn,
  effectsIn,
  expectAllInOrder,
  type Handle,
  MAKE_EFFECTS,
  members,
  moduleOf,
  numbered,
  type TestBroker,
} from '../support/broker.js';
import { prefixed } from '../support/kafka.js';
import { eventually, openStores, type Stores } from '../support/store.js';
import { slowCases } from './broker.slow-cases.js';

export type BrokerHarness = Readonly<{ name: string; start: (stores: Stores) => Promise<TestBroker> }>;

const PARTITIONS = 6;

/** What every broker promises to those who publish to it and to handlers of `@EventPattern`. */
export const brokerContract = ({ name, start }: BrokerHarness): void => {
  describe(`Topics on ${name}`, () => {
    let stores: Stores;
    let broker: TestBroker;
    let slow: ReturnType<typeof slowCases>;
    const { listen, stop } = members();
    beforeAll(async () => {
      stores = await openStores();
      await stores.database.query(MAKE_EFFECTS);
      broker = await start(stores);
      slow = slowCases(stores, broker, newTopic);
    });
    afterEach(stop);
    afterAll(async () => {
      await Promise.allSettled(Object.values(slow));
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
    const all = (topic: string, count: number) => effectsIn(stores)(topic, count);

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

    it('wait while an engine is away, longer than a member may be silent, and park nothing', () => slow.away);

    it('bring a message by the retry topic whose fault lasts longer than it is tried in place, after the next of its key, for one effect', () =>
      slow.retried);

    it('lose and double nothing when a member joins and is killed in the middle', () => slow.killed);
  });
};
