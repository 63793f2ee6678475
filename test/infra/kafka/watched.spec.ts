import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { LIMITS } from '../../../src/infra/kafka/standing.js';
import { watchConsumer } from '../../../src/infra/kafka/watched.kafka.js';

const { events } = new kafkajs.Kafka({ brokers: ['none'], logLevel: kafkajs.logLevel.NOTHING }).consumer({ groupId: 'none' });

/** A watched consumer that tells what it is made to; time passes by `pass`. */
const watched = () => {
  let now = 1_000_000;
  const tells = new EventEmitter();
  const { follow, ended, health, fetchedAt, stop, look } = watchConsumer({ now: () => now }, () => Promise.resolve(false));
  follow({ events, on: (name: string, act: (event: unknown) => void) => tells.on(name, act) } as unknown as kafkajs.Consumer);
  let why: string | null = null;
  ended.catch((error: unknown) => (why = (error as Error).name));
  stop();
  return {
    tell: (name: keyof typeof events, payload: unknown = {}) => tells.emit(events[name], { payload }),
    pass: (milliseconds: number) => (now += milliseconds),
    end: async (): Promise<string | null> => {
      look();
      await new Promise(setImmediate);
      return why;
    },
    health,
    age: () => now - (fetchedAt() ?? NaN),
  };
};

const JOINED = { memberAssignment: { 'rooms.v1': [0, 1] } };

describe('sync-rule 34: a consumer is deaf', () => {
  it('to one broker of two that never answers, while the other does', async () => {
    const { tell, pass, end, health, age } = watched();
    tell('GROUP_JOIN', JOINED);
    for (const nodeId of [1, 2]) tell('FETCH_START', { nodeId });
    for (const nodeId of [1, 2]) tell('FETCH', { nodeId });
    tell('FETCH_START', { nodeId: 2 });
    for (let waited = 0; waited <= LIMITS.rebalance; waited += 1_000) {
      expect(await end()).toBeNull();
      tell('FETCH_START', { nodeId: 1 });
      pass(1_000);
      tell('FETCH', { nodeId: 1 });
    }
    expect([health().ok, age() > LIMITS.rebalance, await end()]).toEqual([false, true, 'ConsumerDeaf']);
  });

  it('whose fetches fail one after the other', async () => {
    const { tell, pass, end } = watched();
    tell('GROUP_JOIN', JOINED);
    for (let waited = 0; waited <= LIMITS.rebalance; waited += 15_000) {
      expect(await end()).toBeNull();
      tell('FETCH_START', { nodeId: 1 });
      pass(15_000);
    }
    expect(await end()).toBe('ConsumerDeaf');
  });

  it('which does not come back into its group, or has no partitions there that others do not have either', async () => {
    const apart = watched();
    apart.tell('GROUP_JOIN', JOINED);
    apart.tell('REBALANCING');
    apart.pass(LIMITS.apart);
    expect(await apart.end()).toBeNull();
    apart.pass(1);
    expect(await apart.end()).toBe('ConsumerDeaf');
    const empty = watched();
    empty.tell('GROUP_JOIN', { memberAssignment: {} });
    empty.pass(LIMITS.rebalance + 1);
    expect(await empty.end()).toBe('ConsumerDeaf');
  });

  it('not while it reads, nor when it was given up by its client, which ends it too', async () => {
    const { tell, pass, end } = watched();
    tell('GROUP_JOIN', JOINED);
    pass(LIMITS.rebalance);
    tell('FETCH_START', { nodeId: 1 });
    tell('FETCH', { nodeId: 1 });
    pass(LIMITS.silence);
    expect(await end()).toBeNull();
    tell('CRASH', { error: new Error('no broker'), restart: false });
    expect(await end()).toBe('ConsumerEnded');
  });
});
