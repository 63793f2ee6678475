import { describe, expect, it } from '@jest/globals';
import { FIRST_PAUSE, LONGEST_PAUSE, pauseAfter } from '../../src/embedded/restart-pause.js';

describe('The pause before an engine is started again', () => {
  it('doubles with each life that was short, and is never longer than ten seconds however often it dies', () => {
    const pauses = [FIRST_PAUSE];
    for (let death = 1; death < 40; death += 1) pauses.push(pauseAfter(pauses.at(-1) ?? 0));
    expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(Math.max(...pauses)).toBe(LONGEST_PAUSE);
    expect(LONGEST_PAUSE).toBe(10_000);
  });
});
