import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CalendarObject, type Timing } from '../../src/calendar/calendar-object.js';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes/changes.query.js';
import { DEFAULT_PREFERENCE, type PreferenceEvent } from '../../src/preference/preference.js';
import { preferenceCodec } from '../../src/preference/preference.codec.js';
import { calendarObject, component, NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  chunks,
  lunch,
  place,
  placements,
  projectedTo,
  replay,
  shown,
  startSyncing,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const at = (days: number): string => new Date(NOW + days * 86_400_000).toISOString();

const focus = (remoteId: string, day: number, timing: Partial<Timing> = {}): CalendarObject => ({
  ...calendarObject(remoteId, {
    components: [component({ start: { wall: at(day).slice(0, 19), zone: 'UTC' }, ...timing }, { uid: remoteId, title: remoteId })],
  }),
  eventType: 'focus-time',
});

/** A meeting, and focus time of every kind: once, again and again, tentative, and marked as free. */
const OBJECTS = [
  lunch('lunch', 1),
  focus('once', 2),
  focus('weekly', 3, { rules: ['FREQ=WEEKLY;COUNT=3'] }),
  focus('tentative', 4, { busy: 'tentative' }),
  focus('open', 5, { busy: 'free' }),
];

/** The owner of a calendar says whether focus time is busy; what is there already counts so later. */
const wish = async ({ userId }: Adopted, focusTimeIsBusy: boolean, days = 0): Promise<void> => {
  const chosen: PreferenceEvent = { type: 'CalendarPreferenceSet', userId, ...DEFAULT_PREFERENCE, focusTimeIsBusy, at: at(days) };
  const { position } = await stores.store.append(`preference-${userId}`, null, [chosen], preferenceCodec, metadata());
  await projectedTo({ preference: position });
};

const choose = async (calendar: Adopted, focusTimeIsBusy: boolean, days = 0): Promise<void> => {
  await wish(calendar, focusTimeIsBusy, days);
  await place(calendar);
};

const rowsOf = async ({ calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ line: string }>(
    `select to_jsonb(e)::text as line from user_calendar_events e where calendar_id = $1 order by start_at, series, original`,
    [calendarId],
  );
  return rows.map(({ line }) => line);
};

const countedIn = async (calendar: Adopted): Promise<readonly string[]> => {
  const titles = await shown(calendar);
  const rows = await stores.database.query<{ busy: string }>(
    'select busy from user_calendar_events where calendar_id = $1 order by start_at, original',
    [calendar.calendarId],
  );
  return rows.map(({ busy }, index) => `${titles[index] ?? ''} ${busy}`);
};

const synced = async (...objects: readonly CalendarObject[]): Promise<Adopted> => {
  const calendar = await adopted();
  calendar.account.put(...objects);
  await sync(calendar);
  await shown(calendar);
  return calendar;
};

const changesAfter = ({ userId }: Adopted, cursor: string | null) =>
  new MyChangesHandler(stores.database, { now: () => NOW }).execute(new MyChanges({ userId, roles: ['user'], teams: [] }, cursor, 500));

const BUSY = ['lunch busy', 'once busy', 'weekly busy', 'tentative tentative', 'open free', 'weekly busy', 'weekly busy'];
const FREE = ['lunch busy', 'once free', 'weekly free', 'tentative free', 'open free', 'weekly free', 'weekly free'];

describe('Focus time', () => {
  it('counts as busy until its owner says otherwise, and again when they take it back, without another reading', async () => {
    const calendar = await synced(...OBJECTS);
    expect(await countedIn(calendar)).toEqual(BUSY);
    const read = (await chunks(calendar)).length;
    const before = await rowsOf(calendar);
    await choose(calendar, false);
    expect(await countedIn(calendar)).toEqual(FREE);
    await choose(calendar, true);
    expect(await rowsOf(calendar)).toEqual(before);
    expect(await chunks(calendar)).toHaveLength(read);
  });

  it('counts the same whether its owner chose before or after it was read', async () => {
    const before = await adopted();
    await choose(before, false);
    before.account.put(...OBJECTS);
    await sync(before);
    const after = await synced(...OBJECTS);
    await choose(after, false);
    expect(await countedIn(before)).toEqual(FREE);
    expect(await countedIn(after)).toEqual(FREE);
  });

  it('is told as exactly the occurrences that count otherwise, once', async () => {
    const calendar = await synced(...OBJECTS);
    const { nextCursor } = await changesAfter(calendar, null);
    await choose(calendar, false);
    const { items, nextCursor: next } = await changesAfter(calendar, nextCursor);
    expect(items.map(({ change, event }) => [change, event?.busy])).toEqual(Array.from({ length: 5 }, () => ['changed', 'free']));
    await choose(calendar, false);
    expect((await changesAfter(calendar, next)).items).toEqual([]);
  });

  it('that has aged out meanwhile is not told of as removed', async () => {
    const calendar = await synced(focus('old', -20), focus('next', 20));
    const { nextCursor } = await changesAfter(calendar, null);
    await choose(calendar, false, 15);
    expect((await changesAfter(calendar, nextCursor)).items.map(({ change }) => change)).toEqual(['changed']);
  });

  it('is no work for an owner who has none, or who chose so before', async () => {
    const calendar = await synced(lunch('lunch', 1));
    await wish(calendar, false);
    expect(await placements(calendar)).toEqual([]);
    calendar.account.put(...OBJECTS);
    await sync(calendar);
    await shown(calendar);
    await wish(calendar, false);
    expect(await placements(calendar)).toEqual([]);
  });

  it('is one thing to do, however often its owner changes their mind', async () => {
    const calendar = await synced(...OBJECTS);
    for (const focusTimeIsBusy of [false, true, false]) await wish(calendar, focusTimeIsBusy);
    expect(await placements(calendar)).toEqual([{ name: `focus-chosen ${calendar.calendarId}`, asked: 3 }]);
    await place(calendar);
    expect(await placements(calendar)).toEqual([]);
    expect(await countedIn(calendar)).toEqual(FREE);
  });

  it('gives the same rows after a replay from the first event and the work that it leaves', async () => {
    const calendar = await synced(...OBJECTS);
    await choose(calendar, false);
    calendar.account.put(focus('lunch', 1), lunch('once', 2));
    await sync(calendar);
    const expected = ['lunch free', 'once busy', ...FREE.slice(2)];
    expect(await countedIn(calendar)).toEqual(expected);
    const before = await rowsOf(calendar);
    await stores.database.query('delete from event_people where user_id = $1', [calendar.userId]);
    await replay();
    await place(calendar);
    expect(await rowsOf(calendar)).toEqual(before);
  });
});
