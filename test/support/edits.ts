import { DAY, HOUR, icsOf, type Item, MINUTE, type OverridePart, type Part, type Wall, ZONE_NAMES } from './calendar-item.js';
import { type Instance, instancesIn } from './oracle.js';
import { type Random } from './seed.js';

/** What somebody does to one object; null where it makes no sense. */
type Edit = (item: Item, random: Random, today: Wall) => Item | null;

/** Moving a whole series drops its exceptions, as calendar programs do. */
const placedAnew = (item: Item, master: Partial<Part>): Item => ({
  ...item,
  master: { ...item.master, ...master },
  exdates: [],
  rdates: [],
  overrides: [],
});

/** An instance that still goes by the rule, and is not the first. */
const regularInstance = (item: Item, random: Random, today: Wall): Instance | null => {
  if (item.rule === null) return null;
  const changed = new Set(item.overrides.map(({ of }) => of));
  const regular = instancesIn(icsOf(item), { from: today - 30 * DAY, to: today + 365 * DAY }).filter(
    ({ of }) => of > item.master.start && !changed.has(of),
  );
  return regular.length === 0 ? null : random.pick(regular);
};

const overriding = (item: Item, of: Wall, change: Partial<OverridePart>): OverridePart => ({
  ...item.master,
  start: of,
  of,
  thisAndFuture: false,
  ...change,
});

const withOverride = (item: Item, override: OverridePart): Item => ({ ...item, overrides: [...item.overrides, override] });

/** Whole hours that stay within the working day, or whole days. */
const shift = (part: Part, random: Random): Wall => {
  const days = (random.below(11) - 5) * DAY;
  if (part.zone === null) return days === 0 ? DAY : days;
  return days + (8 * HOUR + random.below(36) * 15 * MINUTE - (part.start % DAY));
};

/** RFC 5545 leaves open what a series means that does not begin on a day of its rule: such a one keeps its day. */
const shiftOfAll = ({ master, rule }: Item, random: Random): Wall => {
  const by = shift(master, random);
  return rule?.includes('BYDAY') === true ? by - Math.floor((master.start + by) / DAY) * DAY + Math.floor(master.start / DAY) * DAY : by;
};

const EDITS: Readonly<Record<string, Edit>> = {
  moved: (item, random) => placedAnew(item, { start: item.master.start + shiftOfAll(item, random) }),
  lengthened: (item, random) => ({
    ...item,
    master: { ...item.master, length: item.master.length + (item.master.zone === null ? DAY : (1 + random.below(4)) * 15 * MINUTE) },
  }),
  retitled: (item, random) => ({ ...item, master: { ...item.master, title: `Renamed ${random.below(100_000)}` } }),
  'all-day or timed': (item, random) =>
    item.master.zone === null
      ? placedAnew(item, { start: item.master.start + 9 * HOUR, length: HOUR, zone: random.pick(ZONE_NAMES) })
      : placedAnew(item, { start: Math.floor(item.master.start / DAY) * DAY, length: DAY, zone: null }),
  'in another zone': (item, random) => (item.master.zone === null ? null : placedAnew(item, { zone: random.pick(ZONE_NAMES) })),
  'an instance moved': (item, random, today) => {
    const instance = regularInstance(item, random, today);
    if (instance === null) return null;
    const start = instance.of + shift({ ...item.master, start: instance.of }, random);
    return withOverride(item, overriding(item, instance.of, { start, title: `Moved ${random.below(100_000)}` }));
  },
  'an instance excluded': (item, random, today) => {
    const instance = regularInstance(item, random, today);
    return instance === null ? null : { ...item, exdates: [...item.exdates, instance.of] };
  },
  'an instance cancelled': (item, random, today) => {
    const instance = regularInstance(item, random, today);
    return instance === null ? null : withOverride(item, overriding(item, instance.of, { status: 'CANCELLED' }));
  },
  'ended early': (item, random, today) => {
    const instance = regularInstance(item, random, today);
    if (instance === null || item.rule === null) return null;
    const earlier = (of: Wall): boolean => of < instance.of - 2 * DAY;
    return {
      ...item,
      rule: item.rule.replace(/;COUNT=\d+/, ''),
      until: instance.of - DAY,
      overrides: item.overrides.filter(({ of }) => earlier(of)),
      rdates: item.rdates.filter(earlier),
    };
  },
  'changed from an instance on': (item, random, today) => {
    const instance = regularInstance(item, random, today);
    if (instance === null) return null;
    const change = random.chance(0.3)
      ? ({ status: 'CANCELLED' } as const)
      : { start: instance.of + shift({ ...item.master, start: instance.of }, random), title: `From now on ${random.below(100_000)}` };
    const kept = { ...item, overrides: item.overrides.filter(({ of }) => of < instance.of) };
    return withOverride(kept, overriding(item, instance.of, { ...change, thisAndFuture: true }));
  },
};

const KINDS = Object.values(EDITS);

/** The object after a random change that makes sense for it. */
export const edited = (item: Item, random: Random, today: Wall): Item => {
  for (;;) {
    const changed = random.pick(KINDS)(item, random, today);
    if (changed !== null) return changed;
  }
};
