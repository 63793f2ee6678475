import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Hint } from '../../src/provider/push.js';
import { type Heard, heardOf, merged, outcomeOf, type Standing } from '../../src/watch/hint-outcome.js';

const LIVE: Standing = { state: 'live', remote: 'resource', seen: 10n, isConnected: true };
const HINT: Hint = { channel: 'channel', remote: 'resource', token: 'token', number: 11n, says: 'changed' };

const outcome = (hint: Partial<Hint>, standing: Partial<Standing> = {}) => outcomeOf({ ...HINT, ...hint }, { ...LIVE, ...standing });
const heard = (hint: Partial<Hint>, standing: Partial<Standing> = {}) =>
  heardOf({ ...HINT, ...hint }, outcome(hint, standing), { ...LIVE, ...standing });

describe('A hint', () => {
  it('that something has changed is taken, on the channel in use and on the one it replaces', () => {
    for (const state of ['live', 'old'] as const) {
      expect(outcome({}, { state })).toBe('taken');
      expect(heard({}, { state })).toEqual({
        ...{ channel: 'channel', number: 11n, remote: 'resource', isChange: true, isEnded: false, isEnding: false },
      });
    }
  });

  it('sync-rule 11: that its channel is there is no change', () => {
    expect(outcome({ says: 'opened', number: 1n }, { seen: 0n })).toBe('opened');
    expect(heard({ says: 'opened', number: 1n }, { seen: 0n, state: 'opening', remote: null })).toEqual({
      ...{ channel: 'channel', number: 1n, remote: 'resource', isChange: false, isEnded: false, isEnding: false },
    });
  });

  it('that has come before, or is older than one that has, makes no work', () => {
    for (const number of [0n, 9n, 10n]) expect([outcome({ number }), heard({ number })]).toEqual(['repeated', null]);
  });

  it('of a service that does not count is always taken', () => {
    expect([outcome({ number: null }), heard({ number: null })]).toEqual([
      'taken',
      expect.objectContaining({ number: 0n, isChange: true }),
    ]);
  });

  it('sync-rule 11: that hints were lost is taken as a change', () => {
    expect(outcome({ says: 'missed', number: null })).toBe('taken');
  });

  it('that no more will follow ends its channel, and has its calendar read', () => {
    for (const state of ['live', 'old'] as const)
      expect(heard({ says: 'ended', number: null }, { state })).toMatchObject({ isChange: true, isEnded: true, isEnding: false });
    expect(heard({ says: 'ended' }, { state: 'closing' })).toBeNull();
  });

  it('that none will follow soon has its channel renewed, and is no change', () => {
    expect(heard({ says: 'ending', number: null })).toMatchObject({ isChange: false, isEnded: false, isEnding: true });
  });

  it('before its channel is known to be open makes no work, since the calendar is read when it is', () => {
    expect(heard({}, { state: 'opening', remote: null })).toMatchObject({ isChange: false, remote: 'resource' });
  });

  it('sync-rule 12: of a channel that is not to be there any more makes no work', () => {
    for (const standing of [{ state: 'closing' }, { isConnected: false }, { state: 'old', isConnected: false }] as const)
      expect([outcome({}, standing), heard({}, standing)]).toEqual(['closed', null]);
  });

  it('sync-rule 12: of a channel that is to be stopped tells what the service calls it, once', () => {
    const closing = { state: 'closing', remote: null } as const;
    expect(heard({ says: 'opened', number: 1n }, closing)).toMatchObject({ remote: 'resource', isChange: false });
    expect(heard({ says: 'opened', number: 1n, remote: null }, closing)).toBeNull();
  });
});

describe('What is heard of channels', () => {
  const one = fc.record({
    channel: fc.constantFrom('a', 'b', 'c'),
    number: fc.bigInt({ min: 0n, max: 20n }),
    remote: fc.constantFrom(null, 'resource'),
    isChange: fc.boolean(),
    isEnded: fc.boolean(),
    isEnding: fc.boolean(),
  });

  it('is one thing for each, as new as the newest, and all that any of it is', () => {
    fc.assert(
      fc.property(fc.array(one), (all: readonly Heard[]) => {
        const together = merged(all);
        expect(together.map(({ channel }) => channel).sort()).toEqual([...new Set(all.map(({ channel }) => channel))].sort());
        for (const { channel, number, remote, ...flags } of together) {
          const mine = all.filter((each) => each.channel === channel);
          for (const flag of ['isChange', 'isEnded', 'isEnding'] as const) expect(flags[flag]).toBe(mine.some((each) => each[flag]));
          expect(mine.map((each) => each.number)).toContain(number);
          expect(mine.every((each) => each.number <= number)).toBe(true);
          expect(remote).toBe(mine.find((each) => each.remote !== null)?.remote ?? null);
        }
      }),
    );
  });
});
