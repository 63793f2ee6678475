import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CalendarObject, type Component } from '../../src/calendar/calendar-object.js';
import { expand } from '../../src/time/recurrence.js';
import { isIanaZone } from '../../src/time/time-zone.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';
import { UnreadableObject } from '../../src/provider/unreadable-object.js';
import { WINDOWS_ZONES } from '../../src/provider/windows-zones.js';

const source = { remoteId: '/ada/work/1.ics', etag: '"1"', ownAddresses: ['Ada@Example.test'] };

const calendar = (...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');

const event = (...lines: readonly string[]): readonly string[] => [
  'BEGIN:VEVENT',
  'UID:1@example.test',
  'DTSTAMP:20260101T000000Z',
  ...lines,
  'END:VEVENT',
];

const read = (text: string): CalendarObject => parseResource(text, source);

const only = (...lines: readonly string[]): Component => {
  const [component] = read(calendar(...event(...lines))).components;
  if (component === undefined) throw new Error('no component');
  return component;
};

const START = 'DTSTART;TZID=Europe/Paris:20260327T090000';

const code = (text: string): string => {
  try {
    read(text);
    return 'readable';
  } catch (error) {
    if (error instanceof UnreadableObject) return error.code;
    throw error;
  }
};

describe('A CalDAV resource', () => {
  it('is read with its contents', () => {
    const component = only(
      START,
      'DTEND;TZID=Europe/Paris:20260327T100000',
      'SUMMARY:Planning\\, with a very long title that a server folds in the mid',
      ' dle of a word\\nand two lines',
      'LOCATION:Room 1\\; second floor',
      'DESCRIPTION:One\\nTwo\\\\nThree\u0000\u0007',
      'URL:https://example.test/1',
      'ORGANIZER;CN="Babbage, Charles":MAILTO:charles@example.test',
      'ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ADA@example.test',
      'ATTENDEE;PARTSTAT=DELEGATED;EMAIL=mary@example.test:/principals/mary/',
      'ATTENDEE:urn:uuid:1',
    );
    expect(component).toEqual({
      recurrenceId: null,
      thisAndFuture: false,
      start: { wall: '2026-03-27T09:00:00', zone: 'Europe/Paris' },
      span: { days: 0, seconds: 3_600 },
      rules: [],
      rdates: [],
      exdates: [],
      status: 'confirmed',
      busy: 'busy',
      private: false,
      contents: {
        title: 'Planning, with a very long title that a server folds in the middle of a word and two lines',
        location: 'Room 1; second floor',
        description: 'One\nTwo\\nThree',
        url: 'https://example.test/1',
        uid: '1@example.test',
        organizer: { name: 'Babbage, Charles', email: 'charles@example.test' },
        attendees: [
          { name: 'Ada', email: 'ADA@example.test', response: 'accepted', self: true },
          { name: null, email: 'mary@example.test', response: 'declined', self: false },
          { name: null, email: null, response: 'needs-action', self: false },
        ],
      },
    });
  });

  it('keeps the rules, dates and overrides of a series', () => {
    const { components, remoteId, seriesRemoteId, etag } = read(
      calendar(
        ...event(
          START,
          'RRULE:FREQ=DAILY;UNTIL=20260401T070000Z',
          'EXDATE;TZID=Europe/Paris:20260328T090000,20260329T090000',
          'RDATE;VALUE=PERIOD:20260501T080000Z/PT2H,20260502T080000Z/20260502T083000Z',
        ),
        ...event(
          'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Paris:20260330T090000',
          'DTSTART;TZID=Europe/Paris:20260330T110000',
          'RRULE:FREQ=DAILY',
        ),
      ),
    );
    expect({ remoteId, seriesRemoteId, etag }).toEqual({ remoteId: source.remoteId, seriesRemoteId: source.remoteId, etag: '"1"' });
    expect(components).toMatchObject([
      {
        rules: ['FREQ=DAILY;UNTIL=20260401T070000Z'],
        exdates: [
          { wall: '2026-03-28T09:00:00', zone: 'Europe/Paris' },
          { wall: '2026-03-29T09:00:00', zone: 'Europe/Paris' },
        ],
        rdates: [
          { start: { wall: '2026-05-01T08:00:00', zone: 'UTC' }, span: { days: 0, seconds: 7_200 } },
          { start: { wall: '2026-05-02T08:00:00', zone: 'UTC' }, span: { days: 0, seconds: 1_800 } },
        ],
      },
      { recurrenceId: { wall: '2026-03-30T09:00:00', zone: 'Europe/Paris' }, thisAndFuture: true, rules: [] },
    ]);
  });

  it('tells a rule of exceptions from a rule', () => {
    const { components } = read(calendar(...event(START, 'RRULE:FREQ=DAILY', 'EXRULE:FREQ=WEEKLY')));
    expect(components[0]?.rules).toEqual(['FREQ=DAILY', 'EXRULE:FREQ=WEEKLY']);
  });

  it('that holds a component twice gives the version with the higher SEQUENCE', () => {
    const { components } = read(calendar(...event(START, 'SEQUENCE:2', 'SUMMARY:new'), ...event(START, 'SEQUENCE:1', 'SUMMARY:old')));
    expect(components.map(({ contents }) => contents.title)).toEqual(['new']);
  });

  it('is read with any line ends, in any case, with and without a byte order mark', () => {
    const text = calendar(...event(START, 'SUMMARY:Plan', ' ning'));
    const others = ['\n', '\r']
      .map((end) => text.replaceAll('\r\n', end))
      .concat(`\uFEFF${text}`, text.replace('BEGIN:VEVENT', 'begin:vevent').replace('SUMMARY', 'summary'));
    for (const other of others) expect(read(other)).toEqual(read(text));
  });

  it('has a title of one line, and costs no more than its length, also when it is full of blanks', () => {
    const blanks = ' '.repeat(400_000);
    const { components } = read(calendar(...event(START, `SUMMARY: a\\n \\n${blanks}b${blanks}c`)));
    expect(components[0]?.contents.title).toBe(`a b${blanks}c`);
  });

  it('is not spoilt by an unreadable line', () => {
    expect(only(START, 'X-BROKEN', 'X-ODD;=:1', 'SUMMARY:Plan').contents.title).toBe('Plan');
  });
});

describe('An event lasts', () => {
  it.each([
    [
      'to its DTEND, exactly',
      ['DTSTART;TZID=Europe/Paris:20260328T120000', 'DTEND;TZID=Europe/Paris:20260329T120000'],
      { days: 0, seconds: 23 * 3_600 },
    ],
    ['to a DTEND in another zone', [START, 'DTEND;TZID=America/New_York:20260327T090000'], { days: 0, seconds: 5 * 3_600 }],
    ['its DURATION, days on the clock', [START, 'DURATION:P1DT2H30M'], { days: 1, seconds: 9_000 }],
    ['its DURATION in weeks', [START, 'DURATION:P2W'], { days: 14, seconds: 0 }],
    ['no time without either (RFC 5545 3.6.1)', [START], { days: 0, seconds: 0 }],
    ['no time when it ends before it begins', [START, 'DTEND;TZID=Europe/Paris:20260327T080000'], { days: 0, seconds: 0 }],
    ['no time with a negative DURATION', [START, 'DURATION:-PT1H'], { days: 0, seconds: 0 }],
    ['one day when it is all-day and says no more', ['DTSTART;VALUE=DATE:20260328'], { days: 1, seconds: 0 }],
    ['its days when it is all-day', ['DTSTART;VALUE=DATE:20260328', 'DTEND;VALUE=DATE:20260331'], { days: 3, seconds: 0 }],
    ['one day when it ends on the day it begins', ['DTSTART;VALUE=DATE:20260328', 'DTEND;VALUE=DATE:20260328'], { days: 1, seconds: 0 }],
    ['whole days when it is all-day', ['DTSTART;VALUE=DATE:20260328', 'DURATION:PT36H'], { days: 2, seconds: 0 }],
    [
      'as the clock shows it when it begins where clocks leap, past its own end',
      ['DTSTART;TZID=Africa/Casablanca:20260322T021500', 'DTEND;TZID=Africa/Casablanca:20260322T030000'],
      { days: 0, seconds: 2_700 },
    ],
  ])('%s', (_, lines, span) => {
    expect(only(...lines).span).toEqual(span);
  });
});

describe('A time is read', () => {
  const start = (line: string, ...zones: readonly string[]): unknown => read(calendar(...zones, ...event(line))).components[0]?.start;
  const wall = '2026-03-27T09:00:00';
  const definition = (id: string, ...lines: readonly string[]): readonly string[] => [
    'BEGIN:VTIMEZONE',
    `TZID:${id}`,
    ...lines,
    'BEGIN:STANDARD',
    'DTSTART:19700101T000000',
    'TZOFFSETFROM:+0545',
    'TZOFFSETTO:+0545',
    'END:STANDARD',
    'END:VTIMEZONE',
  ];

  it.each([
    ['Europe/Paris', 'Europe/Paris'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['"W. Europe Standard Time"', 'Europe/Berlin'],
    ['romance standard time', 'Europe/Paris'],
    ['/mozilla.org/20050126_1/Europe/Paris', 'Europe/Paris'],
    ['/freeassociation.sourceforge.net/America/Argentina/Ushuaia', 'America/Argentina/Ushuaia'],
    ['tzone://Microsoft/Utc', 'UTC'],
    ['Nobody knows', null],
  ])('in the zone that TZID=%s means, with no VTIMEZONE to help', (id, zone) => {
    expect(start(`DTSTART;TZID=${id}:20260327T090000`)).toEqual({ wall, zone });
  });

  it('in a zone that exists, for every name Windows has', () => {
    expect(WINDOWS_ZONES.size).toBe(139);
    expect([...WINDOWS_ZONES.values()].filter((zone) => !isIanaZone(zone))).toEqual([]);
  });

  it('in a zone of Exchange’s own, quoted or not', () => {
    for (const id of ['tzone://Microsoft/Custom', '"tzone://Microsoft/Custom"'])
      expect(start(`DTSTART;TZID=${id}:20260327T090000`, ...definition('tzone://Microsoft/Custom'))).toEqual({ wall, zone: 'custom-1' });
  });

  it('from the zone it starts in to another that its end names, when that is a place', () => {
    const endZone = (end: string): string | undefined => only(START, end).contents.endZone;
    expect(endZone('DTEND;TZID=America/New_York:20260327T090000')).toBe('America/New_York');
    expect(endZone('DTEND;TZID="Tokyo Standard Time":20260327T190000')).toBe('Asia/Tokyo');
    const others = ['DTEND;TZID=Europe/Paris:20260327T100000', 'DTEND:20260327T090000Z', 'DTEND:20260327T100000', 'DURATION:PT1H'];
    expect(others.map(endZone)).toEqual(others.map(() => undefined));
  });

  it('in UTC when it says so, with any TZID', () => {
    expect(start('DTSTART;TZID=Europe/Paris:20260327T090000Z')).toEqual({ wall, zone: 'UTC' });
  });

  it('as floating without a zone, and as a day when it is one', () => {
    expect(start('DTSTART:20260327T090000')).toEqual({ wall, zone: null });
    expect(start('DTSTART:20260327')).toEqual({ date: '2026-03-27' });
  });

  it('in the place that X-LIC-LOCATION names', () => {
    expect(
      start('DTSTART;TZID=Customized Time Zone:20260327T090000', ...definition('Customized Time Zone', 'X-LIC-LOCATION:Asia/Tokyo')),
    ).toEqual({ wall, zone: 'Asia/Tokyo' });
  });

  it('in a place rather than by what the resource says of that place', () => {
    const object = read(calendar(...definition('Europe/Paris'), ...event(START)));
    expect(object.zones).toEqual({});
  });

  it('by the definition in the resource when it names no place', () => {
    const object = read(
      calendar(
        ...definition('Customized Time Zone'),
        ...definition('unused'),
        ...event('DTSTART;TZID=Customized Time Zone:20260327T090000', 'DURATION:PT1H'),
      ),
    );
    expect(object.zones).toEqual({
      'custom-1': [{ start: '1970-01-01T00:00:00', offsetFrom: 20_700, offsetTo: 20_700, rule: null, dates: [] }],
    });
    const expansion = expand(object.components, object.zones, { start: Date.UTC(2026, 2, 27), end: Date.UTC(2026, 2, 28) }, 'UTC');
    expect(expansion).toMatchObject({ occurrences: [{ start: Date.UTC(2026, 2, 27, 3, 15), floating: false }] });
  });

  it('as floating when its definition makes no sense', () => {
    const broken = definition('Mad').map((line) => (line.startsWith('TZOFFSETTO') ? 'RRULE:FREQ=SECONDLY' : line));
    expect(start('DTSTART;TZID=Mad:20260327T090000', ...broken)).toEqual({ wall, zone: null });
  });
});

describe('An event counts as', () => {
  it.each([
    ['busy', []],
    ['free', ['TRANSP:TRANSPARENT']],
    ['free', ['STATUS:CANCELLED']],
    ['free', ['X-MICROSOFT-CDO-BUSYSTATUS:FREE']],
    ['tentative', ['STATUS:TENTATIVE']],
    ['tentative', ['X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE']],
    ['free', ['ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.test']],
    ['needs-action', ['ATTENDEE:mailto:ada@example.test']],
    ['busy', ['ATTENDEE;PARTSTAT=DECLINED:mailto:mary@example.test']],
    ['busy', ['ORGANIZER:mailto:ada@example.test', 'ATTENDEE:mailto:ada@example.test']],
  ])('%s with %j', (busy, lines) => {
    expect(only(START, ...lines).busy).toBe(busy);
  });

  it('private when it is classed so', () => {
    expect(['PUBLIC', 'PRIVATE', 'CONFIDENTIAL'].map((each) => only(START, `CLASS:${each}`).private)).toEqual([false, true, true]);
  });
});

describe('A resource that cannot be read says why, and never what it holds:', () => {
  it.each([
    ['object.not-icalendar', ''],
    ['object.not-icalendar', '<html>secret</html>'],
    ['object.not-icalendar', calendar(...event(START)).replace('END:VCALENDAR', '')],
    ['object.not-icalendar', 'BEGIN:VCARD\r\nEND:VCARD\r\n'],
    ['object.no-event', calendar()],
    ['object.no-event', calendar('BEGIN:VTODO', 'UID:1', 'END:VTODO')],
    ['object.bad-time', calendar(...event('SUMMARY:secret'))],
    ['object.bad-time', calendar(...event('DTSTART:20260231T090000'))],
    ['object.bad-time', calendar(...event(START, 'DTEND:tomorrow'))],
    ['object.bad-time', calendar(...event(START, 'DURATION:1 hour'))],
    ['object.too-large', calendar(...event(START, `DESCRIPTION:${'secret '.repeat(160_000)}`))],
    ['object.too-large', calendar(...Array<readonly string[]>(5_001).fill(['BEGIN:VALARM', 'END:VALARM']).flat())],
  ])('%s', (expected, text) => {
    expect(code(text)).toBe(expected);
    expect(() => read(text)).toThrow(new UnreadableObject(expected as UnreadableObject['code']));
  });

  it('no text brings down the reader or the expansion', () => {
    const whole = calendar(
      'BEGIN:VTIMEZONE', 'TZID:Own', 'BEGIN:STANDARD', 'DTSTART:19701025T030000', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'END:STANDARD', 'END:VTIMEZONE',
      ...event('DTSTART;TZID=Own:20260327T090000', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=9', 'EXDATE;VALUE=DATE:20260328', 'RDATE:20260501T080000Z', 'ATTENDEE;CN="A":mailto:a@example.test'),
      ...event('RECURRENCE-ID;RANGE=THISANDFUTURE:20260330T070000Z', 'DTSTART:20260330T100000Z', 'DTEND;VALUE=DATE:20260331'),
    ); // oxfmt-ignore
    const pieces = fc.constantFrom(
      '',
      ';',
      ':',
      ',',
      '=',
      '"',
      '\r\n',
      ' ',
      'Z',
      '0',
      '99999999',
      '-',
      'P',
      'T',
      'BEGIN:VEVENT\r\n',
      'END:VEVENT\r\n',
      'FREQ=SECONDLY',
      'TZID=',
      '\u0000',
      '/',
    );
    const edits = fc.array(fc.tuple(fc.nat(whole.length), fc.nat(12), pieces), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(edits, (list) => {
        const text = list.reduce((sofar, [at, cut, piece]) => sofar.slice(0, at) + piece + sofar.slice(at + cut), whole);
        if (code(text) !== 'readable') return;
        const { components, zones } = read(text);
        const expansion = expand(components, zones, { start: Date.UTC(2026, 0, 1), end: Date.UTC(2027, 0, 1) }, 'Europe/Paris');
        expect('unexpandable' in expansion || expansion.occurrences.every(({ start, end }) => start <= end)).toBe(true);
      }),
      { seed: 4791, numRuns: 1_500 },
    );
  });
});
