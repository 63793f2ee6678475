import { describe, expect, it } from '@jest/globals';
import { freshnessOf, type FreshnessRow } from '../../src/calendar/freshness.js';
import { NOW } from '../support/builders.js';

const MINUTE = 60_000;
const ago = (minutes: number): Date => new Date(NOW - minutes * MINUTE);

const read: FreshnessRow = {
  calendar_id: '0c9d5a52-6f0e-4b3e-8a67-2f1d5e7b9c34',
  last_success_at: ago(1),
  last_attempt_at: ago(1),
  window_start: new Date('2026-10-23T00:00:00.000Z'),
  window_end: new Date('2027-12-07T00:00:00.000Z'),
  fault: null,
  unreadable: '0',
  behind: false,
  visible: true,
};
const told = (row: Partial<FreshnessRow>) => freshnessOf({ ...read, ...row }, NOW);

describe('A calendar', () => {
  it('is fresh for a quarter of an hour after it was read, then stale', () => {
    expect(told({ last_success_at: ago(15) }).state).toBe('fresh');
    expect(told({ last_success_at: ago(16) }).state).toBe('stale');
  });

  it('is syncing until it has been read to its end and the read model shows it', () => {
    expect(told({ last_success_at: null, window_start: null, window_end: null })).toMatchObject({
      state: 'syncing',
      lastSuccessAt: null,
      window: null,
    });
    expect(told({ behind: true }).state).toBe('syncing');
  });

  it('is failing when it cannot be read, and says why and since when in plain words', () => {
    expect(told({ fault: 'unavailable', last_success_at: ago(90) })).toMatchObject({
      state: 'failing',
      lastSuccessAt: ago(90).toISOString(),
      lastAttemptAt: ago(1).toISOString(),
      reason: expect.stringContaining('tried again'),
    });
    expect(told({ fault: 'a fault of tomorrow' }).reason).toContain('tried again');
  });

  it('knows nothing of what ended more than 30 days ago, whatever was read', () => {
    expect(told({ window_start: new Date('2026-10-01T00:00:00.000Z') }).window?.start).toBe('2026-10-23T00:00:00.000Z');
  });

  it('needs its owner when the account refuses the password', () => {
    expect(told({ fault: 'access-revoked' })).toMatchObject({ state: 'needs_reconnect', reason: expect.stringContaining('connect again') });
  });

  it('tells the window outside which nothing is known, and how many objects could not be read', () => {
    expect(told({ unreadable: '3' })).toMatchObject({
      unreadable: 3,
      reason: null,
      window: { start: '2026-10-23T00:00:00.000Z', end: '2027-12-07T00:00:00.000Z' },
    });
  });
});
