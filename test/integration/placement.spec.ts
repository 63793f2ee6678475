import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes.query.js';
import { preferenceCodec } from '../../src/preference/preference.codec.js';
import { type PreferenceEvent } from '../../src/preference/preference.js';
import { calendarObject, component, memoryAccount, NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import { type Adopted, adopted, lunch, merged, shown, startSyncing, stopSyncing, stores, sync } from '../support/synced-calendar.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const day = { start: { date: '2026-12-01' }, span: { days: 2, seconds: 0 } };
const floating = { start: { wall: '2026-12-03T08:00:00', zone: null }, rules: ['FREQ=DAILY;COUNT=4'] };
const skipped = { exdates: [{ wall: '2026-12-04T08:00:00', zone: null }] };
const object = (remoteId: string, timing: Parameters<typeof component>[0]) =>
  calendarObject(remoteId, { components: [component(timing, { uid: remoteId, title: remoteId })] });

/** A day, a floating series with a hole, and something that knows where it is. */
const OBJECTS = [object('day', day), object('floating', { ...floating, ...skipped }), lunch('lunch', 5)];

const choose = async ({ userId }: Adopted, timeZone: string | null): Promise<void> => {
  const chosen: PreferenceEvent = {
    type: 'CalendarPreferenceSet',
    userId,
    timeZone,
    tentativeIsBusy: true,
    externalChanges: 'accept',
    sealed: null,
    at: new Date(NOW).toISOString(),
  };
  const { position } = await stores.store.append(`preference-${userId}`, null, [chosen], preferenceCodec, metadata());
  expect(await readModels(stores.database).reached([merged.name], position, 20_000)).toBe(true);
};

/** All that is shown of the occurrences, in their order. */
const rowsOf = async ({ calendarId }: Adopted): Promise<readonly string[]> => {
  const rows = await stores.database.query<{ line: string }>(
    `select concat_ws(' ', start_at::text, end_at::text, local_start, zone, nullif(original, '')) as line from user_calendar_events
     where calendar_id = $1 order by start_at, original`,
    [calendarId],
  );
  return rows.map(({ line }) => line);
};

const synced = async (zone: string | null, calendarZone: string | null = null): Promise<Adopted> => {
  const calendar = await adopted(memoryAccount(), calendarZone);
  if (zone !== null) await choose(calendar, zone);
  calendar.account.put(...OBJECTS);
  await sync(calendar);
  await shown(calendar);
  return calendar;
};

describe('Days and floating times of a calendar that names no zone', () => {
  it('are in UTC until its owner says where they live, and there from then on', async () => {
    const calendar = await synced(null);
    expect((await rowsOf(calendar))[1]).toBe('2026-12-01 00:00:00+00 2026-12-03 00:00:00+00 2026-12-01 UTC');
    await choose(calendar, 'America/New_York');
    expect(await rowsOf(calendar)).toEqual([
      '2026-11-27 10:00:00+00 2026-11-27 11:00:00+00 UTC',
      '2026-12-01 05:00:00+00 2026-12-03 05:00:00+00 2026-12-01 America/New_York',
      ...['03', '05', '06'].map(
        (date) =>
          `2026-12-${date} 13:00:00+00 2026-12-${date} 14:00:00+00 2026-12-${date}T08:00:00 America/New_York 2026-12-${date}T13:00:00.000Z`,
      ),
    ]);
  });

  it.each(['Pacific/Kiritimati', 'Etc/GMT+12', 'Europe/Paris'])(
    'are the same whether %s was chosen before or after they were read',
    async (zone) => {
      const [before, after] = [await synced(zone), await synced('Asia/Tokyo')];
      await choose(after, zone);
      expect(await rowsOf(after)).toEqual(await rowsOf(before));
    },
  );

  it('are in UTC again when the choice is taken back', async () => {
    const [never, back] = [await synced(null), await synced('Asia/Tokyo')];
    await choose(back, null);
    expect(await rowsOf(back)).toEqual(await rowsOf(never));
  });

  it('stay where they are when the calendar itself says where', async () => {
    const calendar = await synced(null, 'Europe/Paris');
    const rows = await rowsOf(calendar);
    await choose(calendar, 'Asia/Tokyo');
    expect(await rowsOf(calendar)).toEqual(rows);
  });

  it('are read anew by whoever follows the changes', async () => {
    const calendar = await synced(null);
    const asked = (after: string | null) =>
      new MyChangesHandler(stores.database, { now: () => NOW }).execute(
        new MyChanges({ userId: calendar.userId, roles: ['user'], teams: [] }, after, 100),
      );
    const { nextCursor } = await asked(null);
    await choose(calendar, 'Asia/Tokyo');
    await choose(calendar, 'Asia/Tokyo');
    expect((await asked(nextCursor)).items.map(({ change }) => change)).toEqual(['calendar-removed', 'calendar-added']);
  });
});
