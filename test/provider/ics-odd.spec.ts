import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { expand } from '../../src/time/recurrence.js';
import { findZone } from '../../src/time/time-zone.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';

// What calendar software in use writes although RFC 5545 does not allow it, and what its author meant.

const WINDOW = { start: Date.UTC(2026, 11, 1), end: Date.UTC(2027, 5, 1) };

const calendar = (...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');

const event = (uid: string, ...lines: readonly string[]): readonly string[] => [
  'BEGIN:VEVENT',
  `UID:${uid}`,
  'DTSTAMP:20261120T080000Z',
  ...lines,
  'END:VEVENT',
];

const read = (text: string) => parseResource(text, { remoteId: '/a.ics', etag: '"1"', ownAddresses: [] });

/** `start to end title`, days or instants to the minute, on the calendar's own clock. */
const shown = (text: string, calendarZone = 'UTC'): readonly string[] => {
  const { components, zones } = read(text);
  const expansion = expand(components, zones, WINDOW, calendarZone);
  if ('unexpandable' in expansion) throw new Error(expansion.unexpandable);
  return expansion.occurrences.map(({ component, start, end, allDay, localStart, localEnd }) => {
    const minute = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 16);
    const [from, to] = allDay ? [localStart ?? '', localEnd ?? ''] : [minute(start), minute(end)];
    return `${from} to ${to} ${components[component]?.contents.title ?? ''}`.trim();
  });
};

describe('An all-day series whose UNTIL is a time in UTC', () => {
  const mondays = (until: string): string =>
    calendar(...event('1', 'DTSTART;VALUE=DATE:20261207', 'DTEND;VALUE=DATE:20261208', `RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=${until}`));
  const days = (until: string, zone: string): readonly string[] => shown(mondays(until), zone).map((each) => each.slice(0, 10));
  const three = ['2026-12-07', '2026-12-14', '2026-12-21'];

  it.each([
    ['Europe/Berlin', '20261227T230000Z'],
    ['Asia/Kolkata', '20261227T183000Z'],
    ['Pacific/Auckland', '20261227T110000Z'],
    ['America/New_York', '20261228T050000Z'],
  ])('ends with the day that begins at that moment in %s, the calendar’s zone', (zone, until) => {
    expect(days(until, zone)).toEqual([...three, '2026-12-28']);
  });

  it.each([
    ['20261227T230000Z', 'UTC', three],
    ['20261227T225900Z', 'Europe/Berlin', three],
    ['20261228T000000Z', 'Europe/Berlin', [...three, '2026-12-28']],
    ['20261228T235959Z', 'America/New_York', [...three, '2026-12-28']],
    ['20261228T120000Z', 'Asia/Tokyo', [...three, '2026-12-28']],
  ])('ends with the day of %s in UTC in a calendar of %s, where no day begins then', (until, zone, expected) => {
    expect(days(until, zone)).toEqual(expected);
  });

  it('ends with a day that has no midnight, when the clock leaps over it', () => {
    // Santiago's clock goes from 24:00 to 1:00 on 5 September 2027: that day begins at 04:00 in UTC.
    const text = calendar(...event('1', 'DTSTART;VALUE=DATE:20270901', 'RRULE:FREQ=DAILY;UNTIL=20270905T040000Z'));
    const { components, zones } = read(text);
    const window = { start: Date.UTC(2027, 8, 1), end: Date.UTC(2027, 9, 1) };
    expect(expand(components, zones, window, 'America/Santiago')).toMatchObject({ occurrences: { length: 5 } });
  });

  it('ends with the last day in every zone, when UNTIL is the midnight that begins it', () => {
    const zones = ['Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia', 'Pacific/Pago_Pago', 'Australia/Lord_Howe'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 20 }), (zone, weeks) => {
        const last = Date.UTC(2026, 11, 7) / 1_000 + weeks * 7 * 86_400;
        const instant = findZone(zone, {})?.instantOf(last) ?? 0;
        const until = new Date(instant * 1_000).toISOString().replaceAll(/[-:]|\.000/g, '');
        expect(days(until, zone)).toHaveLength(weeks + 1);
      }),
      { seed: 1411, numRuns: 200 },
    );
  });
});

describe('White space', () => {
  const text = calendar(...event('1', 'DTSTART:20261214T080000Z', 'DURATION:PT1H', 'SUMMARY:Plan'));

  it.each([
    ['a line', '\r\n', ''],
    ['blank lines', '\n\n \n\t\n', ''],
    ['blanks and tabs', ' \t ', ''],
    ['a byte order mark after a line', '\n\uFEFF', ''],
    ['a blank after a byte order mark', '\uFEFF ', ''],
    ['lines on both sides', '\n  ', '\r\n \r\n\t\n'],
  ])('around an object (%s) changes nothing', (_, before, after) => {
    expect(read(`${before}${text}${after}`)).toEqual(read(text));
  });

  it('alone is no object', () => {
    expect(() => read(' \r\n\t\r\n')).toThrow('object.not-icalendar');
  });
});

describe('An override without DTSTART', () => {
  const master = event(
    '1',
    'SUMMARY:Rehearsal',
    'DTSTART;TZID=America/New_York:20261214T120000',
    'DTEND;TZID=America/New_York:20261214T130000',
    'RRULE:FREQ=DAILY;COUNT=3',
  );
  const three = (middle: string): readonly string[] => [
    '2026-12-14T17:00 to 2026-12-14T18:00 Rehearsal',
    middle,
    '2026-12-16T17:00 to 2026-12-16T18:00 Rehearsal',
  ];

  it.each([
    ['in the zone of the series', 'RECURRENCE-ID;TZID=America/New_York:20261215T120000'],
    ['in UTC', 'RECURRENCE-ID:20261215T170000Z'],
    ['in another zone', 'RECURRENCE-ID;TZID=Europe/Paris:20261215T180000'],
    ['as a day', 'RECURRENCE-ID;VALUE=DATE:20261215'],
  ])('changes its instance where it is, named %s', (_, id) => {
    const dressed = event('1', 'SUMMARY:Dress rehearsal', id);
    const expected = three('2026-12-15T17:00 to 2026-12-15T18:00 Dress rehearsal');
    expect(shown(calendar(...master, ...dressed))).toEqual(expected);
    expect(shown(calendar(...dressed, ...master))).toEqual(expected);
    expect(read(calendar(...master, ...dressed)).problems).toEqual([]);
  });

  it('lasts as long as it says, when it says so', () => {
    const longer = event('1', 'SUMMARY:Long', 'RECURRENCE-ID;TZID=America/New_York:20261215T120000', 'DURATION:PT2H');
    expect(shown(calendar(...master, ...longer))).toEqual(three('2026-12-15T17:00 to 2026-12-15T19:00 Long'));
  });

  it('takes its instance out when it is cancelled', () => {
    const gone = event('1', 'STATUS:CANCELLED', 'RECURRENCE-ID;TZID=America/New_York:20261215T120000');
    expect(shown(calendar(...master, ...gone))).toHaveLength(2);
  });

  it('of an all-day series lasts the days of the series', () => {
    const days = event('1', 'SUMMARY:Fair', 'DTSTART;VALUE=DATE:20261214', 'DTEND;VALUE=DATE:20261216', 'RRULE:FREQ=WEEKLY;COUNT=2');
    const renamed = event('1', 'SUMMARY:Last fair', 'RECURRENCE-ID;VALUE=DATE:20261221');
    expect(shown(calendar(...days, ...renamed))).toEqual(['2026-12-14 to 2026-12-16 Fair', '2026-12-21 to 2026-12-23 Last fair']);
  });

  it('belongs to the series of its own UID', () => {
    const other = event('2', 'SUMMARY:Other', 'DTSTART:20261215T080000Z', 'DURATION:PT3H', 'RRULE:FREQ=DAILY;COUNT=2');
    const renamed = event('2', 'SUMMARY:Renamed', 'RECURRENCE-ID:20261216T080000Z');
    expect(shown(calendar(...master, ...other, ...renamed))).toContain('2026-12-16T08:00 to 2026-12-16T11:00 Renamed');
  });

  it('stands for itself without the series', () => {
    expect(shown(calendar(...event('1', 'SUMMARY:Invited', 'RECURRENCE-ID:20261215T170000Z', 'DURATION:PT1H')))).toEqual([
      '2026-12-15T17:00 to 2026-12-15T18:00 Invited',
    ]);
  });
});

describe('A part of an object that makes no sense', () => {
  const master = event('1', 'SUMMARY:Daily', 'DTSTART:20261214T080000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=3');
  const instances = [14, 15, 16].map((day) => `2026-12-${day}T08:00 to 2026-12-${day}T09:00 Daily`);

  it.each([
    ['a start', ['RECURRENCE-ID:20261215T080000Z', 'DTSTART:tomorrow']],
    ['an end', ['RECURRENCE-ID:20261215T080000Z', 'DTSTART:20261215T100000Z', 'DTEND:99999999']],
    ['a length', ['RECURRENCE-ID:20261215T080000Z', 'DTSTART:20261215T100000Z', 'DURATION:an hour']],
    ['the instance it is about', ['RECURRENCE-ID:soon', 'DTSTART:20261215T100000Z']],
  ])('(%s of an override) hides no other, and is counted', (_, lines) => {
    const text = calendar(...master, ...event('1', 'SUMMARY:Moved', ...lines));
    expect(shown(text)).toEqual(instances);
    expect(read(text).problems).toEqual(['component.bad-time']);
  });

  it.each([
    ['EXDATE:20261215T080000Z,soon', [instances[0], instances[2]]],
    ['RDATE:20261220T080000Z,20261399T080000Z', [...instances, '2026-12-20T08:00 to 2026-12-20T09:00 Daily']],
  ])('(a date of %s) hides no other, and is counted', (line, expected) => {
    const text = calendar(...master.slice(0, -1), line, 'END:VEVENT');
    expect(shown(text)).toEqual(expected);
    expect(read(text).problems).toEqual(['component.bad-time']);
  });

  it('(the start of one UID) hides no other', () => {
    const text = calendar(...event('2', 'DTSTART:never'), ...master);
    expect(shown(text)).toEqual(instances);
    expect(read(text).problems).toEqual(['component.bad-time']);
  });

  it('is what makes the object unreadable when there is nothing else', () => {
    expect(() => read(calendar(...event('1', 'DTSTART:never'), ...event('2')))).toThrow('object.bad-time');
  });
});

describe('A zone that is a fixed offset by its name', () => {
  it.each([
    ['GMT+0100', '09:00'],
    ['GMT-0500', '15:00'],
    ['GMT+0530', '04:30'],
    ['GMT+1', '09:00'],
    ['GMT+05:45', '04:15'],
    ['"GMT+05:45"', '04:15'],
    ['UTC+2', '08:00'],
    ['UTC-03:30', '13:30'],
    ['utc+1000', '00:00'],
    ['+0200', '08:00'],
    ['(GMT+03:00)', '07:00'],
    ['GMT+0000', '10:00'],
    // The IANA names count the other way round.
    ['Etc/GMT-1', '09:00'],
    ['Etc/GMT+5', '15:00'],
  ])('(%s) is read east of Greenwich when positive: ten o’clock is %s in UTC', (id, expected) => {
    const [first = ''] = shown(calendar(...event('1', `DTSTART;TZID=${id}:20261215T100000`)));
    expect(first.slice(0, 16)).toBe(`2026-12-15T${expected}`);
  });

  it.each(['GMT+2500', 'GMT+0199', 'GMT', 'UTC+', 'GMTX+0100', '(UTC+01:00) Amsterdam'])('is not %s', (id) => {
    const { start } = read(calendar(...event('1', `DTSTART;TZID="${id}":20261215T100000`))).components[0] ?? {};
    expect(start).toEqual({ wall: '2026-12-15T10:00:00', zone: id === 'GMT' ? 'GMT' : null });
  });

  it('is what a VTIMEZONE of that name says, when there is one', () => {
    const zone = ['BEGIN:VTIMEZONE', 'TZID:GMT+0100', 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+0300'];
    const text = calendar(
      ...[...zone, 'TZOFFSETTO:+0300', 'END:STANDARD', 'END:VTIMEZONE'],
      ...event('1', 'DTSTART;TZID=GMT+0100:20261215T100000'),
    );
    expect(shown(text)[0]?.slice(0, 16)).toBe('2026-12-15T07:00');
  });
});

describe('An event that Exchange flags as all-day', () => {
  const flagged = (...lines: readonly string[]): string =>
    calendar(...event('1', 'SUMMARY:Leave', 'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE', ...lines));

  it.each([
    ['a day', ['DTSTART;TZID=Europe/Berlin:20261222T000000', 'DTEND;TZID=Europe/Berlin:20261223T000000'], '2026-12-22 to 2026-12-23 Leave'],
    ['two days', ['DTSTART;TZID=Asia/Tokyo:20261222T000000', 'DTEND;TZID=Asia/Tokyo:20261224T000000'], '2026-12-22 to 2026-12-24 Leave'],
    ['a day of UTC', ['DTSTART:20261222T000000Z', 'DTEND:20261223T000000Z'], '2026-12-22 to 2026-12-23 Leave'],
    ['a floating day', ['DTSTART:20261222T000000', 'DTEND:20261223T000000'], '2026-12-22 to 2026-12-23 Leave'],
    ['a day by its length', ['DTSTART;TZID=Europe/Berlin:20261222T000000', 'DURATION:P1D'], '2026-12-22 to 2026-12-23 Leave'],
    ['a day in hours', ['DTSTART;TZID=Europe/Berlin:20261222T000000', 'DURATION:PT24H'], '2026-12-22 to 2026-12-23 Leave'],
    ['a day without an end', ['DTSTART;TZID=Europe/Berlin:20261222T000000'], '2026-12-22 to 2026-12-23 Leave'],
    [
      'the day on which summer time begins',
      ['DTSTART;TZID=Europe/Berlin:20270328T000000', 'DTEND;TZID=Europe/Berlin:20270329T000000'],
      '2027-03-28 to 2027-03-29 Leave',
    ],
  ])('is %s when both its ends are midnights of their zone', (_, lines, expected) => {
    expect(shown(flagged(...lines), 'America/New_York')).toEqual([expected]);
  });

  it.each([
    ['begins later', ['DTSTART:20261222T090000Z', 'DTEND:20261223T000000Z']],
    ['ends earlier', ['DTSTART:20261222T000000Z', 'DTEND:20261222T170000Z']],
    ['lasts hours', ['DTSTART:20261222T000000Z', 'DURATION:PT8H']],
  ])('is no day when it %s', (_, lines) => {
    expect(shown(flagged(...lines))[0]).toMatch(/^2026-12-22T/);
  });

  it('is no day when the flag says FALSE, or when there is none', () => {
    const ends = ['DTSTART:20261222T000000Z', 'DTEND:20261223T000000Z'];
    expect(shown(calendar(...event('1', 'X-MICROSOFT-CDO-ALLDAYEVENT:FALSE', ...ends)))[0]).toMatch(/^2026-12-22T/);
    expect(shown(calendar(...event('1', ...ends)))[0]).toMatch(/^2026-12-22T/);
  });

  it('repeats on days, ends with the day of its UNTIL on its own clock, and leaves out the days of its EXDATEs', () => {
    const series = flagged(
      'DTSTART;TZID=Europe/Berlin:20261221T000000',
      'DTEND;TZID=Europe/Berlin:20261222T000000',
      'RRULE:FREQ=DAILY;UNTIL=20261223T230000Z',
      'EXDATE;TZID=Europe/Berlin:20261222T000000',
    );
    expect(shown(series, 'America/New_York')).toEqual([
      '2026-12-21 to 2026-12-22 Leave',
      '2026-12-23 to 2026-12-24 Leave',
      '2026-12-24 to 2026-12-25 Leave',
    ]);
  });
});

describe('A zone of an object’s own whose rules ended long ago', () => {
  const part = (kind: string, start: string, offsets: readonly [string, string], ...lines: readonly string[]): readonly string[] => [
    `BEGIN:${kind}`,
    `DTSTART:${start}`,
    `TZOFFSETFROM:${offsets[0]}`,
    `TZOFFSETTO:${offsets[1]}`,
    ...lines,
    `END:${kind}`,
  ];
  const summer = ['+0900', '+1000'] as const;
  const winter = ['+1000', '+0900'] as const;
  const nineOClock = (...parts: readonly (readonly string[])[]): string | undefined =>
    shown(
      calendar(
        ...['BEGIN:VTIMEZONE', 'TZID:Office', ...parts.flat(), 'END:VTIMEZONE'],
        ...event('1', 'DTSTART;TZID=Office:20270210T090000', 'DURATION:PT1H'),
      ),
    )[0]?.slice(0, 16);

  it('keeps the offset after its last change, in any order of its parts', () => {
    const history = [
      part('STANDARD', '18880101T000000', ['+091859', '+0900']),
      part('DAYLIGHT', '19480502T000000', summer, 'RDATE:19480502T000000,19490403T000000'),
      part('STANDARD', '19480912T000000', winter, 'RRULE:FREQ=YEARLY;UNTIL=19510908T140000Z;BYMONTH=9;BYDAY=2SU'),
      part('DAYLIGHT', '19500507T000000', summer, 'RRULE:FREQ=YEARLY;UNTIL=19510505T150000Z;BYMONTH=5;BYDAY=1SU'),
    ];
    expect(nineOClock(...history)).toBe('2027-02-10T00:00');
    expect(nineOClock(...[...history].reverse())).toBe('2027-02-10T00:00');
  });

  it.each([1949, 1955, 1966, 1968, 1971, 1999])('keeps winter time after a last change in %s', (year) => {
    const until = `${year}1231T000000Z`;
    expect(
      nineOClock(
        part('DAYLIGHT', '19490501T000000', summer, `RRULE:FREQ=YEARLY;UNTIL=${until};BYMONTH=5;BYDAY=1SU`),
        part('STANDARD', '19480912T000000', winter, `RRULE:FREQ=YEARLY;UNTIL=${until};BYMONTH=9;BYDAY=2SU`),
      ),
    ).toBe('2027-02-10T00:00');
  });

  it('keeps the last change of a rule that counts', () => {
    expect(
      nineOClock(
        part('DAYLIGHT', '19490501T000000', summer, 'RRULE:FREQ=YEARLY;COUNT=3;BYMONTH=5;BYDAY=1SU'),
        part('STANDARD', '19480912T000000', winter, 'RRULE:FREQ=YEARLY;COUNT=4;BYMONTH=9;BYDAY=2SU'),
      ),
    ).toBe('2027-02-10T00:00');
  });
});
