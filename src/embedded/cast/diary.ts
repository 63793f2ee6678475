import { DAY_SECONDS, weekdayOf } from '../../time/civil.js';
import { type CastPerson, type Entry, type EntryEvent, type EntryResponse, type EntryTime } from './entry.js';

/** Around which day, in which zone and by which chance the made-up diaries are written. `random`: in [0, 1). */
export type Diary = Readonly<{ today: number; zone: string; random: () => number }>;

/** The same sequence of numbers in [0, 1) for the same seed (Mulberry32). */
export const chanceOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const oneOf = <T>(random: () => number, values: readonly [T, ...T[]]): T =>
  values[Math.floor(random() * values.length)] ?? values[0];

export const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** The first such day from today on. */
export const next = ({ today }: Diary, weekday: Weekday): number => today + ((WEEKDAYS.indexOf(weekday) - weekdayOf(today) + 7) % 7);

/** `09:15` of a day. */
export const at = (day: number, time: string, zone: string | null): EntryTime => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return { wall: day * DAY_SECONDS + hours * 3_600 + minutes * 60, zone };
};

const later = (time: EntryTime, minutes: number): EntryTime => ('day' in time ? time : { ...time, wall: time.wall + minutes * 60 });

/** From a time on, for so many minutes. */
export const lasting = (start: EntryTime, minutes: number): Readonly<{ start: EntryTime; end: EntryTime }> => ({
  start,
  end: later(start, minutes),
});

/** Whole days from `day` on. */
export const wholeDays = (day: number, days = 1): Readonly<{ start: EntryTime; end: EntryTime }> => ({
  start: { day },
  end: { day: day + days },
});

export const entry = (key: string, event: EntryEvent, ...overrides: readonly EntryEvent[]): Entry => ({
  key,
  events: [event, ...overrides],
});

/** A single event moved by so many minutes, as its organizer would. */
export const moved = ({ key, events }: Entry, minutes: number, sequence: number): Entry => ({
  key,
  events: events.map((event) => ({ ...event, start: later(event.start, minutes), end: later(event.end, minutes), sequence })),
});

/** People who are recognisably made up. */
export const MIA: CastPerson = { name: 'Mia Muster', email: 'mia@work.example' };
export const MIA_AT_HOME: CastPerson = { name: 'Mia Muster', email: 'mia@home.example' };
export const MIA_AT_SCHOOL: CastPerson = { name: 'Mia Muster', email: 'mia@school.example' };
export const NOAH: CastPerson = { name: 'Noah Nobody', email: 'noah@work.example' };
export const IVY: CastPerson = { name: 'Ivy Ipsum', email: 'ivy@work.example' };
export const THEO: CastPerson = { name: 'Theo Tester', email: 'theo@work.example' };
export const MAX: CastPerson = { name: 'Max Muster', email: 'max@home.example' };
export const LINA: CastPerson = { name: 'Lina Lorem', email: 'lina@home.example' };

/** An invitation by somebody, to `self` among others, with what `self` answered. */
export const invited = (organizer: CastPerson, self: CastPerson, response: EntryResponse, ...others: readonly CastPerson[]) => ({
  organizer,
  attendees: [
    ...(organizer === self ? [] : [{ ...organizer, response: 'accepted' as const }]),
    { ...self, response },
    ...others.map((other) => ({ ...other, response: 'accepted' as const })),
  ],
});
