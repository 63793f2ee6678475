import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ABILITIES, sweepWithin } from '../../src/provider/abilities.js';

const [MINUTE, DAY] = [60_000, 86_400_000];

describe('Sweeps', () => {
  it('come as the operator says where a service counts requests for each account apart', () => {
    for (const fleet of [1, 100_000]) expect(sweepWithin(ABILITIES.caldav, 2 * MINUTE, fleet)).toBe(2 * MINUTE);
  });

  it('of a hundred thousand Google calendars take half of the requests that Google answers in a day', () => {
    const within = sweepWithin(ABILITIES.google, 2 * MINUTE, 100_000);
    expect((100_000 * DAY) / (0.75 * within)).toBeLessThanOrEqual(500_000);
    expect((100_000 * DAY) / (0.75 * within)).toBeGreaterThan(499_000);
    expect(sweepWithin(ABILITIES.google, 2 * MINUTE, 10)).toBe(5 * MINUTE);
  });

  it('never come later because there are fewer calendars, and once a day at least', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10_000_000), (a, b) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map((fleet) => sweepWithin(ABILITIES.google, MINUTE, fleet));
        return (few ?? 0) <= (many ?? 0) && (many ?? 0) < DAY;
      }),
    );
  });
});
