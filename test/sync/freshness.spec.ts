import { describe, expect, it } from '@jest/globals';
import { freshnessOf, type FreshnessRow, freshUntil } from '../../src/sync/freshness.js';
import { NOW } from '../support/builders.js';

const MINUTE = 60_000;
const ago = (minutes: number): Date => new Date(NOW - minutes * MINUTE);

const read: FreshnessRow = {
  calendar_id: '0c9d5a52-6f0e-4b3e-8a67-2f1d5e7b9c34',
  provider: 'caldav',
  due_at: new Date(NOW + 5 * MINUTE),
  last_success_at: ago(1),
  fresh_until: ago(-14),
  last_attempt_at: ago(1),
  window_start: new Date('2026-10-23T00:00:00.000Z'),
  window_end: new Date('2027-12-07T00:00:00.000Z'),
  fault: null,
  sign_in_hours: null,
  problems: [],
  behind: false,
  visible: true,
  known_from: null,
  known_until: null,
};
const told = (row: Partial<FreshnessRow>) => freshnessOf({ ...read, ...row }, NOW);

describe('A calendar', () => {
  it('is fresh as long as was promised when it was read, then stale', () => {
    expect(told({ fresh_until: ago(0) }).state).toBe('fresh');
    expect(told({ fresh_until: ago(1) }).state).toBe('stale');
  });

  it('is promised fresh for half as long again as until its next reading, and for a quarter of an hour at least', () => {
    expect(freshUntil(NOW, 2 * MINUTE)).toBe(NOW + 15 * MINUTE);
    expect(freshUntil(NOW, 60 * MINUTE)).toBe(NOW + 90 * MINUTE);
  });

  it('is syncing until it has been read to its end and the read model shows it', () => {
    expect(told({ last_success_at: null, fresh_until: null, window_start: null, window_end: null })).toMatchObject({
      state: 'syncing',
      lastSuccessAt: null,
      window: null,
    });
    expect(told({ behind: true }).state).toBe('syncing');
  });

  it('is failing when it cannot be read, and says why and since when in plain words', () => {
    expect(told({ fault: 'unavailable', last_success_at: ago(90), fresh_until: ago(75) })).toMatchObject({
      state: 'failing',
      lastSuccessAt: ago(90).toISOString(),
      lastAttemptAt: ago(1).toISOString(),
      code: 'unavailable',
      reason: expect.stringContaining('cannot be reached'),
      nextStep: expect.stringContaining('tried again'),
      nextAttemptAt: new Date(NOW + 5 * MINUTE).toISOString(),
    });
    expect(told({ fault: 'a fault of tomorrow' }).nextStep).toContain('tried again');
    expect(told({})).toMatchObject({ code: null, reason: null, nextStep: null, nextAttemptAt: null });
  });

  it('is fresh while a fault that passes has not outlasted its freshness, and failing at once when it will not pass', () => {
    for (const fault of ['unavailable', 'throttled', 'malformed', 'refused-address', 'misconfigured']) {
      expect(told({ fault, fresh_until: ago(0) })).toMatchObject({ state: 'fresh', code: null, reason: null, nextAttemptAt: null });
      expect(told({ fault, fresh_until: ago(1) })).toMatchObject({ state: 'failing', code: fault });
      expect(told({ fault, last_success_at: null, fresh_until: null })).toMatchObject({ state: 'failing', code: fault });
    }
    for (const fault of ['forbidden', 'calendar-gone', 'mass-change-held', 'set-aside', 'unforeseen'])
      expect(told({ fault })).toMatchObject({ state: 'failing', code: fault });
  });

  it('sync-rule 37: waits for its owner when the access has ended, with words for each cause', () => {
    const ends = ['access-revoked', 'access-expired', 'access-withdrawn', 'access-policy'].map((fault) => told({ fault }));
    for (const each of ends) expect(each).toMatchObject({ state: 'needs_reconnect', nextStep: expect.stringContaining('Connect again') });
    expect(new Set(ends.map(({ reason }) => reason)).size).toBe(ends.length);
    expect(told({ fault: 'access-policy', sign_in_hours: 12 }).reason).toContain('asks for a new sign-in every 12 hours');
  });

  it('knows nothing of what ended more than 30 days ago, also when it was read', () => {
    expect(told({ window_start: new Date('2026-10-01T00:00:00.000Z') }).window?.start).toBe('2026-10-23T00:00:00.000Z');
  });

  it('says within which part of its window series are whole, when some repeat more often than can be shown', () => {
    const problems = [{ code: 'recurrence.shortened', count: 2 }];
    const shortened = told({
      known_from: new Date('2026-11-01T00:00:00.000Z'),
      known_until: new Date('2026-12-01T00:00:00.000Z'),
      problems,
    });
    expect(shortened).toMatchObject({
      seriesWithin: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
      problems: [{ count: 2, reason: '2 events repeat more often than can be shown: only what is nearest to today is.' }],
    });
    expect(told({ known_until: new Date('2026-12-01T00:00:00.000Z') }).seriesWithin?.start).toBe('2026-10-23T00:00:00.000Z');
    const nowhere = told({
      known_from: new Date('2026-12-02T00:00:00.000Z'),
      known_until: new Date('2026-12-01T00:00:00.000Z'),
    }).seriesWithin;
    expect(nowhere?.start).toBe(nowhere?.end);
    expect(told({}).seriesWithin).toBeNull();
  });

  it('needs its owner when the account refuses the password', () => {
    expect(told({ fault: 'access-revoked', due_at: null })).toMatchObject({
      state: 'needs_reconnect',
      nextStep: expect.stringContaining('Connect again'),
      nextAttemptAt: null,
    });
    expect(told({ fault: 'access-revoked', provider: 'apple' }).nextStep).toContain('account.apple.com');
  });

  it('tells the window outside which nothing is known', () => {
    expect(told({}).window).toEqual({ start: '2026-10-23T00:00:00.000Z', end: '2027-12-07T00:00:00.000Z' });
  });

  it('tells how many objects could not be read, of which kind, in plain words', () => {
    const problems = [
      { code: 'object.bad-time', count: 3 },
      { code: 'recurrence.bad-rule', count: 1 },
      { code: 'a kind of tomorrow', count: 2 },
    ];
    expect(told({ problems })).toMatchObject({
      state: 'fresh',
      unreadable: 6,
      problems: [
        { code: 'object.bad-time', count: 3, reason: '3 events could not be read: a date or time makes no sense.' },
        { code: 'recurrence.bad-rule', count: 1, reason: '1 event could not be read: the rule of repetition is not understood.' },
        { code: 'a kind of tomorrow', count: 2, reason: '2 events could not be read: something unforeseen.' },
      ],
    });
  });
});
