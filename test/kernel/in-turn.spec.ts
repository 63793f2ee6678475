import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { inTurn } from '../../src/kernel/in-turn.js';

describe('Work in turn', () => {
  it('of one key is done one after the other, in the order in which it was asked for, and that of another key beside it', async () => {
    const turn = inTurn();
    const seen: string[] = [];
    const work = (name: string, milliseconds: number) => async (): Promise<string> => {
      seen.push(`${name} begins`);
      await sleep(milliseconds);
      seen.push(`${name} ends`);
      return name;
    };
    const answers = Promise.all([turn('ada', work('first', 30)), turn('ada', work('second', 1)), turn('eve', work('other', 1))]);
    expect(await answers).toEqual(['first', 'second', 'other']);
    expect(seen).toEqual(['first begins', 'other begins', 'other ends', 'first ends', 'second begins', 'second ends']);
  });

  it('goes on after work that failed, which only its own asker is told of', async () => {
    const turn = inTurn();
    const failed = turn('ada', () => Promise.reject(new Error('refused')));
    const next = turn('ada', () => Promise.resolve('done'));
    await expect(failed).rejects.toThrow('refused');
    expect(await next).toBe('done');
  });
});
