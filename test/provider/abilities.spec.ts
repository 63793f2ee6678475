import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Abilities, sweepWithin, type WatchMode } from '../../src/provider/abilities.js';
import { REGISTRY } from '../../src/provider/registry.js';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

const OPERATORS = 2 * MINUTE;

const within = (abilities: Abilities, fleet: number, mode: WatchMode = 'polled'): number =>
  sweepWithin(abilities, { mode, operators: OPERATORS, fleet });

describe('Sweeps', () => {
  it('come as the operator says where a service counts requests for each account apart', () => {
    for (const fleet of [1, 100_000]) expect(within(REGISTRY.caldav, fleet)).toBe(OPERATORS);
  });

  it('of a hundred thousand Google calendars take half of the requests that Google answers in a day', () => {
    const wait = 0.75 * within(REGISTRY.google, 100_000);
    expect((100_000 * DAY) / wait).toBeLessThanOrEqual(500_000);
    expect((100_000 * DAY) / wait).toBeGreaterThan(499_000);
    expect(within(REGISTRY.google, 10)).toBe(5 * MINUTE);
  });

  it('of calendars whose service tells of changes come once an hour, and daily where it never will', () => {
    expect(within(REGISTRY.google, 10, 'pushed')).toBe(HOUR);
    expect(within(REGISTRY.google, 10, 'unwatchable')).toBe(23 * HOUR);
  });

  it('of a fleet stay within half of a day’s requests, however its calendars are watched', () => {
    const MODES = ['pushed', 'polled', 'unwatchable'] as const;
    fc.assert(
      // Up to a fleet that is read once a day.
      fc.property(fc.nat(100_000), fc.nat(100_000), fc.nat(100_000), (...counts) => {
        const fleet = counts.reduce((sum, count) => sum + count, 0);
        const aDay = MODES.map((mode, index) => ((counts[index] ?? 0) * DAY) / (0.75 * within(REGISTRY.google, fleet, mode)));
        return aDay.reduce((sum, each) => sum + each, 0) <= 500_000;
      }),
    );
  });

  it('never come later because there are fewer calendars, and once a day at least', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10_000_000), (a, b) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map((fleet) => within(REGISTRY.google, fleet));
        return (few ?? 0) <= (many ?? 0) && (many ?? 0) < DAY;
      }),
    );
  });
});
