import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DAY, HOUR, MINUTE } from '../../src/kernel/clock.js';
import { type Channel, isToRenew, isToStop, liveOf, nextAt, renewalAt, type Watch, watchNow } from '../../src/watch/channel.js';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const PUSHED: Watch = { mode: 'pushed', reason: null, missedAt: null, missed: 0 };
const UNHEALTHY: Watch = { ...PUSHED, mode: 'polled', reason: 'push.unhealthy' };
const LIVE: Channel = {
  ...{ id: 'a', state: 'live', remote: 'r', openedAt: NOW, expiresAt: NOW + 7 * DAY },
  ...{ renewAt: NOW + 5 * DAY, heardAt: NOW + 1_000, isElsewhere: false },
};
const SILENT: Channel = { ...LIVE, heardAt: null };
const wanted = (now: number) => ({ wanted: true, now });

describe('A channel', () => {
  it('is renewed after three quarters to 80 % of the life that its service states, and never later', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 * DAY }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (life, fraction) => {
          const at = renewalAt(NOW, NOW + life, fraction) - NOW;
          expect(at).toBeLessThanOrEqual(life * 0.8);
          expect(at).toBeGreaterThanOrEqual(Math.floor(life * 0.75) - 1);
        },
      ),
    );
  });

  it('is not relied on when it has ended', () => {
    expect(liveOf([LIVE], NOW)).toBe(LIVE);
    expect(liveOf([LIVE], LIVE.expiresAt)).toBeNull();
    expect(liveOf([{ ...LIVE, state: 'opening' }], NOW)).toBeNull();
  });

  it('is accepted beside the one that took its place for two minutes', () => {
    const old: Channel = { ...LIVE, id: 'b', state: 'old' };
    expect(isToStop(old, LIVE, wanted(NOW + 2 * MINUTE - 1))).toBe(false);
    expect(isToStop(old, LIVE, wanted(NOW + 2 * MINUTE))).toBe(true);
    expect(isToStop(old, null, wanted(NOW))).toBe(true);
  });

  it('is stopped when its opening did not end, or its calendar is not to be watched', () => {
    expect(isToStop({ ...LIVE, state: 'opening' }, null, wanted(NOW))).toBe(true);
    expect(isToStop(LIVE, LIVE, { wanted: false, now: NOW })).toBe(true);
    expect(isToStop(LIVE, LIVE, wanted(NOW))).toBe(false);
  });
});

describe('A calendar', () => {
  it('is pushed from the opening of its channel on, and no longer when that is silent after two minutes', () => {
    expect(watchNow({ ...PUSHED, mode: 'polled' }, SILENT, null, NOW)).toEqual(PUSHED);
    expect(watchNow(PUSHED, SILENT, null, NOW + 2 * MINUTE)).toEqual(UNHEALTHY);
    expect(watchNow(UNHEALTHY, LIVE, null, NOW + HOUR)).toEqual(PUSHED);
  });

  it('that was unhealthy stays polled until its new channel is heard of', () => {
    expect(watchNow(UNHEALTHY, SILENT, null, NOW)).toEqual(UNHEALTHY);
    expect(isToRenew(SILENT, UNHEALTHY, NOW + 6 * HOUR)).toBe(true);
    expect(isToRenew(LIVE, PUSHED, NOW + 6 * HOUR)).toBe(false);
  });

  it('is polled from the second change in a row on that was not told of', () => {
    const later = NOW + HOUR;
    const first = watchNow({ ...PUSHED, missedAt: later }, LIVE, null, later + 2 * MINUTE);
    expect(first).toEqual({ ...PUSHED, missed: 1 });
    expect(watchNow({ ...first, missedAt: later + HOUR }, LIVE, null, later + HOUR + 2 * MINUTE)).toEqual({ ...UNHEALTHY, missed: 2 });
    expect(watchNow({ ...UNHEALTHY, missed: 0 }, LIVE, null, later + HOUR)).toEqual(PUSHED);
  });

  it('is told of a change in time when the notification comes a little late', () => {
    const late = { ...LIVE, heardAt: NOW + HOUR + MINUTE };
    expect(watchNow({ ...PUSHED, missed: 1, missedAt: NOW + HOUR }, LIVE, null, NOW + HOUR)).toMatchObject({ missed: 1, mode: 'pushed' });
    expect(watchNow({ ...PUSHED, missed: 1, missedAt: NOW + HOUR }, late, null, NOW + HOUR + 2 * MINUTE)).toEqual(PUSHED);
  });

  it('whose channel goes to another address is polled, and has another after ten minutes', () => {
    const elsewhere = { ...LIVE, isElsewhere: true };
    expect(watchNow(PUSHED, elsewhere, null, NOW + HOUR)).toEqual(UNHEALTHY);
    expect(watchNow(PUSHED, elsewhere, 'push.refused', NOW + HOUR)).toEqual({ ...UNHEALTHY, reason: 'push.refused' });
    expect(isToRenew(elsewhere, UNHEALTHY, NOW + 10 * MINUTE - 1)).toBe(false);
    expect(isToRenew(elsewhere, UNHEALTHY, NOW + 10 * MINUTE)).toBe(true);
    expect(isToStop(elsewhere, elsewhere, wanted(NOW + HOUR))).toBe(false);
  });

  it('without a channel says why', () => {
    expect(watchNow(PUSHED, null, 'push.unwatchable', NOW)).toMatchObject({ mode: 'unwatchable', reason: 'push.unwatchable' });
    expect(watchNow(PUSHED, null, 'push.refused', NOW)).toMatchObject({ mode: 'polled', reason: 'push.refused' });
    expect(watchNow(PUSHED, null, null, NOW)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy' });
  });

  it('is always looked at again in the future, at the latest when its channel ends', () => {
    const ms = fc.integer({ min: 0, max: 6 * DAY });
    fc.assert(
      fc.property(ms, fc.option(ms), fc.option(ms), fc.boolean(), fc.boolean(), fc.boolean(), (passed, heard, missed, ...is) => {
        const [hasOld, isPushed, isElsewhere] = is;
        const now = NOW + passed;
        const live = { ...LIVE, heardAt: heard === null ? null : NOW + heard, isElsewhere };
        const watch = { ...(isPushed ? PUSHED : UNHEALTHY), missedAt: missed === null ? null : NOW + missed };
        const at = nextAt(live, hasOld, watch, now);
        expect(at).toBeGreaterThan(now);
        expect(at).toBeLessThanOrEqual(live.expiresAt);
      }),
    );
  });
});
