import { describe, expect, it } from '@jest/globals';
import { type CustomZones, type Timing } from '../../src/calendar/calendar-object.js';
import { isUnplaced, rowsOf, type StoredObject } from '../../src/merged-events/placed-series.js';
import { TIMING } from '../support/builders.js';

const window = { start: '2026-11-01T00:00:00.000Z', end: '2026-12-31T00:00:00.000Z' };

const stored = (ref: string, timings: readonly Partial<Timing>[], zones: CustomZones = {}, generation = 1): StoredObject => ({
  ref,
  series: 'standup',
  generation,
  zones,
  isFocusTime: false,
  components: timings.map((timing) => ({ ...TIMING, ...timing, copy: `copy of ${ref}` })),
});

const master = stored('master', [{ rules: ['FREQ=DAILY;COUNT=3'] }]);
const moved = stored('moved', [
  { recurrenceId: { wall: '2026-11-24T10:00:00', zone: 'UTC' }, start: { wall: '2026-11-24T15:00:00', zone: 'UTC' } },
]);
const cancelled = stored('cancelled', [
  { recurrenceId: { wall: '2026-11-25T10:00:00', zone: 'UTC' }, start: { wall: '2026-11-25T10:00:00', zone: 'UTC' }, status: 'cancelled' },
]);

const told = (objects: readonly StoredObject[]): readonly string[] =>
  rowsOf(objects, window, 'UTC').rows.map(({ start, ref, original }) => `${start.slice(0, 16)} ${ref} ${original.slice(0, 16)}`);

describe('The rows of a series', () => {
  it('are one for each of its instances', () => {
    expect(told([master])).toEqual([
      '2026-11-23T10:00 master 2026-11-23T10:00',
      '2026-11-24T10:00 master 2026-11-24T10:00',
      '2026-11-25T10:00 master 2026-11-25T10:00',
    ]);
  });

  it('follow overrides that are stored apart from their master, in any order', () => {
    const expected = ['2026-11-23T10:00 master 2026-11-23T10:00', '2026-11-24T15:00 moved 2026-11-24T10:00'];
    expect(told([master, moved, cancelled])).toEqual(expected);
    expect(told([cancelled, moved, master])).toEqual(expected);
  });

  it('name the component within its own object', () => {
    const both = stored('both', [
      { recurrenceId: { wall: '2026-11-23T10:00:00', zone: 'UTC' }, start: { wall: '2026-11-23T11:00:00', zone: 'UTC' } },
      { recurrenceId: { wall: '2026-11-24T10:00:00', zone: 'UTC' }, start: { wall: '2026-11-24T11:00:00', zone: 'UTC' } },
    ]);
    const { rows } = rowsOf([master, both], window, 'UTC');
    expect(rows.map(({ ref, component }) => [ref, component])).toEqual([
      ['both', 0],
      ['both', 1],
      ['master', 0],
    ]);
  });

  it('stand for themselves while their master is not there: an invitation to one instance', () => {
    expect(told([moved])).toEqual(['2026-11-24T15:00 moved 2026-11-24T10:00']);
  });

  it('belong to the newest generation that brought a part of them', () => {
    const { rows } = rowsOf([master, { ...moved, generation: 2 }], window, 'UTC');
    expect(new Set(rows.map(({ generation }) => generation))).toEqual(new Set([2]));
  });

  it('say why there are none when one part cannot be expanded', () => {
    const bad = stored('bad', [{ rules: ['FREQ=SOMETIMES'] }]);
    expect(rowsOf([bad], window, 'UTC')).toMatchObject({ rows: [], unexpandable: expect.stringMatching(/^recurrence\./) });
  });

  it('use the zones that each object brings, and never show the name of one', () => {
    const observance = (offset: number) => [{ start: '1970-01-01T00:00:00', offsetFrom: offset, offsetTo: offset, rule: null, dates: [] }];
    const inZone = (ref: string, day: string, zone: string, zones: CustomZones): StoredObject =>
      stored(
        ref,
        [{ recurrenceId: { wall: `2026-11-${day}T10:00:00`, zone: 'UTC' }, start: { wall: `2026-11-${day}T12:00:00`, zone } }],
        zones,
      );
    const objects = [
      master,
      inZone('east', '23', 'custom:east', { 'custom:east': observance(7_200) }),
      inZone('west', '24', 'custom:west', { 'custom:west': observance(-3_600) }),
    ];
    const { rows } = rowsOf(objects, window, 'Europe/Paris');
    expect(rows.map(({ ref, start, zone }) => [ref, start.slice(0, 16), zone])).toEqual([
      ['east', '2026-11-23T10:00', 'Europe/Paris'],
      ['west', '2026-11-24T13:00', 'Europe/Paris'],
      ['master', '2026-11-25T10:00', 'UTC'],
    ]);
  });

  it('place days and floating times on the clock of the calendar', () => {
    const day = stored('day', [{ start: { date: '2026-11-23' }, span: { days: 1, seconds: 0 } }]);
    const floating = stored('floating', [{ start: { wall: '2026-11-23T10:00:00', zone: null } }]);
    expect(rowsOf([day], window, 'Europe/Paris').rows).toEqual([
      expect.objectContaining({
        original: '',
        recurring: false,
        allDay: true,
        start: '2026-11-22T23:00:00.000Z',
        localStart: '2026-11-23',
        localEnd: '2026-11-24',
        zone: 'Europe/Paris',
      }),
    ]);
    expect(rowsOf([floating], window, 'Europe/Paris').rows).toEqual([
      expect.objectContaining({ floating: true, start: '2026-11-23T09:00:00.000Z', localStart: '2026-11-23T10:00:00' }),
    ]);
  });

  it('are none when nothing of the series is left', () => {
    expect(rowsOf([], window, 'UTC')).toMatchObject({ rows: [], unexpandable: null });
  });
});

describe('An object whose rows depend on where its owner is', () => {
  const unplaced = (timing: Partial<Timing>): boolean => isUnplaced(stored('some', [{}, timing]).components);

  it.each<[string, Partial<Timing>]>([
    ['takes days', { start: { date: '2026-11-24' } }],
    ['floats', { start: { wall: '2026-11-24T10:00:00', zone: null } }],
    ['is in an unknown zone', { start: { wall: '2026-11-24T10:00:00', zone: 'Mars/Olympus' } }],
    ['is in a zone a vendor made up', { start: { wall: '2026-11-24T10:00:00', zone: 'custom:1' } }],
    ['leaves out a day', { exdates: [{ date: '2026-11-24' }] }],
    ['adds a floating time', { rdates: [{ start: { wall: '2026-11-24T10:00:00', zone: null }, span: null }] }],
    ['changes an instance by its day', { recurrenceId: { date: '2026-11-24' } }],
  ])('%s', (_, timing) => {
    expect(unplaced(timing)).toBe(true);
  });

  it('and none that names a place everywhere', () => {
    expect(
      unplaced({ start: { wall: '2026-11-24T10:00:00', zone: 'Europe/Paris' }, exdates: [{ wall: '2026-11-25T10:00:00', zone: 'UTC' }] }),
    ).toBe(false);
  });
});
