import { describe, expect, it } from '@jest/globals';
import { sharedAnswer } from '../../src/kernel/shared-answer.js';

/** Counts how often it was made; each answer waits until it is let go. */
const counted = () => {
  let [made, now] = [0, 1_000];
  const waiting: ((failure: Error | null) => void)[] = [];
  const make = (): Promise<number> => {
    const number = (made += 1);
    return new Promise((resolve, reject) => {
      waiting.push((failure) => {
        if (failure === null) resolve(number);
        else reject(failure);
      });
    });
  };
  return {
    ask: sharedAnswer(1_000, () => now, make),
    made: () => made,
    finish: (failure: Error | null = null) => waiting.shift()?.(failure),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
};

describe('An answer that is shared for a second', () => {
  it('is made once for all who ask while it is made, however long that takes', async () => {
    const { ask, made, finish, pass } = counted();
    const first = ask();
    pass(5_000);
    const second = ask();
    finish();
    expect([await first, await second, made()]).toEqual([1, 1, 1]);
  });

  it('is given again until the second is over, and then made again', async () => {
    const { ask, finish, pass } = counted();
    const first = ask();
    finish();
    await first;
    pass(999);
    expect(await ask()).toBe(1);
    pass(1);
    const second = ask();
    finish();
    expect(await second).toBe(2);
  });

  it('is made again when the clock has gone back', async () => {
    const { ask, finish, pass } = counted();
    const first = ask();
    finish();
    await first;
    pass(-60_000);
    const second = ask();
    finish();
    expect(await second).toBe(2);
  });

  it('is not kept when it failed', async () => {
    const { ask, finish } = counted();
    const failed = [ask(), ask()];
    finish(new Error('away'));
    expect((await Promise.allSettled(failed)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = ask();
    finish();
    expect(await next).toBe(2);
  });
});
