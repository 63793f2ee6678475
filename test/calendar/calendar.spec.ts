import { describe, it } from '@jest/globals';
import { calendar, type CalendarEvent, type SyncReport } from '../../src/calendar/calendar.js';
import { given } from '../support/spec.js';

const at = '2026-11-22T10:00:00.000Z';
const window = { start: '2026-10-23T00:00:00.000Z', end: '2027-12-07T00:00:00.000Z' };
const facts = {
  connectionId: '7b1f6f0e-8a5b-4c55-9d9f-3a1b8c0c1a11',
  userId: 'ada',
  provider: 'caldav',
  writable: true,
  busyOnly: false,
  color: null,
  timeZone: null,
  sealed: 'YQ==',
  at,
};
const adopted: CalendarEvent = { type: 'CalendarAdopted', ...facts };
const failed: CalendarEvent = { type: 'SyncFailed', fault: 'unavailable', at };
const started: CalendarEvent = { type: 'GenerationStarted', generation: 1, window, reason: 'first', at };
const sync = (report: SyncReport) => ({ type: 'SyncDelta', report, at }) as const;

describe('AdoptCalendar', () => {
  it('takes a calendar in, once', () => {
    given(calendar)
      .when({ type: 'AdoptCalendar', ...facts })
      .then(adopted);
    given(calendar, adopted)
      .when({ type: 'AdoptCalendar', ...facts })
      .then();
  });
});

describe('ToggleWrite', () => {
  it('lets Juy write', () => {
    given(calendar, adopted)
      .when({ type: 'ToggleWrite', owner: 'ada', mode: 'write', at })
      .then({ type: 'WriteToggled', mode: 'write', at });
  });

  it('says nothing when nothing changes', () => {
    given(calendar, adopted).when({ type: 'ToggleWrite', owner: 'ada', mode: 'read_only', at }).then();
  });

  it('refuses a calendar the account may not write to', () => {
    given(calendar, { ...adopted, writable: false })
      .when({ type: 'ToggleWrite', owner: 'ada', mode: 'write', at })
      .refused('calendar.read-only');
  });

  it('knows no calendar that was never adopted', () => {
    given(calendar).when({ type: 'ToggleWrite', owner: 'ada', mode: 'write', at }).refused('calendar.unknown');
  });
});

describe('OpenWatch and CloseWatch', () => {
  const opened: CalendarEvent = { type: 'WatchOpened', at };
  const closed: CalendarEvent = { type: 'WatchClosed', reason: 'push.unhealthy', at };
  const close = { type: 'CloseWatch', reason: 'push.unhealthy', at } as const;

  it('say that its service tells of changes, and that it does no longer', () => {
    given(calendar, adopted).when({ type: 'OpenWatch', at }).then(opened);
    given(calendar, adopted, opened).when(close).then(closed);
    given(calendar, adopted, opened, closed).when({ type: 'OpenWatch', at }).then(opened);
  });

  it('say nothing when a channel takes the place of another, or when there was none', () => {
    given(calendar, adopted, opened).when({ type: 'OpenWatch', at }).then();
    given(calendar, adopted).when(close).then();
    given(calendar, adopted, opened, closed).when(close).then();
  });
});

describe('DescribeCalendar', () => {
  const { writable, busyOnly, color, timeZone, sealed } = facts;
  const as = (changed: Partial<typeof described>) => ({ ...described, ...changed });
  const described = { writable, busyOnly, color: color as string | null, timeZone: timeZone as string | null, sealed };
  const writing: CalendarEvent = { type: 'WriteToggled', mode: 'write', at };

  it('says nothing while the account says the same', () => {
    given(calendar, adopted)
      .when({ type: 'DescribeCalendar', ...described, at })
      .then();
    given(calendar, adopted, { type: 'CalendarDescribed', ...as({ color: '#112233' }), at })
      .when({ type: 'DescribeCalendar', ...as({ color: '#112233' }), at })
      .then();
  });

  it.each([
    ['a right that went', { writable: false }],
    ['contents that may no longer be read', { busyOnly: true }],
    ['a colour', { color: '#112233' }],
    ['a zone', { timeZone: 'Europe/Paris' }],
    ['a name', { sealed: 'Yg==' }],
  ])('tells %s', (_, changed) => {
    given(calendar, adopted)
      .when({ type: 'DescribeCalendar', ...as(changed), at })
      .then({ type: 'CalendarDescribed', ...as(changed), at });
  });

  it('lets Juy write no more once the account may not, and says so in the same breath', () => {
    given(calendar, adopted, writing)
      .when({ type: 'DescribeCalendar', ...as({ writable: false }), at })
      .then({ type: 'CalendarDescribed', ...as({ writable: false }), at }, { type: 'WriteToggled', mode: 'read_only', at });
  });

  it('decides whether Juy may write', () => {
    const gained: CalendarEvent = { type: 'CalendarDescribed', ...described, at };
    const lost: CalendarEvent = { ...gained, writable: false };
    const write = { type: 'ToggleWrite', owner: 'ada', mode: 'write', at } as const;
    given(calendar, { ...adopted, writable: false }, gained)
      .when(write)
      .then(writing);
    given(calendar, adopted, lost).when(write).refused('calendar.read-only');
    given(calendar, adopted, lost, gained).when(write).then(writing);
  });

  it('knows no calendar that was never adopted', () => {
    given(calendar)
      .when({ type: 'DescribeCalendar', ...described, at })
      .refused('calendar.unknown');
  });
});

describe('SetPrivacy', () => {
  it('decides what others may be told: nothing but busy, until its owner says otherwise', () => {
    given(calendar, adopted).when({ type: 'SetPrivacy', owner: 'ada', privacy: 'busy_only', at }).then();
    given(calendar, adopted)
      .when({ type: 'SetPrivacy', owner: 'ada', privacy: 'full', at })
      .then({ type: 'PrivacySet', privacy: 'full', at });
  });

  it('says nothing when nothing changes', () => {
    given(calendar, adopted, { type: 'PrivacySet', privacy: 'title_hidden', at })
      .when({ type: 'SetPrivacy', owner: 'ada', privacy: 'title_hidden', at })
      .then();
  });
});

describe('ShowCalendar', () => {
  const hidden: CalendarEvent = { type: 'VisibilitySet', visible: false, at };

  it('hides a calendar, and shows it again', () => {
    given(calendar, adopted).when({ type: 'ShowCalendar', owner: 'ada', visible: false, at }).then(hidden);
    given(calendar, adopted, hidden)
      .when({ type: 'ShowCalendar', owner: 'ada', visible: true, at })
      .then({ type: 'VisibilitySet', visible: true, at });
  });

  it('says nothing when nothing changes', () => {
    given(calendar, adopted).when({ type: 'ShowCalendar', owner: 'ada', visible: true, at }).then();
    given(calendar, adopted, hidden).when({ type: 'ShowCalendar', owner: 'ada', visible: false, at }).then();
  });

  it('goes on syncing what is hidden', () => {
    given(calendar, adopted, hidden)
      .when(sync({ kind: 'generation', window, reason: 'first', begun: null }))
      .then(started);
  });
});

describe('SyncDelta', () => {
  it('numbers generations one after the other', () => {
    given(calendar, adopted)
      .when(sync({ kind: 'generation', window, reason: 'first', begun: null }))
      .then(started);
    given(calendar, adopted, started)
      .when(sync({ kind: 'generation', window, reason: 'cursor-expired', begun: null }))
      .then({ type: 'GenerationStarted', generation: 2, window, reason: 'cursor-expired', at });
  });

  it('goes on with a generation that its reader began and has not ended, while it is about the same days', () => {
    const reading = (begun: number | null, days = window) => sync({ kind: 'generation', window: days, reason: 'resumed', begun });
    const second = { type: 'GenerationStarted', generation: 2, window, reason: 'resumed', at } as const;
    const tomorrow = { start: '2026-10-24T00:00:00.000Z', end: '2027-12-08T00:00:00.000Z' };
    given(calendar, adopted, started).when(reading(1)).then();
    given(calendar, adopted, started, { type: 'BaselineCompleted', generation: 1, objects: 1, at }).when(reading(1)).then();
    given(calendar, adopted, started).when(reading(null)).then(second);
    given(calendar, adopted, started)
      .when(reading(1, tomorrow))
      .then({ ...second, window: tomorrow });
    given(calendar, adopted, started, { type: 'FeedExpired', generation: 1, at }).when(reading(1)).then(second);
    given(calendar, adopted, started, second)
      .when(reading(1))
      .then({ ...second, generation: 3 });
  });

  it('completes a generation once', () => {
    const completed: CalendarEvent = { type: 'BaselineCompleted', generation: 1, objects: 12, at };
    given(calendar, adopted, started)
      .when(sync({ kind: 'completed', generation: 1, objects: 12 }))
      .then(completed);
    given(calendar, adopted, started, completed)
      .when(sync({ kind: 'completed', generation: 1, objects: 12 }))
      .then();
  });

  it('tells a failure once and its end once', () => {
    given(calendar, adopted)
      .when(sync({ kind: 'failed', fault: 'unavailable' }))
      .then(failed);
    given(calendar, adopted, failed)
      .when(sync({ kind: 'failed', fault: 'unavailable' }))
      .then();
    given(calendar, adopted, failed)
      .when(sync({ kind: 'succeeded' }))
      .then({ type: 'SyncRecovered', at });
    given(calendar, adopted)
      .when(sync({ kind: 'succeeded' }))
      .then();
  });

  it('tells a new reason for failing', () => {
    given(calendar, adopted, failed)
      .when(sync({ kind: 'failed', fault: 'forbidden' }))
      .then({ type: 'SyncFailed', fault: 'forbidden', at });
  });

  it('tells that a mass removal was held', () => {
    given(calendar, adopted, started)
      .when(sync({ kind: 'held', removals: 80, known: 100 }))
      .then({ type: 'MassChangeHeld', removals: 80, known: 100, at });
  });
});

describe('ExpireFeed', () => {
  const expire = { type: 'ExpireFeed', generation: 1, at } as const;
  const expired: CalendarEvent = { type: 'FeedExpired', generation: 1, at };
  const restarted: CalendarEvent = { ...started, generation: 2 };

  it('ends what is known of a calendar, once for each generation', () => {
    given(calendar, adopted, started).when(expire).then(expired);
    given(calendar, adopted, started, expired).when(expire).then();
    given(calendar, adopted, started, expired, restarted)
      .when({ ...expire, generation: 2 })
      .then({ ...expired, generation: 2 });
  });

  it('leaves a calendar alone that was never read, or is being read again', () => {
    given(calendar, adopted)
      .when({ ...expire, generation: 0 })
      .then();
    given(calendar, adopted, started, restarted).when(expire).then();
  });
});

describe('What an owner chooses', () => {
  it.each([
    { type: 'ToggleWrite', mode: 'write' },
    { type: 'ToggleWrite', mode: 'read_only' },
    { type: 'SetPrivacy', privacy: 'full' },
    { type: 'ShowCalendar', visible: false },
  ] as const)('is refused to another person as if there were no such calendar: %j', (choice) => {
    given(calendar, adopted)
      .when({ ...choice, owner: 'eve', at })
      .refused('calendar.unknown');
  });
});
