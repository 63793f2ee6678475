import { DAY_SECONDS, weekdayOf } from '../../time/civil.js';
import { type IcsEvent, type IcsPerson, type IcsTime } from './ics.js';

/** Around which day, in which zone and by which chance the made-up diaries are written. `random`: in [0, 1). */
export type Diary = Readonly<{ today: number; zone: string; random: () => number }>;

/** A resource before it is text: a single event, or a series with its overrides. */
export type Entry = Readonly<{ name: string; events: readonly IcsEvent[] }>;

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
export const at = (day: number, time: string, zone: string | null): IcsTime => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return { wall: day * DAY_SECONDS + hours * 3_600 + minutes * 60, zone };
};

const later = (time: IcsTime, minutes: number): IcsTime => ('day' in time ? time : { ...time, wall: time.wall + minutes * 60 });

/** From a time on, for so many minutes. */
export const lasting = (start: IcsTime, minutes: number): Readonly<{ start: IcsTime; end: IcsTime }> => ({
  start,
  end: later(start, minutes),
});

/** Whole days from `day` on. */
export const wholeDays = (day: number, days = 1): Readonly<{ start: IcsTime; end: IcsTime }> => ({
  start: { day },
  end: { day: day + days },
});

export const entry = (uid: string, event: Omit<IcsEvent, 'uid'>, ...overrides: readonly Omit<IcsEvent, 'uid'>[]): Entry => ({
  name: `${uid}.ics`,
  events: [event, ...overrides].map((each) => ({ ...each, uid: `${uid}@sandbox.example` })),
});

/** A single event moved by so many minutes, as its organizer would. */
export const moved = ({ name, events }: Entry, minutes: number, sequence: number): Entry => ({
  name,
  events: events.map((event) => ({ ...event, start: later(event.start, minutes), end: later(event.end, minutes), sequence })),
});

/** People who are recognisably made up. */
export const MIA: IcsPerson = { name: 'Mia Muster', email: 'mia@work.example' };
export const MIA_AT_HOME: IcsPerson = { name: 'Mia Muster', email: 'mia@home.example' };
export const NOAH: IcsPerson = { name: 'Noah Nobody', email: 'noah@work.example' };
export const IVY: IcsPerson = { name: 'Ivy Ipsum', email: 'ivy@work.example' };
export const THEO: IcsPerson = { name: 'Theo Tester', email: 'theo@work.example' };
export const MAX: IcsPerson = { name: 'Max Muster', email: 'max@home.example' };
export const LINA: IcsPerson = { name: 'Lina Lorem', email: 'lina@home.example' };

type Response = NonNullable<IcsEvent['attendees']>[number]['response'];

/** An invitation by somebody, to `self` among others, with what `self` answered. */
export const invited = (organizer: IcsPerson, self: IcsPerson, response: Response, ...others: readonly IcsPerson[]) => ({
  organizer,
  attendees: [
    ...(organizer === self ? [] : [{ ...organizer, response: 'ACCEPTED' as const }]),
    { ...self, response },
    ...others.map((other) => ({ ...other, response: 'ACCEPTED' as const })),
  ],
});
