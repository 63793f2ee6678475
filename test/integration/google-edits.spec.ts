import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { type Change } from '../../src/provider/calendar-provider.js';
import { expand } from '../../src/time/recurrence.js';
import { type Scan, scanAll } from '../support/caldav.js';
import { DAY, HOUR } from '../support/calendar-item.js';
import { googleAccount } from '../support/google-account.js';
import { type Entry, entry, type ProvidedAccount } from '../support/provided-account.js';
import { strength } from '../support/strength.js';
import { wholeWindow } from '../support/whole-window.js';

const NAMES = ['lunch', 'walk', 'swim'] as const;

/** An edit as a person makes it: `changed` instances of a series by their number, each cancelled or moved. */
type Edit = Readonly<{
  name: (typeof NAMES)[number];
  day: number | null;
  isSeries: boolean;
  changed: readonly Readonly<{ of: number; isCancelled: boolean }>[];
}>;

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    name: fc.constantFrom(...NAMES),
    day: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) }, { weight: 1, arbitrary: fc.constant(null) }),
    isSeries: fc.boolean(),
    changed: fc.array(fc.record({ of: fc.integer({ min: 0, max: 3 }), isCancelled: fc.boolean() }), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 3 },
);

const entryOf = ({ name, isSeries, changed }: Edit, day: number): Entry => {
  const single = entry(name, day);
  if (!isSeries) return single;
  const overrides = changed.map(({ of, isCancelled }) => ({
    ...single.master,
    ...{ title: `${name}, changed`, thisAndFuture: false, of: single.master.start + of * DAY },
    ...{
      start: single.master.start + of * DAY + (isCancelled ? 0 : HOUR),
      status: isCancelled ? ('CANCELLED' as const) : ('CONFIRMED' as const),
    },
  }));
  return { ...single, rule: 'FREQ=DAILY;COUNT=4', overrides };
};

type Held = Map<string, CalendarObject>;

const idOf = (change: Change): string => (change.kind === 'object' ? change.object.remoteId : change.remoteId);

/** What is held after a scan, as the feed holds it: what is told holds, and of a whole listing nothing but what it lists. */
const take = (held: Held, { changes, end }: Scan): void => {
  for (const change of changes)
    if (change.kind === 'object') held.set(change.object.remoteId, change.object);
    else if (change.kind === 'removed') held.delete(change.remoteId);
  const listed = new Set(changes.filter(({ kind }) => kind !== 'removed').map(idOf));
  if (end.whole) for (const id of held.keys()) if (!listed.has(id)) held.delete(id);
};

const shown = (held: Held): readonly string[] => {
  const series = new Map<string, CalendarObject[]>();
  for (const object of held.values()) series.set(object.seriesRemoteId, [...(series.get(object.seriesRemoteId) ?? []), object]);
  return [...series.values()]
    .flatMap((objects) => {
      const components = objects
        .flatMap((object) => object.components)
        .sort((a, b) => Number(a.recurrenceId !== null) - Number(b.recurrenceId !== null));
      const expansion = expand(components, {}, { start: wholeWindow.from, end: wholeWindow.to }, 'UTC');
      if ('unexpandable' in expansion) return [expansion.unexpandable];
      return expansion.occurrences.map(
        ({ component, start }) => `${new Date(start).toISOString()} ${components[component]?.contents.title ?? ''}`,
      );
    })
    .sort();
};

describe('A Google calendar that is edited while it is read', () => {
  let account: ProvidedAccount;
  beforeAll(async () => {
    account = await googleAccount();
  });
  afterAll(() => account.stop());

  it('sync-rule 3: shows the same by its increments as when it is read whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edits, { minLength: 1, maxLength: 4 }), async (rounds) => {
        const name = await account.calendar();
        const [secret] = account.secrets();
        // As the simulator names it: an account that has so many calendars is not listed.
        const address = account.missingAddress().replace('no-such-calendar', name);
        const held: Held = new Map();
        const lives = new Map<string, number>();
        let cursor: string | null = null;
        for (const round of [[], ...rounds]) {
          for (const edit of round) {
            const id = `${edit.name} ${lives.get(edit.name) ?? 0}`;
            if (edit.day !== null) await account.put(name, id, entryOf(edit, edit.day));
            else {
              await account.remove(name, id);
              // Google never gives an id of something deleted to something else.
              lives.set(edit.name, (lives.get(edit.name) ?? 0) + 1);
            }
          }
          const etags = new Map([...held].map(([id, { etag }]) => [id, etag]));
          const known = (ids: readonly string[]) =>
            Promise.resolve(new Map(ids.flatMap((id) => (etags.has(id) ? [[id, etags.get(id) ?? null] as const] : []))));
          const scan: Scan = await scanAll(account.provider, secret, address, { cursor, known, held: held.size });
          take(held, scan);
          cursor = scan.end.cursor;
          const fresh: Held = new Map();
          take(fresh, await scanAll(account.provider, secret, address));
          expect(shown(held)).toEqual(shown(fresh));
        }
      }),
      { numRuns: strength(20, 200) },
    );
  });
});
