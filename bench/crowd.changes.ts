import { DAY, HOUR, icsOf, type Item, MINUTE, type OverridePart } from '../test/support/calendar-item.js';
import { instancesIn } from '../test/support/oracle.js';
import { type Random, seedItems } from '../test/support/seed.js';
import { dateOf, today, wholeWindow } from '../test/support/whole-window.js';
import { type CrowdCalendar, fitting, type Kind } from './crowd.people.js';

/**
 * What its owner does to one object of a calendar. `override`: the one instance it is about, else the whole. `shows`: the title that can be read then,
 * and on which day; null where nothing new is to be seen.
 */
export type Change = Readonly<{
  name: keyof typeof CHANGES;
  uid: string;
  after: Item | null;
  override: OverridePart | null;
  shows: Readonly<{ title: string; day: string }> | null;
}>;

type Made = Omit<Change, 'name' | 'uid'>;

/** `number`: of the change, so that no two write the same title. */
type Chance = Readonly<{ random: Random; number: number }>;

const seen = (item: Item, override: OverridePart | null = null): Made['shows'] => {
  const { title, start } = override ?? item.master;
  // A series may have begun before anything that is kept.
  return item.rule !== null && override === null ? null : { title, day: dateOf(start) };
};

const whole = (after: Item): Made => ({ after, override: null, shows: seen(after) });

const instance = (item: Item, { random }: Chance): Readonly<{ of: number }> | null => {
  if (item.rule === null) return null;
  const changed = new Set(item.overrides.map(({ of }) => of));
  const range = { from: wholeWindow.from + 2 * DAY, to: wholeWindow.to - 2 * DAY };
  const regular = instancesIn(icsOf(item), range).filter(
    ({ of, title }) => of > item.master.start && !changed.has(of) && title === item.master.title,
  );
  return regular.length === 0 ? null : random.pick(regular);
};

const overriding = (item: Item, change: Partial<OverridePart> & Pick<OverridePart, 'of'>): Made => {
  const override = { ...item.master, start: change.of, thisAndFuture: false, ...change };
  const after = { ...item, overrides: [...item.overrides, override] };
  return { after, override, shows: override.status === 'CANCELLED' ? null : seen(after, override) };
};

const titled = (item: Item, number: number): Item => ({ ...item, master: { ...item.master, title: `Change ${number}` } });

const moved = ({ start, zone }: Item['master'], random: Random): number => {
  const day = today + (random.below(380) - 25) * DAY;
  return zone === null ? day : day + 8 * HOUR + (random.below(36) * 15 * MINUTE + (start % (15 * MINUTE)));
};

/** The kinds of changes of an object there is; null where one makes no sense. */
const CHANGES = {
  changed: (item: Item, { number }: Chance) => whole(titled(item, number)),
  moved: (item: Item, { random, number }: Chance) => {
    const { master, ...rest } = titled(item, number);
    return item.rule === null ? whole({ ...rest, master: { ...master, start: moved(master, random) } }) : null;
  },
  deleted: (item: Item): Made | null => (item.rule === null ? { after: null, override: null, shows: null } : null),
  'series removed': (item: Item): Made | null => (item.rule === null ? null : { after: null, override: null, shows: null }),
  'one occurrence changed': (item: Item, chance: Chance) => {
    const found = instance(item, chance);
    const by = item.master.zone === null ? 0 : (1 + chance.random.below(4)) * 15 * MINUTE;
    return found === null ? null : overriding(item, { of: found.of, start: found.of + by, title: `Change ${chance.number}` });
  },
  'one occurrence removed': (item: Item, chance: Chance) => {
    const found = instance(item, chance);
    return found === null ? null : overriding(item, { of: found.of, status: 'CANCELLED' });
  },
  created: (): Made | null => null,
} as const;

/** How often each is tried, of a hundred times. What is created is as much as what is deleted, so that calendars keep their size. */
const OFTEN: readonly (readonly [keyof typeof CHANGES, number])[] = [
  ['created', 17],
  ['changed', 28],
  ['moved', 20],
  ['deleted', 12],
  ['series removed', 5],
  ['one occurrence changed', 12],
  ['one occurrence removed', 6],
];

const picked = (random: Random): keyof typeof CHANGES => {
  let left = random.below(100);
  return OFTEN.find(([, often]) => (left -= often) < 0)?.[0] ?? 'changed';
};

const created = (kind: Kind, { random, number }: Chance): Item => {
  const [item] = seedItems({ events: 1, seed: random.below(2 ** 31), from: new Date(today), recurring: 0.3 }).map(fitting[kind]);
  if (item === undefined) throw new Error('Nothing was made.');
  return { ...titled(item, number), uid: `new-${number}` };
};

/** A random change that makes sense for something in the calendar, and notes it there. */
export const changeIn = ({ items }: CrowdCalendar, kind: Kind, chance: Chance): Change => {
  const all = [...items.values()];
  for (;;) {
    const name = picked(chance.random);
    const item = name === 'created' || all.length === 0 ? created(kind, chance) : chance.random.pick(all);
    const made = name === 'created' || all.length === 0 ? whole(item) : CHANGES[name](item, chance);
    if (made === null) continue;
    if (made.after === null) items.delete(item.uid);
    else items.set(item.uid, made.after);
    return { name, uid: item.uid, ...made };
  }
};
