import { describe, expect, it } from '@jest/globals';
import { type Gathered, gathered } from '../../src/kernel/gathered.js';

/** Work that waits until the test lets it end. */
const held = () => {
  const pieces: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const work = (items: readonly number[]): Promise<string> => {
    pieces.push(items);
    return new Promise((resolve, reject) => {
      ends.push((error) => {
        if (error === undefined) resolve(items.join(' '));
        else reject(error);
      });
    });
  };
  const begun = async (): Promise<void> => {
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  };
  return { pieces, ends, work, begun };
};

/** An item that is taken in. */
const asking =
  <T, R>(ask: Gathered<T, R>) =>
  (item: T): Promise<R> =>
    ask(item) ?? Promise.reject(new Error('too many wait'));

describe('Work that is done for many at once', () => {
  it('begins at once, and takes together what comes while it is done', async () => {
    const { pieces, ends, work, begun } = held();
    const ask = asking(gathered(100, work));
    const first = ask(1);
    await begun();
    const others = [ask(2), ask(3), ask(4)];
    await begun();
    expect(pieces).toEqual([[1]]);
    ends[0]?.();
    expect(await first).toBe('1');
    await begun();
    expect(pieces).toEqual([[1], [2, 3, 4]]);
    ends[1]?.();
    expect(await Promise.all(others)).toEqual(['2 3 4', '2 3 4', '2 3 4']);
  });

  it('is two pieces for ten thousand that come while the first is done', async () => {
    const { pieces, ends, work, begun } = held();
    const ask = asking(gathered(20_000, work));
    void ask(0);
    await begun();
    const all = Array.from({ length: 10_000 }, (_, index) => ask(index));
    ends[0]?.();
    await begun();
    ends[1]?.();
    await Promise.all(all);
    expect(pieces.map(({ length }) => length)).toEqual([1, 10_000]);
  });

  it('takes no more than may wait, and takes some again when the next piece has begun', async () => {
    const { pieces, ends, work, begun } = held();
    const ask = gathered(2, work);
    void ask(1);
    await begun();
    expect([ask(2), ask(3), ask(4)].map((answer) => answer !== null)).toEqual([true, true, false]);
    ends[0]?.();
    await begun();
    expect(ask(5)).not.toBeNull();
    expect(pieces).toEqual([[1], [2, 3]]);
  });

  it('tells a failure to those it concerns, and goes on for the others', async () => {
    const { ends, work, begun } = held();
    const ask = asking(gathered(100, work));
    const first = ask(1);
    await begun();
    const second = ask(2);
    ends[0]?.(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await begun();
    ends[1]?.();
    expect(await second).toBe('2');
  });

  it('fails by what it throws at once as by what it rejects with', async () => {
    const ask = asking(
      gathered<number, string>(100, () => {
        throw new Error('away');
      }),
    );
    await expect(ask(1)).rejects.toThrow('away');
    await expect(ask(2)).rejects.toThrow('away');
  });
});
