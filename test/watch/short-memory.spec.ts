import { describe, expect, it } from '@jest/globals';
import { shortMemory } from '../../src/watch/short-memory.js';

const timed = (most = 10) => {
  let [time] = [1_000_000];
  return { memory: shortMemory(most, 60_000, () => time), pass: (milliseconds: number) => void (time += milliseconds) };
};

describe('A short memory', () => {
  it('knows what it was told, for its time', () => {
    const { memory, pass } = timed();
    memory.add('a');
    pass(59_999);
    expect([memory.has('a'), memory.has('b')]).toEqual([true, false]);
    pass(1);
    expect(memory.has('a')).toBe(false);
  });

  it('forgets the oldest first when it is full, however many come', () => {
    const { memory } = timed(3);
    for (const text of ['a', 'b', 'c', 'a', 'd']) memory.add(text);
    expect(['a', 'b', 'c', 'd'].map(memory.has)).toEqual([true, false, true, true]);
    for (let index = 0; index < 10_000; index += 1) memory.add(String(index));
    expect(['9999', '9998', '9997', '9996', 'a'].map(memory.has)).toEqual([true, true, true, false, false]);
  });

  it('keeps nothing longer because the clock was set back', () => {
    const { memory, pass } = timed();
    memory.add('a');
    pass(-3_600_000);
    expect(memory.has('a')).toBe(false);
  });
});
