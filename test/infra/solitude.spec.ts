import { describe, expect, it } from '@jest/globals';
import { ALONE, solitude } from '../../src/infra/postgres/solitude.js';

describe('A row whose process died while it was held', () => {
  it('begins when nothing runs that began a moment ago, and nothing else begins for a moment after it', () => {
    const all = solitude();
    const other = all.begin(0, 0);
    expect(all.isQuietFor(1, ALONE - 1)).toBe(false);
    expect(all.isQuietFor(1, ALONE)).toBe(true);
    const suspect = all.begin(ALONE, 1);
    expect(all.isOpen(2 * ALONE - 1)).toBe(false);
    expect([all.isOpen(2 * ALONE), all.isQuietFor(1, 2 * ALONE)]).toEqual([true, true]);
    all.end(suspect);
    all.end(other);
    expect(all.isQuietFor(1, ALONE)).toBe(true);
  });

  it('is waited for by everything else, of all queues, until its moment has come', () => {
    const all = solitude();
    all.begin(0, 0);
    expect(all.isOpen(0)).toBe(true);
    expect(all.isQuietFor(1, 0)).toBe(false);
    expect(all.isOpen(1)).toBe(false);
    expect(all.isQuietFor(1, ALONE)).toBe(true);
    const suspect = all.begin(ALONE, 1);
    all.end(suspect);
    expect(all.isOpen(ALONE)).toBe(true);
  });

  it('and that crashed alone before, runs beside no other suspect however long that one takes, while the rest goes on', () => {
    const all = solitude();
    const long = all.begin(0, 1);
    expect(all.isQuietFor(2, 10 * ALONE)).toBe(false);
    expect([all.isOpen(10 * ALONE), all.isQuietFor(1, 10 * ALONE)]).toEqual([true, true]);
    all.end(long);
    expect(all.isQuietFor(2, 10 * ALONE)).toBe(true);
    const worst = all.begin(10 * ALONE, 2);
    expect(all.isQuietFor(1, 20 * ALONE)).toBe(false);
    all.end(worst);
    expect(all.isQuietFor(1, 20 * ALONE)).toBe(true);
  });

  it('that is gone when its moment comes keeps nothing else waiting', () => {
    const all = solitude();
    const other = all.begin(0, 0);
    expect(all.isQuietFor(1, 0)).toBe(false);
    all.end(other);
    expect(all.isOpen(1)).toBe(false);
    expect(all.isOpen(2 * ALONE)).toBe(true);
  });

  it('is not waited for longer because a clock went back', () => {
    const all = solitude();
    all.begin(10 * ALONE, 1);
    expect(all.isOpen(ALONE)).toBe(true);
  });
});
