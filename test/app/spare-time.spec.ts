import { describe, expect, it } from '@jest/globals';
import { inSpareTime, spareTime, type Spent } from '../../src/app/spare-time.js';

/** Two processors over so many milliseconds, of which this process and others took some. */
const machine = () => {
  let spent: Spent = { all: 0, idle: 0, own: 0 };
  return {
    read: () => spent,
    passes: (milliseconds: number, own: number, others: number): void => {
      const all = 2 * milliseconds;
      spent = { all: spent.all + all, idle: spent.idle + all - own - others, own: spent.own + own };
    },
  };
};

describe('spare time', () => {
  it('is there however much this process takes itself', () => {
    const { read, passes } = machine();
    const isSpare = spareTime(read);
    passes(100, 200, 0);
    expect(isSpare()).toBe(true);
  });

  it('is gone while other programs take a quarter of the processors, and comes back after them', () => {
    const { read, passes } = machine();
    const isSpare = spareTime(read);
    passes(100, 100, 50);
    expect(isSpare()).toBe(false);
    passes(20, 0, 40);
    expect(isSpare()).toBe(false);
    passes(100, 100, 0);
    expect(isSpare()).toBe(true);
  });

  it('is told of this machine', () => {
    expect(typeof spareTime()()).toBe('boolean');
  });
});

describe('What is done in spare time', () => {
  const roundsUntil = async (isAtWork: (rounds: number) => boolean): Promise<number> => {
    let rounds = 0;
    const warmUp = { clock: { now: () => 0 }, signal: new AbortController().signal, isAtWork: () => isAtWork(rounds) };
    const round = (): Promise<void> => {
      rounds += 1;
      return Promise.resolve();
    };
    await inSpareTime(warmUp, round, () => true);
    return rounds;
  };

  it('does not begin where real work came first', async () => {
    expect(await roundsUntil(() => true)).toBe(0);
  });

  it('ends when real work comes', async () => {
    expect(await roundsUntil((rounds) => rounds > 0)).toBe(1);
  });
});
