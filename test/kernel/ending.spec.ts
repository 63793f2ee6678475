import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { endingWith } from '../../src/kernel/ending.js';

describe('A signal of work that ends with another, or before it', () => {
  it('is aborted when the other is, also when that was before', () => {
    const aborting = new AbortController();
    const { signal } = endingWith(aborting.signal);
    expect(signal.aborted).toBe(false);
    aborting.abort();
    expect([signal.aborted, endingWith(aborting.signal).signal.aborted]).toEqual([true, true]);
  });

  it('is aborted alone when the work ends, and leaves no listener behind', () => {
    const aborting = new AbortController();
    const { signal, end } = endingWith(aborting.signal);
    end();
    expect([signal.aborted, aborting.signal.aborted, getEventListeners(aborting.signal, 'abort')]).toEqual([true, false, []]);
  });
});
