import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { calendar, type CalendarEvent } from '../../src/calendar/calendar.js';
import { type Choice, choose, type ListedCalendar } from '../../src/calendar/choose.js';
import { decideAll } from '../../src/kernel/decider.js';

const at = '2026-11-22T10:00:00.000Z';
const choosing = { owner: 'ada', at };
const calendarId = '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b';
const found = {
  connectionId: 'c1',
  provider: 'caldav',
  scoped: true,
  writable: true,
  busyOnly: false,
  color: null,
  timeZone: null,
  sealed: 'YQ==',
};
const adopted: ListedCalendar = { ...found, calendarId, adopted: true, mode: 'read_only', privacy: 'busy_only', visible: true };
const listed: ListedCalendar = { ...adopted, adopted: false, visible: false };

const typesOf = (known: ListedCalendar | null, choice: Omit<Choice, 'calendarId'>): readonly string[] =>
  choose(known, { calendarId, ...choice }, choosing).map(({ type }) => type);

describe('A choice for a calendar', () => {
  it('is a command for each thing that is named, and none for the rest', () => {
    expect(typesOf(adopted, {})).toEqual([]);
    expect(typesOf(adopted, { mode: 'write' })).toEqual(['ToggleWrite']);
    expect(typesOf(adopted, { visible: false, mode: 'write', privacy: 'full' })).toEqual(['ShowCalendar', 'ToggleWrite', 'SetPrivacy']);
  });

  it('adopts a calendar that is only listed when it is to be shown', () => {
    expect(typesOf(listed, { visible: true, privacy: 'full' })).toEqual(['AdoptCalendar', 'ShowCalendar', 'SetPrivacy']);
  });

  it('is nothing where a listed calendar stays as it is, and refused where it would not', () => {
    expect(typesOf(listed, { visible: false, mode: 'read_only', privacy: 'busy_only' })).toEqual([]);
    for (const choice of [{ mode: 'write' }, { privacy: 'full' }, { visible: false, mode: 'write' }] as const)
      expect(() => typesOf(listed, choice)).toThrow('calendar.not-shown');
  });

  it('is refused for a calendar that the person does not have', () => {
    expect(() => typesOf(null, {})).toThrow('calendar.unknown');
  });

  it('leaves the calendar as it was asked for, in any state before', () => {
    const choices = fc.record({
      mode: fc.constantFrom('read_only', 'write', undefined),
      privacy: fc.constantFrom('full', 'title_hidden', 'busy_only', undefined),
      visible: fc.constantFrom(true, false, undefined),
    });
    fc.assert(
      fc.property(fc.array(choices, { maxLength: 4 }), (made) => {
        const events: CalendarEvent[] = [{ type: 'CalendarAdopted', ...found, userId: 'ada', at }];
        let state = events.reduce(calendar.evolve, calendar.initial);
        for (const choice of made) {
          const before = state;
          state = decideAll(calendar, state, choose(adopted, { calendarId, ...choice }, choosing)).state;
          const asked = Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined));
          expect(state).toEqual({ ...before, ...asked });
        }
      }),
    );
  });
});
