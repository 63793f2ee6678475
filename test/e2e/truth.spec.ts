import { beforeAll, describe, expect, it } from '@jest/globals';
import { icsOf, type Item } from '../support/calendar-item.js';
import { edited } from '../support/edits.js';
import {
  eachRow,
  type Fault,
  type FaultProxy,
  multiget,
  refusal,
  startFaultProxy,
  sync,
  withoutSync,
  withoutSyncAndCtag,
} from '../support/fault-proxy.js';
import { heldBy, instancesIn, lines } from '../support/oracle.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, randomFrom, seedItems } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { strength } from '../support/strength.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['TRUTH_SEED'] ?? Date.now() % 1_000_000);
/** In groups of any size and mishap; few: one group of each mishap. */
const EDITS = 500;
const FEW_EDITS = 10;
const EVENTS = 150;

const everyThirdGone = (): Fault => {
  let row = 0;
  return eachRow(multiget, (text) => ((row += 1) % 3 === 0 ? null : text));
};

/** Refused and not offered either: a calendar that was read by its token goes on by its list, until all of it is read again. */
const syncGone: Fault = { when: sync, instead: refusal(403, 'supported-report') };

type Mishap = Readonly<{ faults: () => readonly Fault[]; full?: boolean }>;

const MISHAPS: Readonly<Record<string, Mishap>> = {
  'and nothing else': { faults: () => [] },
  'the sync token thrown away': {
    faults: () => [
      {
        when: (seen) => sync(seen) && !/sync-token ?\/>|sync-token><\//.test(seen.body),
        times: 1,
        instead: refusal(403, 'valid-sync-token'),
      },
    ],
  },
  'sync-collection gone': { faults: () => [syncGone, withoutSync] },
  'sync-collection and ctag gone': { faults: () => [syncGone, ...withoutSyncAndCtag] },
  'the answer to a multiget cut short': { faults: () => [{ ...everyThirdGone(), times: 1 }] },
  'and all of it asked for again': { faults: () => [], full: true },
};

type Group = Readonly<{ edits: number; mishap: string }>;

const randomGroups = (): readonly Group[] => {
  const random = randomFrom(SEED);
  const groups: Group[] = [];
  for (let left = EDITS; left > 0;) {
    const edits = Math.min(left, 1 + random.below(28));
    groups.push({ edits, mishap: random.chance(0.5) ? random.pick(Object.keys(MISHAPS)) : 'and nothing else' });
    left -= edits;
  }
  return groups;
};

const oneOfEach = (): readonly Group[] => Object.keys(MISHAPS).map((mishap) => ({ edits: FEW_EDITS, mishap }));

describe(`What the API shows equals what the server holds (seed ${SEED})`, () => {
  const random = randomFrom(SEED + 1);
  const items = new Map<string, Item>();
  const opened = suiteResources();
  let radicale: Radicale;
  let proxy: FaultProxy;
  let service: Service;
  let me: Client;
  let calendar: string;

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    proxy = await opened(startFaultProxy(radicale.url));
    service = await opened(startService());
    me = await service.as('ada');
    calendar = await radicale.makeCalendar('work');
    for (const item of seedItems({ events: EVENTS, seed: SEED, from: new Date(today), recurring: 0.4 })) items.set(fileOf(item), item);
    await radicale.seed(calendar, new Map([...items].map(([file, item]) => [file, icsOf(item)])));
    await me.connect({ ...radicale, url: proxy.url });
    await me.settled();
  });

  const created = (number: number): Item => {
    const [item] = seedItems({ events: 1, seed: SEED + 1_000 + number, from: new Date(today), recurring: 0.4 });
    if (item === undefined) throw new Error('Nothing was made.');
    return item;
  };

  const edit = async (number: number): Promise<void> => {
    const [file, item] = random.pick([...items]);
    if (items.size > EVENTS / 2 && random.chance(0.15)) {
      items.delete(file);
      return radicale.delete(calendar, file);
    }
    const next = random.chance(0.15) ? created(number) : edited(item, random, today);
    items.set(fileOf(next), next);
    await radicale.put(calendar, fileOf(next), icsOf(next));
  };

  const shown = async () => lines(await me.events(WHOLE_WINDOW));
  const held = async () => lines(instancesIn(await heldBy(calendar, radicale.user, radicale.password), wholeWindow));

  // What was held as a mass change or refused half-way is mended by the next reading.
  const synced = async (full: boolean): Promise<void> => {
    const first = await me.sync({ full });
    proxy.clear();
    if (first.state === 'failed') expect(await me.sync()).toMatchObject({ state: 'done' });
  };

  it('after the first reading', async () => {
    const expected = await held();
    expect(expected.length).toBeGreaterThan(EVENTS);
    expect(await shown()).toEqual(expected);
  });

  it.each(strength(oneOfEach, randomGroups)().map((group, index) => ({ ...group, index })))(
    'after $edits edits, $mishap',
    async ({ edits, mishap, index }) => {
      for (let number = 0; number < edits; number += 1) await edit(index * 100 + number);
      const { faults, full = false } = MISHAPS[mishap] ?? { faults: () => [] };
      proxy.inject(...faults());
      await synced(full);
      expect(await shown()).toEqual(await held());
    },
  );

  it('after all of it is read again from nothing', async () => {
    await me.sync({ full: true });
    expect(await shown()).toEqual(await held());
  });
});
