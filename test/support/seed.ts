import { DAY, HOUR, icsOf, type Item, MINUTE, type OverridePart, type Part, type Wall, ZONE_NAMES } from './calendar-item.js';

/** Numbers that look random and are the same for the same seed. */
export type Random = Readonly<{
  /** A whole number of `[0, limit)`. */
  below: (limit: number) => number;
  pick: <T>(from: readonly T[]) => T;
  chance: (share: number) => boolean;
}>;

/** mulberry32 */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    pick: (from) => {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error('There is nothing to pick from.');
      return picked;
    },
    chance: (share) => next() < share,
  };
};

const WORDS = ['Planning', 'Review', 'Interview', 'Lunch', 'Training', 'Visit', 'Retrospective', 'Call', 'Workshop', 'Handover'] as const;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const;

const weekdayOf = (wall: Wall): (typeof WEEKDAYS)[number] => WEEKDAYS[new Date(wall).getUTCDay()] ?? 'SU';

/** A single event within 28 days back and 360 ahead; timed ones in the day of their zone, far from any change of its clocks. */
const randomPart = (random: Random, from: Wall): Part => {
  const title = `${random.pick(WORDS)} ${random.below(1_000)}`;
  const day = Math.floor(from / DAY) * DAY + (random.below(388) - 28) * DAY;
  if (random.chance(0.1)) return { title, start: day, length: (1 + random.below(3)) * DAY, zone: null, status: 'CONFIRMED' };
  const start = day + 8 * HOUR + random.below(36) * 15 * MINUTE;
  return { title, start, length: (1 + random.below(8)) * 15 * MINUTE, zone: random.pick(ZONE_NAMES), status: 'CONFIRMED' };
};

const single = (uid: string, master: Part): Item => ({
  uid,
  master,
  rule: null,
  until: null,
  exdates: [],
  rdates: [],
  overrides: [],
  lines: [],
});

const moved = (part: Part, of: Wall, by: number, thisAndFuture = false): OverridePart => ({
  ...part,
  title: `${part.title} changed`,
  start: of + by,
  of,
  thisAndFuture,
});

/** The kinds of series: each makes one of a single event. */
const SERIES: readonly ((item: Item, random: Random) => Item)[] = [
  (item, random) => ({ ...item, rule: `FREQ=DAILY;COUNT=${5 + random.below(8)}` }),
  (item, random) => ({ ...item, rule: 'FREQ=DAILY;INTERVAL=2', until: item.master.start + (8 + random.below(14)) * DAY }),
  (item, random) => ({ ...item, rule: `FREQ=WEEKLY;COUNT=${4 + random.below(10)};BYDAY=${weekdayOf(item.master.start)}` }),
  (item) => ({
    ...item,
    rule: `FREQ=WEEKLY;COUNT=12;BYDAY=${[item.master.start, item.master.start + 2 * DAY].map(weekdayOf).join(',')}`,
  }),
  (item, random) => ({ ...item, rule: 'FREQ=WEEKLY;INTERVAL=2', until: item.master.start + (30 + random.below(90)) * DAY }),
  (item) => ({
    ...item,
    rule: `FREQ=MONTHLY;BYDAY=2${weekdayOf(item.master.start)}`,
    until: item.master.start + 200 * DAY,
    master: onSecondWeek(item.master),
  }),
  (item, random) => ({ ...item, rule: `FREQ=MONTHLY;COUNT=${4 + random.below(8)}` }),
  (item) => ({ ...item, rule: 'FREQ=YEARLY', master: { ...item.master, start: item.master.start - 3 * 364 * DAY } }),
  (item) => ({ ...item, rule: 'FREQ=DAILY;COUNT=10', exdates: [2, 5].map((days) => item.master.start + days * DAY) }),
  (item) => ({ ...item, rule: 'FREQ=WEEKLY;COUNT=9', overrides: [moved(item.master, item.master.start + 14 * DAY, DAY)] }),
  (item) => ({
    ...item,
    rule: 'FREQ=WEEKLY;COUNT=8',
    overrides: [{ ...moved(item.master, item.master.start + 7 * DAY, 0), status: 'CANCELLED' }],
  }),
  (item) => ({ ...item, rule: 'FREQ=WEEKLY;COUNT=10', overrides: [moved(item.master, item.master.start + 28 * DAY, DAY, true)] }),
  (item) => ({ ...item, rule: 'FREQ=WEEKLY;COUNT=5', rdates: [item.master.start + 3 * DAY] }),
];

const onSecondWeek = (part: Part): Part => {
  const first = new Date(part.start);
  const weekday = first.getUTCDay();
  first.setUTCDate(8);
  first.setUTCDate(8 + ((weekday - first.getUTCDay() + 7) % 7));
  return { ...part, start: first.getTime() };
};

export type SeedOptions = Readonly<{
  events: number;
  /** The same seed and `from` give the same calendar. */
  seed: number;
  /** Today: single events lie from 28 days before to 360 days after it. */
  from: Date;
  /** Share of series; 0.2 unless said otherwise. */
  recurring?: number;
}>;

/** The objects behind `seedCalendar`, to be changed and written again. */
export const seedItems = ({ events, seed, from, recurring = 0.2 }: SeedOptions): readonly Item[] => {
  const random = randomFrom(seed);
  return Array.from({ length: events }, (_, index) => {
    const item = single(`${String(seed)}-${String(index).padStart(5, '0')}`, randomPart(random, from.getTime()));
    return random.chance(recurring) ? random.pick(SERIES)(item, random) : item;
  });
};

export const fileOf = ({ uid }: Item): string => `${uid}.ics`;

/**
 * A calendar as people have them: a fifth series (daily, weekly, monthly, yearly; COUNT, UNTIL, EXDATE, RDATE, moved and cancelled instances,
 * THISANDFUTURE), a tenth all-day, six time zones; iCalendar texts by file name. 5,000 events have some 11,000 occurrences within 30 days back
 * and 365 ahead.
 */
export const seedCalendar = (options: SeedOptions): ReadonlyMap<string, string> =>
  new Map(seedItems(options).map((item) => [fileOf(item), icsOf(item)]));
