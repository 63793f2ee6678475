import { describe, expect, it } from '@jest/globals';
import { inSpareTime, spareTime, type Spent } from '../../src/app/spare-time.js';

/** Two processors over so many milliseconds, of which programs took some. */
const machine = () => {
  let spent: Spent = { all: 0, idle: 0 };
  return {
    read: () => spent,
    passes: (milliseconds: number, taken: number): void => {
      const all = 2 * milliseconds;
      spent = { all: spent.all + all, idle: spent.idle + all - taken };
    },
  };
};

describe('Spare time', () => {
  /** What a look says after so much of two processors was taken during it. */
  const afterLook = async (taken: number): Promise<boolean> => {
    const { read, passes } = machine();
    const look = spareTime(new AbortController().signal, read, () => {
      passes(200, taken);
      return Promise.resolve();
    });
    return look();
  };

  it('is there while a quarter of the processors is idle', async () => {
    expect(await afterLook(0)).toBe(true);
    expect(await afterLook(290)).toBe(true);
  });

  it('is gone on a machine that has less idle', async () => {
    expect(await afterLook(310)).toBe(false);
  });

  it('is judged by each look alone', async () => {
    const { read, passes } = machine();
    const taken = [400, 0];
    const look = spareTime(new AbortController().signal, read, () => {
      passes(200, taken.shift() ?? 0);
      return Promise.resolve();
    });
    expect(await look()).toBe(false);
    // Between looks this process works, which leaves others less than they would take.
    passes(1_000, 2_000);
    expect(await look()).toBe(true);
  });

  it('is told of this machine', async () => {
    expect(typeof (await spareTime(new AbortController().signal)())).toBe('boolean');
  });
});

describe('What is done in spare time', () => {
  /** How many rounds are done, and how often the machine is looked at. */
  const doneUntil = async (isAtWork: (rounds: number) => boolean, isSpare: (look: number) => boolean = () => true) => {
    let [rounds, looks] = [0, 0];
    const warmUp = { clock: { now: () => 0 }, signal: new AbortController().signal, isAtWork: () => isAtWork(rounds) };
    const round = (): Promise<void> => {
      rounds += 1;
      return Promise.resolve();
    };
    await inSpareTime(warmUp, round, () => Promise.resolve(isSpare((looks += 1))));
    return { rounds, looks };
  };

  it('does not begin where real work came first', async () => {
    expect((await doneUntil(() => true)).rounds).toBe(0);
  });

  it('ends when real work comes', async () => {
    expect((await doneUntil((rounds) => rounds > 0)).rounds).toBe(1);
  });

  it('is done a few rounds at a time, with a look at the machine before each few', async () => {
    expect(await doneUntil(() => false)).toEqual({ rounds: 20, looks: 5 });
    expect(
      await doneUntil(
        () => false,
        (look) => look % 2 === 0,
      ),
    ).toEqual({ rounds: 20, looks: 10 });
  });

  it('is given up on a machine that stays busy', async () => {
    expect(
      await doneUntil(
        () => false,
        () => false,
      ),
    ).toEqual({ rounds: 0, looks: 50 });
  });
});
