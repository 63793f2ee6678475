import { type Item } from '../test/support/calendar-item.js';
import { eventsOf } from '../test/support/microsoft-entries.js';
import { seedItems } from '../test/support/seed.js';

const SEED = 492;

/** The id of the calendar at the simulator. */
export const BENCH_CALENDAR = 'AQMkBench==';

/** Graph has no free rules: each series of the seeded calendar is weekly, and has nothing that differs from it. */
export const microsoftItems = (events: number, from: Date): readonly Item[] =>
  seedItems({ events, seed: SEED, from }).map((item) =>
    item.rule === null ? item : { ...item, rule: 'FREQ=WEEKLY;COUNT=8', until: null, exdates: [], rdates: [], overrides: [] },
  );

/** The key at the simulator of an item's event. */
export const microsoftKeyOf = ({ uid }: Item): string => Buffer.from(uid).toString('hex');

/** An item as Graph's event. */
export const microsoftRows = (item: Item): ReturnType<typeof eventsOf> =>
  eventsOf(microsoftKeyOf(item), { ...item, takesTime: true }, () => '');
