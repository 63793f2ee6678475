import { type Item } from '../test/support/calendar-item.js';
import { eventsOf } from '../test/support/google-entries.js';
import { seedItems } from '../test/support/seed.js';

const SEED = 491;

/** The seeded calendar, without overrides of this and future instances, which Google has not: it splits the series. */
export const googleItems = (events: number, from: Date): readonly Item[] =>
  seedItems({ events, seed: SEED, from }).map((item) => ({
    ...item,
    overrides: item.overrides.map((override) => ({ ...override, thisAndFuture: false })),
  }));

/** The id at Google of an item's event. */
export const googleIdOf = ({ uid }: Item): string => Buffer.from(uid).toString('hex');

/** An item as Google's events: a master, and each instance that differs from it. */
export const googleRows = (item: Item): ReturnType<typeof eventsOf> => eventsOf(googleIdOf(item), { ...item, takesTime: true });
