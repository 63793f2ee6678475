import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CalendarObject, type Component } from '../../src/calendar/calendar-object.js';
import { readLine } from '../../src/provider/google/google.mapping.js';
import { accessGranted, scopesFor } from '../../src/provider/google/google-scopes.js';
import { expand } from '../../src/time/recurrence.js';
import { googleEvent } from '../support/google-server.js';

const ZONE = 'America/Sao_Paulo';

const line = (row: unknown) => readLine(row, ZONE, 1);

const objectOf = (change: Readonly<Record<string, unknown>> = {}): CalendarObject => {
  const { change: read } = line(googleEvent('e1', change));
  if (read.kind !== 'object') throw new Error(`${read.kind} is no object`);
  return read.object;
};

const only = (change: Readonly<Record<string, unknown>> = {}): Component => {
  const [component] = objectOf(change).components;
  if (component === undefined) throw new Error('no component');
  return component;
};

const codeOf = (change: Readonly<Record<string, unknown>>): string => {
  const { change: read } = line(googleEvent('e1', change));
  return read.kind === 'unreadable' ? read.code : read.kind;
};

const starts = (rows: readonly Readonly<Record<string, unknown>>[], from = '2026-01-01', to = '2027-01-01'): readonly string[] => {
  const components = rows
    .flatMap((row) => {
      const { change } = line(row);
      return change.kind === 'object' ? change.object.components : [];
    })
    .sort((a, b) => Number(a.recurrenceId !== null) - Number(b.recurrenceId !== null));
  const expansion = expand(components, {}, { start: Date.parse(from), end: Date.parse(to) }, 'UTC');
  if ('unexpandable' in expansion) return [expansion.unexpandable];
  return expansion.occurrences.map(({ start, allDay, localStart }) => (allDay ? (localStart ?? '') : new Date(start).toISOString()));
};

const at = (dateTime: string, timeZone: string | null = null) => (timeZone === null ? { dateTime } : { dateTime, timeZone });

describe('An event of Google’s', () => {
  it('is read with its contents', () => {
    const change = {
      summary: ' Planning\nfor spring ',
      location: 'Room 1',
      description: '<b>Agenda</b>',
      attendees: [
        { email: 'ada@example.org', self: true, organizer: true, responseStatus: 'accepted' },
        { email: 'bob@example.org', displayName: 'Bob', responseStatus: 'needsAction' },
      ],
    };
    expect(objectOf(change)).toMatchObject({ remoteId: 'e1', etag: '"e1-1"', seriesRemoteId: 'e1', eventType: 'default', problems: [] });
    expect(only(change).contents).toEqual({
      title: 'Planning for spring',
      location: 'Room 1',
      description: '<b>Agenda</b>',
      organizer: { name: null, email: 'ada@example.org' },
      attendees: [
        { name: null, email: 'ada@example.org', response: 'accepted', self: true },
        { name: 'Bob', email: 'bob@example.org', response: 'needs-action', self: false },
      ],
      url: 'https://www.google.com/calendar/event?eid=e1',
      uid: 'e1@google.com',
    });
  });

  it('sync-rule 24: has a time and no details where its calendar shows only when somebody is busy', () => {
    const row = { id: 'x', status: 'confirmed', start: at('2026-03-20T09:00:00Z'), end: at('2026-03-20T10:00:00Z'), visibility: 'private' };
    const { change } = line(row);
    expect(change).toMatchObject({ kind: 'object', object: { components: [{ private: true, busy: 'busy', contents: { title: null } }] } });
  });

  it.each(['private', 'confidential'])('is private when its visibility is %s', (visibility) => {
    expect(only({ visibility }).private).toBe(true);
    expect(only({ visibility: 'public' }).private).toBe(false);
  });

  describe('takes place', () => {
    it('sync-rule 31: at the instant of its offset, on the wall clock of its own zone', () => {
      const start = at('2026-03-20T13:00:00-03:00', 'America/Los_Angeles');
      const end = at('2026-03-20T14:00:00-03:00', 'America/Los_Angeles');
      expect(only({ start, end })).toMatchObject({
        start: { wall: '2026-03-20T09:00:00', zone: 'America/Los_Angeles' },
        span: { days: 0, seconds: 3_600 },
      });
    });

    it('sync-rule 31: every week at the same time on the clock of its zone, although the calendar’s clock does not change', () => {
      const start = at('2026-03-04T13:00:00-03:00', 'America/Los_Angeles');
      const end = at('2026-03-04T14:00:00-03:00', 'America/Los_Angeles');
      expect(starts([googleEvent('e1', { start, end, recurrence: ['RRULE:FREQ=WEEKLY;COUNT=2'] })])).toEqual([
        '2026-03-04T16:00:00.000Z',
        '2026-03-11T15:00:00.000Z',
      ]);
    });

    it('sync-rule 31: from one zone to another, as a flight does', () => {
      const start = at('2026-03-20T10:00:00+01:00', 'Europe/Paris');
      const end = at('2026-03-20T12:30:00-04:00', 'America/New_York');
      expect(only({ start, end })).toMatchObject({ span: { days: 0, seconds: 7.5 * 3_600 }, contents: { endZone: 'America/New_York' } });
    });

    it.each([
      ['the same', at('2026-03-20T12:00:00+01:00', 'Europe/Paris')],
      ['none', at('2026-03-20T12:00:00+01:00')],
      ['UTC', at('2026-03-20T12:00:00+01:00', 'UTC')],
      ['an unknown one', at('2026-03-20T12:00:00+01:00', 'Mars/Olympus')],
    ])('sync-rule 31: in one zone where the end names %s', (_, end) => {
      expect(only({ start: at('2026-03-20T10:00:00+01:00', 'Europe/Paris'), end }).contents).not.toHaveProperty('endZone');
    });

    it('sync-rule 20: at its instant, also when the clocks show its time twice', () => {
      const start = at('2026-10-25T02:30:00+01:00', 'Europe/Paris');
      const end = at('2026-10-25T03:30:00+01:00', 'Europe/Paris');
      expect(starts([googleEvent('e1', { start, end })])).toEqual(['2026-10-25T01:30:00.000Z']);
    });

    it('in the zone of its calendar where it names none', () => {
      expect(only({ start: at('2026-03-20T13:00:00Z'), end: at('2026-03-20T14:00:00Z') }).start).toEqual({
        wall: '2026-03-20T10:00:00',
        zone: ZONE,
      });
      expect(only({ start: at('2026-03-20T13:00:00'), end: at('2026-03-20T14:00:00') }).start).toEqual({
        wall: '2026-03-20T13:00:00',
        zone: ZONE,
      });
    });

    it('sync-rule 20: at its instant in a zone that is not known, and says so where it repeats', () => {
      const start = at('2026-03-20T13:00:00-03:00', 'Mars/Olympus');
      const end = at('2026-03-20T14:00:00-03:00', 'Mars/Olympus');
      expect(starts([googleEvent('e1', { start, end })])).toEqual(['2026-03-20T16:00:00.000Z']);
      expect(objectOf({ start, end }).problems).toEqual([]);
      expect(objectOf({ start, end, recurrence: ['RRULE:FREQ=WEEKLY;COUNT=2'] }).problems).toEqual(['component.unknown-zone']);
    });

    it('sync-rule 19: on whole days, the end exclusive, and on one when it has none', () => {
      const days = (end: string | null) => only({ start: { date: '2026-03-15' }, end: end === null ? null : { date: end } });
      expect(days('2026-03-18')).toMatchObject({ start: { date: '2026-03-15' }, span: { days: 3, seconds: 0 } });
      for (const end of ['2026-03-15', '2026-03-14', null]) expect(days(end).span).toEqual({ days: 1, seconds: 0 });
    });

    it('for no time when it ends before it begins', () => {
      expect(only({ end: at('2026-03-20T08:00:00+01:00') }).span).toEqual({ days: 0, seconds: 0 });
    });
  });

  describe('repeats', () => {
    it('sync-rule 20: until an instant, without the dates that are taken out and with those that are added', () => {
      const recurrence = [
        'RRULE:FREQ=WEEKLY;UNTIL=20260410T070000Z',
        'EXDATE;TZID=Europe/Paris:20260327T090000',
        'RDATE;TZID=Europe/Paris:20260401T090000,20260402T090000',
      ];
      expect(starts([googleEvent('e1', { recurrence })])).toEqual([
        '2026-03-20T08:00:00.000Z',
        '2026-04-01T07:00:00.000Z',
        '2026-04-02T07:00:00.000Z',
        '2026-04-03T07:00:00.000Z',
        '2026-04-10T07:00:00.000Z',
      ]);
    });

    it('on whole days', () => {
      const recurrence = ['EXDATE;VALUE=DATE:20260316', 'RRULE:FREQ=DAILY;UNTIL=20260318'];
      expect(starts([googleEvent('e1', { start: { date: '2026-03-15' }, end: { date: '2026-03-16' }, recurrence })])).toEqual([
        '2026-03-15',
        '2026-03-17',
        '2026-03-18',
      ]);
    });

    it('sync-rule 9: without an instance that was cancelled, of which only its place is told', () => {
      const series = googleEvent('s', { recurrence: ['RRULE:FREQ=WEEKLY;COUNT=3'] });
      const hole = {
        id: 's_20260327T080000Z',
        status: 'cancelled',
        recurringEventId: 's',
        originalStartTime: at('2026-03-27T09:00:00+01:00'),
      };
      const read = line(hole);
      expect(read).toMatchObject({ isHole: true, change: { kind: 'object', object: { seriesRemoteId: 's' } } });
      expect(starts([series, hole])).toEqual(['2026-03-20T08:00:00.000Z', '2026-04-03T07:00:00.000Z']);
      const { originalStartTime: _, ...nameOnly } = hole;
      expect(starts([series, nameOnly])).toEqual(starts([series, hole]));
    });

    it('sync-rule 9: with an instance that was moved, once', () => {
      const series = googleEvent('s', { recurrence: ['RRULE:FREQ=WEEKLY;COUNT=2'] });
      const moved = googleEvent('s_20260327T080000Z', {
        recurringEventId: 's',
        originalStartTime: at('2026-03-27T05:00:00-03:00', 'Europe/Paris'),
        start: at('2026-03-28T15:00:00+01:00', 'Europe/Paris'),
        end: at('2026-03-28T16:00:00+01:00', 'Europe/Paris'),
      });
      expect(starts([series, moved])).toEqual(['2026-03-20T08:00:00.000Z', '2026-03-28T14:00:00.000Z']);
    });

    it('sync-rule 9: not at all when its series is cancelled', () => {
      expect(line({ id: 's', status: 'cancelled' })).toMatchObject({ isHole: false, change: { kind: 'removed', remoteId: 's' } });
    });
  });

  describe('sync-rule 25: takes up time', () => {
    const me = (responseStatus: string, rest: Readonly<Record<string, unknown>> = {}) => ({
      attendees: [{ email: 'ada@example.org', self: true, responseStatus, ...rest }],
    });
    it.each([
      ['as a meeting', {}, 'busy'],
      ['not when it is transparent', { transparency: 'transparent' }, 'free'],
      ['tentatively', { status: 'tentative' }, 'tentative'],
      ['not when it was declined', me('declined'), 'free'],
      ['tentatively when it was accepted so', me('tentative'), 'tentative'],
      ['until it is answered', me('needsAction'), 'needs-action'],
      ['when it is one’s own and waits for no answer', me('needsAction', { organizer: true }), 'busy'],
      ['out of office', { eventType: 'outOfOffice' }, 'busy'],
      ['as focus time', { eventType: 'focusTime' }, 'busy'],
      ['not as a place of work', { eventType: 'workingLocation' }, 'free'],
      ['not as a birthday', { eventType: 'birthday' }, 'free'],
      ['from a mail', { eventType: 'fromGmail' }, 'busy'],
      ['as something that is not known', { eventType: 'somethingNew' }, 'busy'],
    ] as const)('%s', (_, change, busy) => {
      expect(only(change).busy).toBe(busy);
    });
  });

  it.each([
    ['default', 'default'],
    ['focusTime', 'focus-time'],
    ['outOfOffice', 'out-of-office'],
    ['workingLocation', 'working-location'],
    ['birthday', 'birthday'],
    ['fromGmail', 'from-mail'],
    ['somethingNew', 'other'],
  ])('sync-rule 29: of type %s is told as %s', (eventType, told) => {
    expect(objectOf({ eventType }).eventType).toBe(told);
  });

  describe('sync-rule 1: that makes no sense', () => {
    it.each([
      ['without a start', { start: null }],
      ['with an empty start', { start: {} }],
      ['on a day that is none', { start: { date: '2026-02-30' } }],
      ['at a time that is none', { start: at('2026-03-20T25:00:00Z') }],
      ['with an end that is none', { end: at('soon') }],
      ['that replaces nothing in its series', { recurringEventId: 's', originalStartTime: { date: 'x' } }],
    ])('%s is unreadable', (_, change) => {
      expect(codeOf(change)).toBe('object.bad-time');
    });

    it('in a line of its recurrence is shown without it, and says so', () => {
      for (const odd of ['EXDATE:nonsense', 'EXDATE;TZID=Mars/Olympus:20260327T090000', 'RDATE', 'EXDATE;TZID="x', '', 7])
        expect([odd, objectOf({ recurrence: ['RRULE:FREQ=WEEKLY;COUNT=2', odd] }).problems]).toEqual([odd, ['component.bad-time']]);
      expect(objectOf({ recurrence: 'RRULE:FREQ=DAILY' }).problems).toEqual(['component.bad-time']);
    });

    it('has a name of its own where Google gives it none', () => {
      for (const row of [null, 7, 'text', [], {}, { id: '' }, { id: 7 }])
        expect(line(row).change).toMatchObject({ kind: 'unreadable', code: 'object.bad-address' });
    });

    it('is one line, with any fields of any kind', () => {
      const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('2026-03-20', '2026-03-20T09:00:00Z', 'RRULE:FREQ=DAILY', 'UTC', 'cancelled'));
      const time = fc.oneof(odd, fc.record({ date: odd, dateTime: odd, timeZone: odd }, { requiredKeys: [] }));
      const row = fc.record(
        {
          id: fc.string(),
          status: odd,
          start: time,
          end: time,
          originalStartTime: time,
          recurringEventId: odd,
          recurrence: fc.oneof(odd, fc.array(odd)),
          attendees: fc.oneof(odd, fc.array(odd)),
          organizer: odd,
          summary: odd,
          eventType: odd,
        },
        { requiredKeys: [] },
      );
      fc.assert(
        fc.property(row, (some) => {
          expect(['object', 'removed', 'unreadable']).toContain(line(some).change.kind);
        }),
      );
    });
  });

  it('takes place at the instant of its offset, in every zone, on every calendar’s clock', () => {
    const zones = ['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia', 'UTC'];
    const instants = fc.integer({ min: Date.parse('2025-01-01') / 1_000, max: Date.parse('2028-01-01') / 1_000 });
    fc.assert(
      fc.property(
        instants,
        fc.integer({ min: -14 * 4, max: 14 * 4 }),
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 200_000 }),
        (instant, quarters, zone, length) => {
          const offset = `${quarters < 0 ? '-' : '+'}${String(Math.floor(Math.abs(quarters) / 4)).padStart(2, '0')}:${String((Math.abs(quarters) % 4) * 15).padStart(2, '0')}`;
          const told = (seconds: number) => at(`${new Date((seconds + quarters * 900) * 1_000).toISOString().slice(0, 19)}${offset}`, zone);
          const { change } = line(googleEvent('e1', { start: told(instant), end: told(instant + length) }));
          const components = change.kind === 'object' ? change.object.components : [];
          const expansion = expand(components, {}, { start: 0, end: Date.parse('2030-01-01') }, 'UTC');
          expect('occurrences' in expansion && expansion.occurrences.map(({ start, end }) => [start / 1_000, end / 1_000])).toEqual([
            [instant, instant + length],
          ]);
        },
      ),
    );
  });
});

describe('What was granted at Google', () => {
  const scope = (name: string) => `https://www.googleapis.com/auth/${name}`;

  it('sync-rule 16: is enough to read, or to write, or for neither', () => {
    expect(accessGranted(scopesFor('read').split(' '))).toBe('read');
    expect(accessGranted(scopesFor('write').split(' '))).toBe('write');
    expect(accessGranted([scope('calendar')])).toBe('write');
    expect(accessGranted([scope('calendar.readonly')])).toBe('read');
    expect(accessGranted([scope('calendar.events')])).toBe(null);
    expect(accessGranted([scope('calendar.calendarlist.readonly'), 'openid', 'email'])).toBe(null);
    expect(accessGranted([scope('calendar.events.readonly'), scope('calendar.calendarlist.readonly')])).toBe('read');
    expect(accessGranted([])).toBe(null);
  });
});
