import { expect } from '@jest/globals';
import { type Delivered } from '../../src/kernel/broker.js';
import { MARKS } from '../../src/kernel/delivery.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import {
  effectIn,
  effectsIn,
  effectsOf,
  expectAllInOrder,
  type Handle,
  members,
  type Members,
  moduleOf,
  numbered,
  type TestBroker,
} from '../support/broker.js';
import { eventually, type Stores } from '../support/store.js';
import { strength } from '../support/strength.js';

/** The cases that mostly wait: they run beside each other, each with members of its own. */
export const slowCases = (stores: Stores, broker: TestBroker, newTopic: (word: string) => Promise<string>) => {
  const all = effectsIn(stores);

  const away = async ({ listen }: Members): Promise<void> => {
    const topic = await newTopic('away');
    const until = performance.now() + 7_000;
    let refused = 0;
    const effect = effectIn(stores, 'one');
    const handle: Handle = (message) => {
      if (performance.now() > until) return effect(message);
      refused += 1;
      return Promise.reject(new EngineAway('event store', null));
    };
    void listen(moduleOf(topic, handle), broker.consumer(`${topic}.group`, [topic]));
    await broker.publisher.publish(topic, numbered(0, 40));
    expectAllInOrder(await all(topic, 40), 40);
    expect(refused).toBeGreaterThan(0);
    expect(await broker.parked.list(topic)).toEqual([]);
  };

  const retried = async ({ listen }: Members): Promise<void> => {
    const topic = await newTopic('retried');
    const effect = effectIn(stores, 'one');
    const came: Delivered[] = [];
    const handle: Handle = (message) => {
      came.push(message);
      const isFailing = message.headers['id'] === 'late' && came.filter(({ headers }) => headers['id'] === 'late').length <= 6;
      return isFailing ? Promise.reject(new RangeError('it passes')) : effect(message);
    };
    void listen(moduleOf(topic, handle), broker.consumer(`${topic}.group`, [topic]));
    const late = { id: 'late', key: 'k', value: '{"n":0}', headers: { more: 'kept' } };
    await broker.publisher.publish(topic, [late, { ...late, id: 'next', value: '{"n":1}' }]);
    await all(topic, 2);
    await broker.publisher.publish(topic, [late, { ...late, id: 'last', value: '{"n":2}' }]);
    expect((await all(topic, 3)).map(({ n }) => n)).toEqual([1, 0, 2]);

    const own = came.filter((message) => message.topic === topic).map(({ headers }) => headers['id']);
    expect(own).toEqual(['late', 'late', 'late', 'late', 'late', 'next', 'late', 'last']);
    const marks = { [MARKS.topic]: topic, [MARKS.attempt]: '5', [MARKS.code]: 'RangeError' };
    const again = came.filter((message) => message.topic === `${topic}.retry`);
    expect(again).toMatchObject(Array(2).fill({ key: 'k', headers: { id: 'late', more: 'kept', ...marks } }));
    expect(await broker.parked.list(topic)).toEqual([]);
  };

  const killed = async ({ listen, spawn: spawnMember }: Members): Promise<void> => {
    const topic = await newTopic('killed');
    const [rounds, size] = strength([4, 100], [15, 300]);
    let count = 0;
    const publishMore = async (): Promise<void> => {
      await broker.publisher.publish(topic, numbered(count, size));
      count += size;
    };
    void listen(moduleOf(topic, effectIn(stores, 'stays')), broker.consumer(`${topic}.group`, [topic]));
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
  };

  const begin = async (work: (own: Members) => Promise<void>): Promise<void> => {
    const own = members();
    try {
      await work(own);
    } finally {
      await own.stop();
    }
  };
  const begun = { away: begin(away), retried: begin(retried), killed: begin(killed) };
  // A case that fails before its turn fails in its turn.
  for (const each of Object.values(begun)) each.catch(() => undefined);
  return begun;
};
