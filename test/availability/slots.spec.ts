import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Interval } from '../../src/availability/intervals.js';
import { GRID, hoursIn, MOST_SLOTS, type Person, type Slot, slotsFor, type Wish } from '../../src/availability/slots.js';
import { instant, MINUTE } from '../../src/kernel/clock.js';
import { type WorkingHours } from '../../src/preference/working-hours.js';

const span = (start: string, end: string): Interval => ({ start: Date.parse(start), end: Date.parse(end) });
const nineToFive = [{ start: '09:00', end: '17:00' }];
const OFFICE: WorkingHours = { monday: nineToFive, tuesday: nineToFive, friday: nineToFive };
const MONDAY = span('2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z');

const person = (userId: string, changes: Partial<Person> = {}): Person => ({
  userId,
  taken: [],
  workingHours: null,
  timeZone: null,
  ...changes,
});
const wish = (changes: Partial<Wish> = {}): Wish => ({ duration: 30 * MINUTE, before: 0, after: 0, quorum: 1, ...changes });
const told = (slots: readonly Slot[]) => slots.map(({ start, free }) => `${instant(start).slice(11, 16)} ${free.join()}`);
const hours = (range: Interval, zone: string | null) =>
  hoursIn(range, OFFICE, zone).map(({ start, end }) => `${instant(start).slice(5, 16)}/${instant(end).slice(5, 16)}`);

describe('Working hours', () => {
  it('are on the clock of the zone somebody lives in, also when that is changed', () => {
    expect(hours(span('2026-03-27T00:00:00Z', '2026-03-31T00:00:00Z'), 'Europe/Paris')).toEqual([
      '03-27T08:00/03-27T16:00',
      '03-30T07:00/03-30T15:00',
    ]);
    expect(hours(MONDAY, null)).toEqual(['03-02T09:00/03-02T17:00']);
  });

  it('are on the clock that is in force there by zone rules 2026f: sync-rule 38', () => {
    const december = span('2026-12-04T00:00:00Z', '2026-12-05T00:00:00Z');
    expect(hours(december, 'America/Vancouver')).toEqual(['12-04T16:00/12-05T00:00']);
    expect(hours(december, 'America/Edmonton')).toEqual(['12-04T15:00/12-04T23:00']);
    expect(hours(december, 'Africa/Casablanca')).toEqual(['12-04T09:00/12-04T17:00']);
  });

  it('of a day that begins in the range elsewhere on earth are in it', () => {
    expect(hours(MONDAY, 'Pacific/Auckland')).toEqual(['03-02T00:00/03-02T04:00', '03-02T20:00/03-03T00:00']);
    expect(hours(span('2026-03-01T12:00:00Z', '2026-03-02T12:00:00Z'), 'Pacific/Auckland')).toEqual(['03-01T20:00/03-02T04:00']);
  });
});

describe('Slots', () => {
  it('lie in everybody’s working hours, each on their own clock', () => {
    const people = [
      person('ada', { workingHours: OFFICE, timeZone: 'Europe/Paris' }),
      person('ben', { workingHours: OFFICE, timeZone: 'America/New_York' }),
    ];
    expect(told(slotsFor(MONDAY, people, wish({ quorum: 2 })))).toEqual([
      '14:00 ada,ben',
      '14:30 ada,ben',
      '15:00 ada,ben',
      '15:30 ada,ben',
    ]);
  });

  it('with the most people come first, then the earliest', () => {
    const range = span('2026-03-02T09:00:00Z', '2026-03-02T11:00:00Z');
    const busy = person('ben', { taken: [span('2026-03-02T09:00:00Z', '2026-03-02T10:10:00Z')] });
    expect(told(slotsFor(range, [person('ada'), busy], wish()))).toEqual(['10:15 ada,ben', '09:00 ada', '09:30 ada']);
  });

  it('keep what has to be free around them free', () => {
    const range = span('2026-03-02T09:00:00Z', '2026-03-02T12:00:00Z');
    const people = [person('ada', { taken: [span('2026-03-02T10:00:00Z', '2026-03-02T10:30:00Z')] })];
    const spaced = wish({ before: 20 * MINUTE, after: 20 * MINUTE });
    expect(told(slotsFor(range, people, spaced))).toEqual(['09:00 ada', '11:00 ada', '11:30 ada']);
  });

  it('are none when too few can come', () => {
    expect(slotsFor(MONDAY, [person('ada'), person('ben', { taken: [MONDAY] })], wish({ quorum: 2 }))).toEqual([]);
  });

  const quarter = fc.nat(96).map((index) => MONDAY.start + index * 7 * MINUTE);
  const taken = fc.array(
    fc.tuple(quarter, fc.integer({ min: 1, max: 120 })).map(([start, minutes]) => ({ start, end: start + minutes * MINUTE })),
    { maxLength: 5 },
  );
  const people = fc
    .array(
      fc.record({ taken, workingHours: fc.constantFrom(null, OFFICE), timeZone: fc.constantFrom(null, 'Asia/Kathmandu', 'Europe/Paris') }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((all) => all.map((each, index) => ({ ...each, userId: `person-${index}` })));
  const wishes = fc.record({
    duration: fc.constantFrom(15, 30, 50, 90).map((minutes) => minutes * MINUTE),
    before: fc.constantFrom(0, 10 * MINUTE),
    after: fc.constantFrom(0, 5 * MINUTE),
    quorum: fc.integer({ min: 1, max: 3 }),
  });

  /** Looked at one by one, without any of the ways slots are found. */
  const canCome = ({ taken: blocked, workingHours, timeZone }: Person, start: number, { duration, before, after }: Wish): boolean => {
    const [from, to] = [start - before, start + duration + after];
    if (blocked.some((each) => each.start < to && each.end > from)) return false;
    return (
      workingHours === null || hoursIn(MONDAY, workingHours, timeZone).some((each) => start >= each.start && start + duration <= each.end)
    );
  };

  it('are those that somebody who looks at every quarter of an hour would find', () => {
    fc.assert(
      fc.property(people, wishes, (all, wanted) => {
        const starts = Array.from({ length: 96 }, (_, index) => MONDAY.start + index * GRID).filter(
          (start) => start + wanted.duration <= MONDAY.end,
        );
        const freeAt = (start: number) => all.filter((each) => canCome(each, start, wanted)).map(({ userId }) => userId);
        const possible = starts.filter((start) => freeAt(start).length >= wanted.quorum);
        const slots = slotsFor(MONDAY, all, wanted);
        for (const { start, end, free } of slots) expect([end - start, free]).toEqual([wanted.duration, freeAt(start)]);
        const most = Math.max(0, ...possible.map((start) => freeAt(start).length));
        expect(slots[0]?.start).toBe(possible.find((start) => freeAt(start).length === most));
        const overlaps = (start: number) => slots.some((slot) => start < slot.end && start + wanted.duration > slot.start);
        if (slots.length < MOST_SLOTS) expect(possible.every(overlaps)).toBe(true);
        expect(
          slots.every((slot, index) => slots.every((other, at) => index === at || slot.end <= other.start || slot.start >= other.end)),
        ).toBe(true);
      }),
    );
  });
});
