import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Timing, type When } from '../../src/calendar/calendar-object.js';
import { MOST_OF_OBJECT } from '../../src/time/nearest.js';
import { type Occurrence } from '../../src/time/occurrence.js';
import { expand } from '../../src/time/recurrence.js';
import { TIMING } from '../support/builders.js';
import { strength } from '../support/strength.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 22, 10);
const YEAR = { start: NOW - 30 * DAY, end: NOW + 379 * DAY };

const wall = (instant: number, zone: string | null): When => ({ wall: new Date(instant).toISOString().slice(0, 19), zone });
const master = (start: When, more: Partial<Timing>): Timing => ({ ...TIMING, start, span: { days: 0, seconds: 1_800 }, ...more });

const expanded = (components: readonly Timing[], bound?: Parameters<typeof expand>[4], range = YEAR) => {
  const expansion = expand(components, {}, range, 'Europe/Paris', bound);
  if ('unexpandable' in expansion) throw new Error(expansion.unexpandable);
  return expansion;
};

/** The rule of what is kept, told once more: what was changed by hand, then the nearest, the earlier of two. */
const nearest = (all: readonly Occurrence[], isExplicit: (each: Occurrence) => boolean, now: number, most: number) =>
  [...all]
    .sort((a, b) => Number(isExplicit(b)) - Number(isExplicit(a)) || Math.abs(a.start - now) - Math.abs(b.start - now) || a.start - b.start)
    .slice(0, most)
    .sort((a, b) => a.start - b.start || (a.original < b.original ? -1 : 1));

const originals = (occurrences: readonly Occurrence[]) => occurrences.map(({ original }) => original);

describe('Of a series with more repetitions than are kept', () => {
  const rules = fc.constantFrom(
    'FREQ=MINUTELY;INTERVAL=30',
    'FREQ=MINUTELY;INTERVAL=7;BYHOUR=1,2,3,12',
    'FREQ=MINUTELY;INTERVAL=20;COUNT=25000',
    'FREQ=MINUTELY;INTERVAL=17;BYDAY=MO,SU;COUNT=30000',
    'FREQ=HOURLY;BYMINUTE=0,20,40',
    'FREQ=SECONDLY;INTERVAL=900;UNTIL=20270301T000000Z',
    'FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,15,30,45;BYSECOND=0,20',
    'FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=1,2,3,4;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55;BYSECOND=0,10,20,30',
    'FREQ=MONTHLY;BYHOUR=1,2,3;BYMINUTE=1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7',
    'FREQ=MINUTELY;BYMONTH=2,11;BYMONTHDAY=1,2,22',
  );
  const series = fc.record({
    rule: rules,
    zone: fc.constantFrom('Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'UTC', null),
    begins: fc.integer({ min: -500, max: 100 }),
    minutes: fc.integer({ min: 0, max: 3_000 }),
    now: fc.integer({ min: -60, max: 420 }),
    most: fc.integer({ min: 1, max: 600 }),
    excluding: fc.boolean(),
    moved: fc.integer({ min: -400, max: 400 }),
    later: fc.boolean(),
  });

  const componentsOf = ({ rule, zone, begins, minutes, excluding, moved, later }: Parameters<Parameters<typeof series.map>[0]>[0]) => {
    const start = NOW + begins * DAY;
    const third = wall(start + DAY, zone);
    return [
      master(wall(start, zone), {
        rules: excluding ? [rule, 'EXRULE:FREQ=DAILY;BYHOUR=2,10;BYMINUTE=0,30'] : [rule],
        span: { days: 0, seconds: minutes * 60 },
        rdates: [
          { start: wall(NOW + 5 * HOUR + 60_000, zone), span: null },
          { start: wall(start - 9 * DAY, zone), span: null },
        ],
        exdates: [wall(start + 2 * DAY, zone), { date: new Date(NOW + DAY).toISOString().slice(0, 10) }],
      }),
      master(wall(NOW + moved * DAY, zone), { recurrenceId: third, thisAndFuture: later, span: { days: 0, seconds: 60 } }),
    ];
  };

  it('exactly those nearest to now are kept, and what was changed by hand, as if all had been looked at', () => {
    fc.assert(
      fc.property(series, (asked) => {
        const components = componentsOf(asked);
        const now = NOW + asked.now * DAY + 12_345;
        const whole = expanded(components);
        const kept = expanded(components, { now, most: asked.most });
        const alone = components.map((each) => ({ ...each, rules: [], rdates: [] }));
        const byHand = new Set(expanded(alone).occurrences.flatMap((each) => (each.component === 1 ? [each.original] : [])));
        const explicit = (each: Occurrence) => byHand.has(each.original);
        expect(originals(kept.occurrences)).toEqual(originals(nearest(whole.occurrences, explicit, now, asked.most)));
        const [from, until] = [kept.kept?.from ?? -Infinity, kept.kept?.until ?? Infinity];
        const inSpan = whole.occurrences.filter(({ start, end }) => start < until && end > from);
        expect(originals(kept.occurrences)).toEqual(expect.arrayContaining(originals(inSpan)));
        expect(kept.kept === null).toBe(kept.occurrences.length === whole.occurrences.length);
      }),
      { seed: 20261122, numRuns: strength(2, 60) },
    );
  });

  it('it does not matter in how many steps they became fewer', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 600 }), (asked, shown) => {
        const components = componentsOf(asked);
        const now = NOW + asked.now * DAY;
        const direct = expanded(components, { now, most: Math.min(asked.most, shown) });
        const stepwise = expanded(components, { now, most: asked.most, shown });
        expect(originals(stepwise.occurrences)).toEqual(originals(direct.occurrences));
        expect(stepwise.repetitions).toBe(Math.min(asked.most, expanded(components).repetitions));
      }),
      { seed: 20261122, numRuns: strength(2, 30) },
    );
  });

  it.each([
    ['FREQ=SECONDLY', '2010-01-01T00:00:00'],
    ['FREQ=SECONDLY;COUNT=1000000000', '2010-01-01T00:00:00'],
    ['FREQ=SECONDLY;UNTIL=20270101T000000Z', '1990-01-01T00:00:00'],
    ['FREQ=MINUTELY', '1970-01-01T00:00:00'],
    [
      'FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=1,2,3,4,5,6',
      '1990-01-01T00:00:00',
    ],
    ['FREQ=SECONDLY;BYMONTH=12', '2020-01-01T00:00:00'],
  ])('%.50s is cheap, however many it could have', (rule, start) => {
    const found = expanded([master({ wall: start, zone: 'Europe/Paris' }, { rules: [rule] })], { now: NOW, most: MOST_OF_OBJECT });
    expect([found.occurrences.length, found.repetitions]).toEqual([MOST_OF_OBJECT, MOST_OF_OBJECT]);
    expect(found.kept).not.toBeNull();
  });

  it('one whose every step is dear keeps what was found before the steps ran out', () => {
    const rare = 'FREQ=SECONDLY;INTERVAL=7;BYMINUTE=3;BYSECOND=1,2,3,4,5,6,7';
    const found = expanded([master({ wall: '2000-01-01T00:00:01', zone: 'UTC' }, { rules: [rare] })], { now: NOW, most: MOST_OF_OBJECT });
    expect(found.occurrences.length).toBeGreaterThan(100);
  });
});
