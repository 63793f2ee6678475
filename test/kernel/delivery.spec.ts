import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Observable } from 'rxjs';
import { type Delivered } from '../../src/kernel/broker.js';
import { deliver, type DeliveryMeans, ended } from '../../src/kernel/deliver.js';
import { codeOf, type Fate, MARKS, parkedTopic, policyFor } from '../../src/kernel/delivery.js';
import { EngineAway } from '../../src/kernel/engine-away.js';
import { Poison } from '../../src/kernel/poison.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const message = (more: Partial<Delivered> = {}): Delivered => ({
  topic: 'rooms.v1',
  partition: 2,
  offset: 17n,
  key: 'k',
  value: bytes('{"n":1}'),
  headers: { id: 'm1' },
  at: '2026-11-27T12:00:00.000Z',
  ...more,
});

/** A broker in memory in which time passes only by waiting; `beat` fails from the nth on. */
const broker = (lostAtBeat = Infinity) => {
  const seen = { beats: 0, waited: 0, moved: [] as [string, Readonly<Record<string, string>>][], fates: [] as Fate[] };
  const means: DeliveryMeans = {
    beat: () => {
      seen.beats += 1;
      return seen.beats >= lostAtBeat ? Promise.reject(new Error('rebalance')) : Promise.resolve();
    },
    pause: (milliseconds) => {
      seen.waited += milliseconds;
      return Promise.resolve();
    },
    every: (_, act) => {
      act();
      return () => undefined;
    },
    move: (topic, marks) => {
      seen.moved.push([topic, marks]);
      return Promise.resolve();
    },
    failed: (fate) => {
      seen.fates.push(fate);
    },
  };
  return { seen, means };
};

const policy = policyFor('rooms.v1', { retry: false });

const failing = (times: number, error: unknown) => {
  let left = times;
  return (): Promise<void> => {
    left -= 1;
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- also what no error is may be thrown
    return left >= 0 ? Promise.reject(error) : Promise.resolve();
  };
};

describe('the delivery of a message', () => {
  it('tries five times within ten seconds, then parks the message with where it comes from, its tries and the code', async () => {
    const { seen, means } = broker();
    expect(await deliver(policy, message(), failing(Infinity, new TypeError('of Ada Lovelace')), means)).toBe('moved');
    expect(seen.fates.map(({ then }) => then)).toEqual(['again', 'again', 'again', 'again', 'move']);
    expect(seen.waited).toBeLessThan(10_000);
    const marks = { [MARKS.topic]: 'rooms.v1', [MARKS.origin]: '2/17', [MARKS.attempt]: '5', [MARKS.code]: 'TypeError' };
    expect(seen.moved).toEqual([['rooms.v1.parked', marks]]);
  });

  it('is done when a fault has passed', async () => {
    const { seen, means } = broker();
    expect(await deliver(policy, message(), failing(4, new Error('passing')), means)).toBe('handled');
    expect(seen.moved).toEqual([]);
  });

  it('parks at once what cannot be read', async () => {
    const { seen, means } = broker();
    expect(await deliver(policy, message(), failing(9, new Poison('rooms.malformed')), means)).toBe('moved');
    expect(seen.waited).toBe(0);
    expect(seen.moved).toMatchObject([['rooms.v1.parked', { [MARKS.attempt]: '1', [MARKS.code]: 'rooms.malformed' }]]);
  });

  it('waits for an engine that is away for as long as it takes, with a beat at least each second, and parks nothing', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 200 }), async (times) => {
        const { seen, means } = broker();
        expect(await deliver(policy, message(), failing(times, new EngineAway('database', null)), means)).toBe('handled');
        expect(seen.moved).toEqual([]);
        expect(seen.beats).toBeGreaterThanOrEqual(seen.waited / 1_000);
      }),
    ));

  it('counts tries alike where engines are away between them', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (aways) => {
        const { seen, means } = broker();
        const left = [...aways];
        const run = (): Promise<void> => {
          const away = left.shift();
          if (away === undefined) return Promise.resolve();
          return Promise.reject(away ? new EngineAway('event store', null) : new Error('fault'));
        };
        const outcome = await deliver(policy, message(), run, means);
        const faults = aways.filter((away) => !away).length;
        expect(outcome).toBe(faults >= 5 ? 'moved' : 'handled');
        if (outcome === 'moved') expect(seen.moved[0]?.[1][MARKS.attempt]).toBe('5');
      }),
    ));

  it('gives the partition up when the member is called away before the message is handled, and ends what succeeds', async () => {
    const called = broker(1);
    await expect(deliver(policy, message(), failing(1, new Error('fault')), called.means)).rejects.toThrow('rebalance');
    expect(await deliver(policy, message(), failing(0, null), broker(1).means)).toBe('handled');
    const waiting = broker(3);
    await expect(deliver(policy, message(), failing(9, new EngineAway('database', null)), waiting.means)).rejects.toThrow('rebalance');
  });

  it('tells the broker that it lives while a message is moved, which takes long where the next topic cannot be reached', async () => {
    const { seen, means } = broker();
    await deliver(policy, message(), failing(1, new Poison('x')), means);
    expect(seen.beats).toBe(2);
  });

  it('parks what cannot be read also where a retry topic is declared', async () => {
    const { seen, means } = broker();
    await deliver(policyFor('work.v1', { retry: true }), message({ topic: 'work.v1' }), failing(1, new Poison('x')), means);
    expect(seen.moved.map(([topic]) => topic)).toEqual(['work.v1.parked']);
  });

  it('fails when the message cannot be moved, so that it is delivered again', async () => {
    const { means } = broker();
    const stuck = { ...means, move: () => Promise.reject(new Error('no broker')) };
    await expect(deliver(policy, message(), failing(9, new Poison('x')), stuck)).rejects.toThrow('no broker');
  });

  it('moves to the retry topic where one is declared, and from there to the same parked topic with its first origin and all its tries', async () => {
    const { seen, means } = broker();
    await deliver(policyFor('work.v1', { retry: true }), message({ topic: 'work.v1' }), failing(9, new Error('fault')), means);
    const [moved] = seen.moved;
    expect(moved?.[0]).toBe('work.v1.retry');
    const again = message({ topic: 'work.v1.retry', partition: 0, offset: 1n, headers: { id: 'm1', ...moved?.[1] } });
    await deliver(policyFor('work.v1.retry', { retry: false }), again, failing(9, new Error('fault')), means);
    expect(seen.moved[1]).toEqual([
      'work.v1.parked',
      { [MARKS.topic]: 'work.v1', [MARKS.origin]: '2/17', [MARKS.attempt]: '10', [MARKS.code]: 'Error' },
    ]);
    expect(parkedTopic('work.v1.retry')).toBe(parkedTopic('work.v1'));
  });

  it('tells kinds of faults by codes and names, never by their messages', () => {
    expect([Object.assign(new Error('Ada'), { code: '23505' }), new RangeError('Ada'), 'Ada Lovelace', null].map(codeOf)).toEqual([
      '23505',
      'RangeError',
      'unknown',
      'unknown',
    ]);
  });

  it('is over when the stream that a handler answered is', async () => {
    const fault = new Error('fault');
    await ended(Promise.resolve(undefined));
    await ended(
      Promise.resolve(
        new Observable((observer) => {
          observer.complete();
        }),
      ),
    );
    await expect(
      ended(
        new Observable((observer) => {
          observer.error(fault);
        }),
      ),
    ).rejects.toBe(fault);
  });
});
