import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { calendarObject, component, memoryAccount } from '../support/builders.js';
import {
  type Adopted,
  adopted,
  chunks,
  lunch,
  many,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

/** An event whose description has so many characters. */
const wordy = (remoteId: string, characters: number, day = 1): CalendarObject => {
  const [only] = lunch(remoteId, day).components;
  if (only === undefined) throw new Error('an event has a component');
  return calendarObject(remoteId, { components: [{ ...only, contents: { ...only.contents, description: 'x'.repeat(characters) } }] });
};

const faults = async ({ calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ fault: string }>(
    'select fault from remote_object where calendar_id = $1 and fault is not null',
    [calendarId],
  );
  return rows.map(({ fault }) => fault);
};

const synced = async (...objects: readonly CalendarObject[]): Promise<Adopted> => {
  const calendar = await adopted(memoryAccount(1_000));
  calendar.account.put(...objects);
  await sync(calendar);
  expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
  return calendar;
};

describe('What is appended at once', () => {
  it.each([64, 70])('fits the store when a very large object comes after %i small ones', async (count) => {
    const small = Array.from({ length: count }, (_, index) => wordy(`small-${index}`, 2_000, 1 + (index % 300)));
    const calendar = await synced(...small, wordy('large', 655_000), lunch('last', 5));
    expect(await shown(calendar)).toHaveLength(count + 2);
    expect(await faults(calendar)).toEqual([]);
  });

  it('is one object alone when that fills it, although more waits: removals, and names of what cannot be read', async () => {
    const calendar = await adopted(memoryAccount(1_000));
    await stores.database.query(
      `insert into remote_object (calendar_id, ref, generation) select $1, left(md5(n::text), 22), 0 from generate_series(1, 3000) n`,
      [calendar.calendarId],
    );
    for (let index = 0; index < 1_900; index += 1) calendar.account.spoil(`spoilt-${index}`);
    calendar.account.put(wordy('large', 770_000));
    for (let index = 0; index < 1_900; index += 1) calendar.account.spoil(`later-${index}`);
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
    expect(await shown(calendar)).toEqual(['large']);
    const deltas = await chunks(calendar);
    expect(deltas.flatMap(({ kept }) => kept)).toHaveLength(3_800);
    expect(deltas.flatMap(({ removals }) => removals)).toHaveLength(3_000);
  });

  it('counts bytes and not characters, where rules are long', async () => {
    const small = Array.from({ length: 64 }, (_, index) => wordy(`small-${index}`, 2_000, 1 + index));
    const rules = Array.from({ length: 240 }, () => `FREQ=DAILY;COUNT=2;X-WORDS=${'é'.repeat(1_900)}`);
    const calendar = await synced(...small, calendarObject('odd', { components: [component({ rules }, { title: 'odd' })] }));
    expect((await shown(calendar)).filter((title) => title === 'odd')).toHaveLength(2);
  });

  it('takes an object as large as the store takes, and counts one that is larger', async () => {
    const calendar = await synced(...many(2), wordy('largest', 779_000, 7), wordy('too large', 800_000, 8));
    expect(await shown(calendar)).toEqual(['event-00', 'event-01', 'largest']);
    expect(await faults(calendar)).toEqual(['object.too-large']);
  });
});
