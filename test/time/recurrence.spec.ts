import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CustomZones, type Timing, type When } from '../../src/calendar/calendar-object.js';
import { type Occurrence } from '../../src/time/occurrence.js';
import { expand } from '../../src/time/recurrence.js';

const YEAR = { start: Date.UTC(2026, 0, 1), end: Date.UTC(2027, 0, 1) };
const HOUR = 3_600_000;

const at = (wall: string, zone: string | null = 'Europe/Paris'): When => ({ wall: `${wall}:00`, zone });
const day = (date: string): When => ({ date });

const master = (start: When, more: Partial<Timing> = {}): Timing => ({
  recurrenceId: null,
  thisAndFuture: false,
  start,
  span: 'date' in start ? { days: 1, seconds: 0 } : { days: 0, seconds: 3_600 },
  rules: [],
  rdates: [],
  exdates: [],
  status: 'confirmed',
  busy: 'busy',
  private: false,
  ...more,
});

const override = (recurrenceId: When, start: When, more: Partial<Timing> = {}): Timing => master(start, { recurrenceId, ...more });

const found = (components: readonly Timing[], fallback = 'UTC', range = YEAR, zones: CustomZones = {}): readonly Occurrence[] => {
  const expansion = expand(components, zones, range, fallback);
  if ('unexpandable' in expansion) throw new Error(expansion.unexpandable);
  return expansion.occurrences;
};

/** `03-27 01:30` in UTC, with the component when it is not the first. */
const starts = (...[components, fallback, range, zones]: Parameters<typeof found>): readonly string[] =>
  found(components, fallback, range, zones).map(({ start, component }) => {
    const shown = new Date(start).toISOString().slice(5, 16).replace('T', ' ');
    return component === 0 ? shown : `${shown} #${component}`;
  });

describe('A daily meeting at 02:30 in Paris', () => {
  it('moves forward by the gap on the night the clock skips its time, and still counts (RFC 5545 3.3.5)', () => {
    const meeting = master(at('2026-03-27T02:30'), { rules: ['FREQ=DAILY;COUNT=4'] });
    expect(starts([meeting])).toEqual(['03-27 01:30', '03-28 01:30', '03-29 01:30', '03-30 00:30']);
  });

  it('takes place at the first of two 02:30 in autumn', () => {
    const meeting = master(at('2026-10-24T02:30'), { rules: ['FREQ=DAILY;COUNT=3'] });
    expect(starts([meeting])).toEqual(['10-24 00:30', '10-25 00:30', '10-26 01:30']);
  });

  it('lasts its exact time when it began before the clock changed', () => {
    const meeting = master(at('2026-03-28T23:00'), { span: { days: 0, seconds: 5 * 3_600 }, rules: ['FREQ=DAILY;COUNT=2'] });
    expect(found([meeting]).map(({ start, end }) => (end - start) / HOUR)).toEqual([5, 5]);
  });

  it('ends on the next day’s clock when its length is given in days', () => {
    const meeting = master(at('2026-03-27T12:00'), { span: { days: 1, seconds: 0 }, rules: ['FREQ=DAILY;COUNT=3'] });
    expect(found([meeting]).map(({ start, end }) => (end - start) / HOUR)).toEqual([24, 23, 24]);
  });

  it('happens once where two of its times fall together in the gap', () => {
    const meeting = master(at('2026-03-29T01:30'), { rules: ['FREQ=HOURLY;COUNT=4'] });
    expect(starts([meeting])).toEqual(['03-29 00:30', '03-29 01:30', '03-29 02:30']);
  });
});

describe('A series ends', () => {
  const daily = (until: string, start = at('2026-05-01T00:30')): readonly string[] =>
    starts([master(start, { rules: [`FREQ=DAILY;UNTIL=${until}`] })]);

  it('at an UNTIL in UTC, inclusive', () => {
    expect(daily('20260502T223000Z')).toHaveLength(3);
    expect(daily('20260502T222959Z')).toHaveLength(2);
  });

  it('at an UNTIL on its own clock, where the RFC asks for UTC', () => {
    expect(daily('20260503T003000')).toHaveLength(3);
    expect(daily('20260503T002959')).toHaveLength(2);
  });

  it('with the day of an UNTIL that is only a day', () => {
    expect(daily('20260503')).toHaveLength(3);
  });

  it('with the day of an UNTIL that is a time, when it is all-day', () => {
    expect(daily('20260503T000000Z', day('2026-05-01'))).toHaveLength(3);
    expect(daily('20260503T215959Z', day('2026-05-01'))).toHaveLength(3);
  });

  it('before it began when its UNTIL is before its start', () => {
    expect(daily('20260401T000000Z')).toEqual([]);
  });

  it('after COUNT instances, of which the start is the first even if the rule does not match it', () => {
    const meeting = master(at('2026-01-01T09:00'), { rules: ['FREQ=WEEKLY;BYDAY=MO;COUNT=3'] });
    expect(starts([meeting])).toEqual(['01-01 08:00', '01-05 08:00', '01-12 08:00']);
  });
});

describe('Extra and missing dates', () => {
  const weekly = (more: Partial<Timing>): Timing => master(at('2026-01-05T09:00'), { rules: ['FREQ=WEEKLY;COUNT=3'], ...more });

  it('are the same instant in every zone they are told in', () => {
    expect(starts([weekly({ exdates: [at('2026-01-12T08:00', 'UTC'), at('2026-01-19T03:00', 'America/New_York')] })])).toEqual([
      '01-05 08:00',
    ]);
  });

  it('take out whole days when they name a day of a timed series', () => {
    expect(starts([weekly({ exdates: [day('2026-01-12')] })])).toEqual(['01-05 08:00', '01-19 08:00']);
  });

  it('take out the day of a time when the series is all-day', () => {
    const days = master(day('2026-01-05'), {
      rules: ['FREQ=DAILY;COUNT=4'],
      exdates: [at('2026-01-06T00:00', 'UTC'), at('2026-01-06T23:00', 'UTC')],
    });
    expect(starts([days], 'Europe/Paris').length).toBe(2);
  });

  it('can take out the start, and what another date added', () => {
    const rdates = [{ start: at('2026-02-01T09:00'), span: null }];
    expect(starts([weekly({ rdates, exdates: [at('2026-01-05T09:00'), at('2026-02-01T09:00')] })])).toEqual(['01-12 08:00', '01-19 08:00']);
  });

  it('add instances with a length of their own, once each', () => {
    const rdates = [
      { start: at('2026-01-12T09:00'), span: { days: 0, seconds: 7_200 } },
      { start: at('2026-01-13T09:00'), span: null },
      { start: at('2026-01-13T08:00', 'UTC'), span: null },
    ];
    expect(found([weekly({ rdates })]).map(({ start, end }) => (end - start) / HOUR)).toEqual([1, 2, 1, 1]);
  });

  it('come from several rules together', () => {
    const rules = ['FREQ=WEEKLY;COUNT=2', 'FREQ=DAILY;INTERVAL=7;COUNT=3'];
    expect(starts([weekly({ rules })])).toEqual(['01-05 08:00', '01-12 08:00', '01-19 08:00']);
  });
});

describe('An override', () => {
  const weekly = master(at('2026-01-05T09:00'), { rules: ['FREQ=WEEKLY;COUNT=4'] });
  const second = at('2026-01-12T09:00');

  it('replaces its instance and never adds one', () => {
    expect(starts([weekly, override(second, at('2026-01-13T10:00'))])).toEqual([
      '01-05 08:00',
      '01-13 09:00 #1',
      '01-19 08:00',
      '01-26 08:00',
    ]);
  });

  it('keeps the name of its instance wherever it moved', () => {
    const moved = found([weekly, override(second, at('2026-01-13T10:00'))]).find(({ component }) => component === 1);
    expect(moved?.original).toBe('2026-01-12T08:00:00.000Z');
  });

  it('comes into a range and leaves one', () => {
    const out = override(second, at('2026-03-02T09:00'));
    const range = (from: string, to: string): typeof YEAR => ({ start: Date.parse(from), end: Date.parse(to) });
    expect(starts([weekly, out], 'UTC', range('2026-01-12', '2026-01-13'))).toEqual([]);
    expect(starts([weekly, out], 'UTC', range('2026-03-02', '2026-03-03'))).toEqual(['03-02 08:00 #1']);
  });

  it('told in UTC is that instant, in the hour that comes twice too', () => {
    expect(starts([weekly, override(second, at('2026-10-25T01:30', 'UTC'))])).toContain('10-25 01:30 #1');
  });

  it('that is cancelled leaves a hole', () => {
    expect(starts([weekly, override(second, second, { status: 'cancelled' })])).toEqual(['01-05 08:00', '01-19 08:00', '01-26 08:00']);
  });

  it('goes with a master that is cancelled', () => {
    expect(starts([{ ...weekly, status: 'cancelled' }, override(second, at('2026-01-13T10:00'))])).toEqual([]);
  });

  it('finds its instance by a day, and the day of an all-day series by a time', () => {
    expect(starts([weekly, override(day('2026-01-12'), at('2026-01-13T10:00'))])).toContain('01-13 09:00 #1');
    expect(starts([weekly, override(day('2026-01-12'), at('2026-01-13T10:00'))])).toHaveLength(4);
    const days = master(day('2026-01-05'), { rules: ['FREQ=DAILY;COUNT=3'] });
    expect(starts([days, override(at('2026-01-06T00:00', 'UTC'), day('2026-01-09'))])).toEqual([
      '01-05 00:00',
      '01-07 00:00',
      '01-09 00:00 #1',
    ]);
  });

  it('without a master stands for itself', () => {
    expect(found([override(second, at('2026-01-13T10:00'))])).toMatchObject([{ component: 0, original: '2026-01-12T08:00:00.000Z' }]);
  });

  it('of a missing date stays missing', () => {
    expect(starts([{ ...weekly, exdates: [second] }, override(second, at('2026-01-13T10:00'))])).toHaveLength(3);
  });
});

describe('A change to this and all later instances', () => {
  const daily = master(at('2026-03-26T09:00'), { rules: ['FREQ=DAILY;COUNT=6'] });
  const later = (start: When, more: Partial<Timing> = {}): Timing =>
    override(at('2026-03-28T09:00'), start, { thisAndFuture: true, ...more });

  it('moves each by the same time on the clock, and gives each its length', () => {
    const moved = found([daily, later(at('2026-03-28T10:30'), { span: { days: 0, seconds: 1_800 } })]);
    expect(moved.map(({ start }) => new Date(start).toISOString().slice(8, 16))).toEqual([
      '26T08:00',
      '27T08:00',
      '28T09:30',
      '29T08:30',
      '30T08:30',
      '31T08:30',
    ]);
    expect(moved.map(({ end, start }) => (end - start) / HOUR)).toEqual([1, 1, 0.5, 0.5, 0.5, 0.5]);
  });

  it('keeps to the clock of the series when it is told in UTC', () => {
    expect(starts([daily, later(at('2026-03-28T09:30', 'UTC'))])).toEqual([
      '03-26 08:00',
      '03-27 08:00',
      '03-28 09:30 #1',
      '03-29 08:30 #1',
      '03-30 08:30 #1',
      '03-31 08:30 #1',
    ]);
  });

  it('yields to the next one and to a later single change', () => {
    const components = [
      daily,
      later(at('2026-03-28T10:00')),
      override(at('2026-03-30T09:00'), at('2026-03-30T11:00'), { thisAndFuture: true }),
      override(at('2026-03-29T09:00'), at('2026-03-29T15:00')),
    ];
    expect(starts(components)).toEqual([
      '03-26 08:00',
      '03-27 08:00',
      '03-28 09:00 #1',
      '03-29 13:00 #3',
      '03-30 09:00 #2',
      '03-31 09:00 #2',
    ]);
  });

  it('ends the series when it cancels', () => {
    expect(starts([daily, later(at('2026-03-28T09:00'), { status: 'cancelled' })])).toEqual(['03-26 08:00', '03-27 08:00']);
  });

  it('brings instances from far outside the range into it', () => {
    const range = { start: Date.UTC(2026, 8, 1), end: Date.UTC(2026, 8, 3) };
    expect(starts([daily, later(at('2026-08-30T09:00'))], 'UTC', range)).toEqual(['09-01 07:00 #1', '09-02 07:00 #1']);
  });
});

describe('Days and floating times', () => {
  it('are read on the calendar’s own clock, across its change of offset', () => {
    const holiday = found([master(day('2026-03-29'))], 'Europe/Paris');
    expect(holiday).toEqual([
      {
        component: 0,
        original: '',
        recurring: false,
        start: Date.UTC(2026, 2, 28, 23),
        end: Date.UTC(2026, 2, 29, 22),
        allDay: true,
        floating: false,
        localStart: '2026-03-29',
        localEnd: '2026-03-30',
      },
    ]);
  });

  it('keep their walls for every viewer', () => {
    expect(found([master(at('2026-07-01T09:00', null))], 'America/New_York')).toMatchObject([
      { floating: true, start: Date.UTC(2026, 6, 1, 13), localStart: '2026-07-01T09:00:00', localEnd: '2026-07-01T10:00:00' },
    ]);
  });

  it('name their instances by day', () => {
    expect(found([master(day('2026-12-30'), { rules: ['FREQ=DAILY'] })]).map(({ original }) => original)).toEqual([
      '2026-12-30',
      '2026-12-31',
    ]);
  });

  it('fall back to UTC when the calendar’s zone is none', () => {
    expect(found([master(day('2026-03-29'))], 'Nowhere/Else')).toMatchObject([{ start: Date.UTC(2026, 2, 29) }]);
  });
});

describe('A range', () => {
  const instant = master(at('2026-05-01T10:00', 'UTC'), { span: { days: 0, seconds: 0 } });
  const hour = { start: Date.UTC(2026, 4, 1, 10), end: Date.UTC(2026, 4, 1, 11) };

  it('holds what happens without length at its start, and not at its end', () => {
    expect(starts([instant], 'UTC', hour)).toHaveLength(1);
    expect(starts([instant], 'UTC', { start: hour.start - HOUR, end: hour.start })).toHaveLength(0);
  });

  it('holds what only reaches into it, and not what only touches it', () => {
    const meeting = master(at('2026-05-01T09:30', 'UTC'));
    expect(starts([meeting], 'UTC', hour)).toHaveLength(1);
    expect(starts([meeting], 'UTC', { start: Date.UTC(2026, 4, 1, 10, 30), end: hour.end })).toHaveLength(0);
  });
});

describe('A series that cannot be expanded says why:', () => {
  const unexpandable = (rule: string, more: Partial<Timing> = {}): unknown =>
    expand([master(at('1990-01-01T09:00'), { rules: [rule], ...more })], {}, YEAR, 'UTC');

  it.each([
    ['FREQ=SECONDLY', 'recurrence.too-many'],
    ['FREQ=SECONDLY;COUNT=1000000000', 'recurrence.too-costly'],
    ['FREQ=SOMETIMES', 'recurrence.bad-rule'],
    [`FREQ=WEEKLY;BYDAY=${Array(2_000).fill('MO').join(',')}`, 'recurrence.rule-too-long'],
  ])('%.40s', (rule, code) => {
    expect(unexpandable(rule)).toEqual({ unexpandable: code });
  });

  it('a time that is none', () => {
    expect(unexpandable('FREQ=DAILY', { exdates: [at('2026-13-01T09:00')] })).toEqual({ unexpandable: 'recurrence.bad-time' });
  });

  it('a zone of its own that never ends', () => {
    const zones = { mad: [{ start: '1970-01-01T00:00:00', offsetFrom: 0, offsetTo: 3_600, rule: 'FREQ=SECONDLY', dates: [] }] };
    expect(expand([master(at('2026-01-01T09:00', 'mad'))], zones, YEAR, 'UTC')).toEqual({ unexpandable: 'recurrence.too-costly' });
  });
});

describe('However a range is cut', () => {
  const zones = fc.constantFrom('Europe/Paris', 'America/New_York', 'Asia/Tokyo', 'Australia/Lord_Howe', 'UTC', null);
  const rules = fc.constantFrom(
    'FREQ=DAILY',
    'FREQ=WEEKLY;BYDAY=MO,TH',
    'FREQ=MONTHLY;BYDAY=-1FR',
    'FREQ=DAILY;INTERVAL=3;COUNT=90',
    'FREQ=MONTHLY;BYMONTHDAY=31',
  );
  const timings = fc.record({
    zone: zones,
    rule: rules,
    hour: fc.integer({ min: 0, max: 23 }),
    length: fc.integer({ min: 0, max: 200_000 }),
    shift: fc.integer({ min: -40, max: 40 }),
  });

  const seriesOf = ({ zone, rule, hour, length, shift }: Parameters<Parameters<typeof timings.map>[0]>[0]): readonly Timing[] => {
    const start = at(`2025-10-02T${String(hour).padStart(2, '0')}:30`, zone);
    const moved = new Date(Date.UTC(2026, 1, 2 + shift, hour, 30)).toISOString().slice(0, 16);
    return [
      master(start, { rules: [rule], span: { days: 0, seconds: length } }),
      override(at(`2026-02-02T${String(hour).padStart(2, '0')}:30`, zone), at(moved, zone), { thisAndFuture: shift % 2 === 0 }),
    ];
  };

  it('it holds exactly what the whole holds there', () => {
    const whole = { start: Date.UTC(2025, 8, 1), end: Date.UTC(2027, 0, 1) };
    fc.assert(
      fc.property(timings, fc.integer({ min: 0, max: 450 }), fc.integer({ min: 1, max: 60 }), (timing, first, days) => {
        const range = { start: whole.start + first * 24 * HOUR, end: Math.min(whole.end, whole.start + (first + days) * 24 * HOUR) };
        const series = seriesOf(timing);
        const within = found(series, 'Europe/Paris', whole).filter(({ start, end }) =>
          start === end ? start >= range.start && start < range.end : start < range.end && end > range.start,
        );
        expect(found(series, 'Europe/Paris', range)).toEqual(within);
      }),
      { seed: 20260329, numRuns: 300 },
    );
  });
});

describe('A rule of exceptions (EXRULE, RFC 2445)', () => {
  it('takes its instances out of the rule and the extra dates', () => {
    const meeting = master(at('2026-06-01T09:00', 'UTC'), {
      rules: ['FREQ=DAILY;COUNT=7', 'EXRULE:FREQ=DAILY;INTERVAL=2'],
      rdates: [
        { start: at('2026-06-09T09:00', 'UTC'), span: null },
        { start: at('2026-06-10T09:00', 'UTC'), span: null },
      ],
    });
    expect(starts([meeting])).toEqual(['06-02 09:00', '06-04 09:00', '06-06 09:00', '06-10 09:00']);
  });

  it('leaves the first instance where it does not name it', () => {
    const meeting = master(at('2026-06-01T09:00', 'UTC'), { rules: ['FREQ=DAILY;COUNT=5', 'EXRULE:FREQ=WEEKLY;BYDAY=TU,WE'] });
    expect(starts([meeting])).toEqual(['06-01 09:00', '06-04 09:00', '06-05 09:00']);
  });

  it('that is not understood makes the series one that cannot be expanded', () => {
    const meeting = master(at('2026-06-01T09:00', 'UTC'), { rules: ['FREQ=DAILY;COUNT=5', 'EXRULE:FREQ=SOMETIMES'] });
    expect(expand([meeting], {}, YEAR, 'UTC')).toEqual({ unexpandable: 'recurrence.bad-rule' });
  });
});

describe('A resource that holds several series', () => {
  const weekly = (start: string, copy: string) => ({ ...master(at(start, 'UTC'), { rules: ['FREQ=WEEKLY;COUNT=2'] }), copy });
  const moved = (of: string, start: string, copy: string) => ({ ...override(at(of, 'UTC'), at(start, 'UTC')), copy });

  it('gives each change to the series of its UID', () => {
    const parts = [weekly('2026-06-01T09:00', 'a'), weekly('2026-06-01T11:00', 'b'), moved('2026-06-08T11:00', '2026-06-08T15:00', 'b')];
    expect(starts(parts)).toEqual(['06-01 09:00', '06-01 11:00 #1', '06-08 09:00', '06-08 15:00 #2']);
  });

  it('keeps what different UIDs have at the same time, each by a name of its own', () => {
    const single = (copy: string) => ({ ...master(at('2026-06-01T09:00', 'UTC')), copy });
    const parts = [single('a'), single('b'), weekly('2026-06-01T09:00', 'c'), weekly('2026-06-01T09:00', 'd')];
    expect(found(parts).map(({ original, recurring, component }) => [original, recurring, component])).toEqual([
      ['2026-06-01T09:00:00.000Z_c', true, 2],
      ['2026-06-01T09:00:00.000Z_d', true, 3],
      ['_a', false, 0],
      ['_b', false, 1],
      ['2026-06-08T09:00:00.000Z_c', true, 2],
      ['2026-06-08T09:00:00.000Z_d', true, 3],
    ]);
  });

  it('has what each UID alone would have, in any order', () => {
    const kinds = [
      (copy: string) => [{ ...master(at('2026-06-01T09:00', 'UTC')), copy }],
      (copy: string) => [weekly('2026-06-01T09:00', copy)],
      (copy: string) => [weekly('2026-06-01T09:00', copy), moved('2026-06-08T09:00', '2026-06-09T15:00', copy)],
      (copy: string) => [{ ...master(day('2026-06-01'), { rules: ['FREQ=DAILY;COUNT=3'] }), copy }],
      (copy: string) => [moved('2026-06-08T09:00', '2026-06-10T09:00', copy)],
    ];
    const times = (parts: readonly Timing[]) => found(parts).map(({ start, end, recurring }) => `${start} ${end} ${String(recurring)}`);
    const resource = fc.array(fc.constantFrom(...kinds), { maxLength: 6 }).map((some) => [...kinds.slice(0, 2), ...some]);
    fc.assert(
      fc.property(resource, fc.nat(), (chosen, turn) => {
        const uids = chosen.map((kind, index) => kind(`uid-${index}`));
        const turned = [...uids.slice(turn % uids.length), ...uids.slice(0, turn % uids.length)];
        expect(times(turned.flat()).sort()).toEqual(uids.flatMap(times).sort());
        const names = found(turned.flat()).map(({ original }) => original);
        expect(new Set(names).size).toBe(names.length);
        expect(found(uids.flat()).map(({ original }) => original)).toEqual(names);
      }),
    );
  });

  it('lets a change stand for itself whose series is not there', () => {
    const parts = [weekly('2026-06-01T09:00', 'a'), weekly('2026-06-01T11:00', 'b'), moved('2026-06-08T10:00', '2026-06-09T09:00', 'c')];
    expect(starts(parts)).toEqual(['06-01 09:00', '06-01 11:00 #1', '06-08 09:00', '06-08 11:00 #1', '06-09 09:00 #2']);
  });

  it('lets a change stand for itself that has another UID than the only series there', () => {
    const parts = [weekly('2026-06-01T09:00', 'a'), moved('2026-06-08T09:00', '2026-06-09T09:00', 'b')];
    expect(starts(parts)).toEqual(['06-01 09:00', '06-08 09:00', '06-09 09:00 #1']);
  });
});
