import { type Delivered } from '../../kernel/broker.js';
import { type Shelf } from '../../kernel/parked.js';
import { type Database } from '../../kernel/sql.js';
import { append, readFrom } from './messages.sql.js';
import { placesOf } from './partitions.js';

/** Messages that are read at once. */
const PAGE = 1_000;

const readPartition = async (database: Database, place: ReturnType<typeof placesOf>[number]): Promise<readonly Delivered[]> => {
  const found: Delivered[] = [];
  for (let next = 0n; ;) {
    const page = await readFrom(database, place, next, PAGE);
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    next = last.offset + 1n;
  }
};

/** The parked topics of this machine's broker. */
export const embeddedShelf = (database: Database): Shelf => ({
  read: async (topic) => (await Promise.all(placesOf([topic]).map((place) => readPartition(database, place)))).flat(),
  copy: async ({ key, value, headers }, topic, { without, with: added, isEmpty = false }) => {
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !without.includes(name)));
    await database.transaction((sql) => append(sql, topic, [{ key, value: isEmpty ? null : value, headers: { ...kept, ...added } }]));
  },
});
