import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { pace } from '../../src/sync/feed.pace.js';

const ROOM = 100;

/** A pace whose projection is where the test says. */
const following = (stuck = 60_000, alone = ROOM, allowance = 1_000_000) => {
  let at = 0n;
  const order: string[] = [];
  const rests: string[] = [];
  const { enter } = pace(
    () => Promise.resolve(at),
    { among: ROOM, alone, allowance },
    stuck,
    () => {
      rests.push(`after ${order.length}`);
      return Promise.resolve();
    },
  );
  const entering = (name: string, weight: number, { person = 'ada', signal = new AbortController().signal } = {}) =>
    enter(person, weight, signal).then((admitted) => {
      order.push(name);
      return admitted;
    });
  return {
    entering,
    order,
    rests,
    projectedTo: (position: bigint) => {
      at = position;
    },
  };
};

/** Long enough for anything that does not wait. */
const aMoment = () => sleep(100);

describe('What one person’s calendars bring', () => {
  it('is appended as it comes while little of it waits to be read', async () => {
    const { entering, order } = following();
    await entering('first', 60);
    await entering('second', 40);
    expect(order).toEqual(['first', 'second']);
  });

  it('waits until what was appended before can be read, and then goes on', async () => {
    const { entering, order, projectedTo } = following();
    (await entering('first', 60))(1n);
    (await entering('second', 40))(2n);
    const third = entering('third', 40);
    await aMoment();
    expect(order).toEqual(['first', 'second']);
    projectedTo(1n);
    await third;
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('is let in alone when it is more than may wait', async () => {
    const { entering, order, projectedTo } = following();
    (await entering('huge', 5_000))(1n);
    const next = entering('next', 1);
    await aMoment();
    expect(order).toEqual(['huge']);
    projectedTo(1n);
    await next;
  });

  it('may be more while no other person’s calendars are read, and no longer once they are', async () => {
    const { entering, order } = following(60_000, 300);
    (await entering('first', 100))(1n);
    (await entering('second', 150))(2n);
    (await entering('other', 1, { person: 'grace' }))(3n);
    void entering('third', 10);
    await aMoment();
    expect(order).toEqual(['first', 'second', 'other']);
  });

  it('takes the room of no other person', async () => {
    const { entering, order } = following();
    (await entering('hers', 5_000))(1n);
    await entering('his', 5_000, { person: 'bob' });
    expect(order).toEqual(['hers', 'his']);
  });

  it('is never let in together by two who waited for the same room', async () => {
    const { entering, order, projectedTo } = following();
    (await entering('first', 100))(1n);
    const [second, third] = [entering('second', 80), entering('third', 80)];
    projectedTo(1n);
    const admitted = await Promise.race([second, third]);
    await aMoment();
    expect(order).toHaveLength(2);
    admitted(2n);
    projectedTo(2n);
    await Promise.all([second, third]);
  });

  it('gives its room back when it could not be appended', async () => {
    const { entering, order } = following();
    (await entering('lost', 100))(null);
    await entering('next', 100);
    expect(order).toEqual(['lost', 'next']);
  });

  it('waits no longer when its worker stops', async () => {
    const { entering } = following();
    (await entering('first', 100))(1n);
    const stopping = new AbortController();
    const second = entering('second', 100, { signal: stopping.signal });
    stopping.abort();
    await second;
  });

  it('is not kept waiting by a projection that does not move', async () => {
    const { entering, order } = following(0);
    (await entering('first', 100))(1n);
    (await entering('second', 100))(2n);
    await entering('third', 100);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('rests once it is more than one person may bring in a minute among others, who do not', async () => {
    const { entering, order, rests } = following(60_000, ROOM, 250);
    const bring = async (name: string, weight: number, person: string): Promise<void> => {
      (await entering(name, weight, { person }))(0n);
    };
    await bring('other', 1, 'grace');
    for (const name of ['first', 'second', 'third']) await bring(name, 90, 'ada');
    expect(rests).toEqual([]);
    await bring('fourth', 90, 'ada');
    await bring('another', 90, 'grace');
    expect(order).toEqual(['other', 'first', 'second', 'third', 'fourth', 'another']);
    expect(rests).toEqual(['after 4']);
  });

  it('rests never while no other person’s calendars are read', async () => {
    const { entering, rests } = following(60_000, ROOM, 10);
    for (const name of ['first', 'second', 'third']) (await entering(name, 90))(0n);
    expect(rests).toEqual([]);
  });
});
