import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../../src/sync/freshness.js';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes/changes.query.js';
import { Superseded } from '../../src/kernel/due-work.js';
import { type PlacementRow } from '../../src/merged-events/placement.rows.js';
import { placeDue } from '../../src/merged-events/placement.worker.js';
import { preferenceCodec } from '../../src/preference/preference.codec.js';
import { type PreferenceEvent } from '../../src/preference/preference.js';
import { calendarObject, component, memoryAccount, NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  dyingAt,
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

const day = { start: { date: '2026-12-01' }, span: { days: 2, seconds: 0 } };
const floating = { start: { wall: '2026-12-03T08:00:00', zone: null }, rules: ['FREQ=DAILY;COUNT=4'] };
const skipped = { exdates: [{ wall: '2026-12-04T08:00:00', zone: null }] };
const object = (remoteId: string, timing: Parameters<typeof component>[0]) =>
  calendarObject(remoteId, { components: [component(timing, { uid: remoteId, title: remoteId })] });

/** A day, a floating series with a hole, and something that knows where it is. */
const OBJECTS = [object('day', day), object('floating', { ...floating, ...skipped }), lunch('lunch', 5)];

/** Chooses a zone; what is there already is placed by it later. */
const wish = async ({ userId }: Adopted, timeZone: string | null): Promise<void> => {
  const chosen: PreferenceEvent = {
    type: 'CalendarPreferenceSet',
    userId,
    timeZone,
    tentativeIsBusy: true,
    focusTimeIsBusy: true,
    externalChanges: 'accept',
    sealed: null,
    at: new Date(NOW).toISOString(),
  };
  const { position } = await stores.store.append(`preference-${userId}`, null, [chosen], preferenceCodec, metadata());
  await projectedTo({ preference: position });
};

/** Chooses a zone, and lets the worker place by it. */
const choose = async (calendar: Adopted, timeZone: string | null): Promise<void> => {
  await wish(calendar, timeZone);
  await place(calendar);
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

  it('are where the calendar says as soon as its account names a zone for it, and where its owner lives when it names none any more', async () => {
    const calendar = await adopted(memoryAccount(), null);
    calendar.account.put(...OBJECTS);
    await sync(calendar);
    await shown(calendar);
    const inUtc = await rowsOf(calendar);
    const described = { type: 'CalendarDescribed', writable: true, busyOnly: false, color: null, sealed: 'a' } as const;
    const name = async (timeZone: string | null): Promise<void> => {
      const event = { ...described, timeZone, at: new Date(NOW).toISOString() };
      const { position } = await stores.store.append(`calendar-${calendar.calendarId}`, null, [event], calendarCodec, metadata());
      await projectedTo({ calendar: position });
      await place(calendar);
    };
    await name('Asia/Tokyo');
    const inTokyo = await rowsOf(calendar);
    expect(inTokyo.filter((line) => line.includes('2026-11-30 15:00:00+00'))).toHaveLength(1);
    await name('Asia/Tokyo');
    expect(await placements(calendar)).toEqual([]);
    await name(null);
    expect(await rowsOf(calendar)).toEqual(inUtc);
  });

  it('are read again by a client that follows the changes', async () => {
    const calendar = await synced(null);
    const asked = (after: string | null) =>
      new MyChangesHandler(stores.database, { now: () => NOW }).execute(
        new MyChanges({ userId: calendar.userId, roles: ['user'], teams: [] }, after, 100),
      );
    const { nextCursor } = await asked(null);
    await choose(calendar, 'Asia/Tokyo');
    await choose(calendar, 'Asia/Tokyo');
    expect((await asked(nextCursor)).items.map(({ change }) => change)).toEqual(['calendar-changed']);
  });
});

const freshness = async ({ userId, calendarId, connectionId }: Adopted) => {
  await stores.database.query(
    `insert into calendars (calendar_id, connection_id, user_id, provider, status, mode, privacy, visible, writable, busy_only, sealed, generation,
       revision) values ($1, $2, $3, 'caldav', 'adopted', 'read_only', 'busy_only', true, true, false, '', 1, 1) on conflict do nothing`,
    [calendarId, connectionId, userId],
  );
  return (await stores.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, null])).map((row) => freshnessOf(row, NOW));
};

describe('Another zone than before', () => {
  it('moves nothing in the projection itself, which everybody shares, but what comes next is placed by it', async () => {
    const calendar = await synced('Asia/Tokyo');
    const before = await rowsOf(calendar);
    await wish(calendar, 'America/New_York');
    expect(await rowsOf(calendar)).toEqual(before);
    calendar.account.put(object('next', { ...day, start: { date: '2026-12-20' } }));
    await sync(calendar);
    await shown(calendar);
    expect((await rowsOf(calendar)).at(-1)).toBe('2026-12-20 05:00:00+00 2026-12-22 05:00:00+00 2026-12-20 America/New_York');
    await place(calendar);
    expect((await rowsOf(calendar)).filter((line) => line.includes('Tokyo'))).toEqual([]);
    expect(await rowsOf(calendar)).toHaveLength(before.length + 1);
  });

  it('is one thing to do, however often it is asked for, and the last one holds', async () => {
    const [calendar, direct] = [await synced('Asia/Tokyo'), await synced('Europe/Paris')];
    for (const zone of ['America/New_York', 'Asia/Tokyo', 'Etc/GMT+12', 'Europe/Paris']) await wish(calendar, zone);
    expect(await placements(calendar)).toEqual([{ name: `zone-chosen ${calendar.userId}`, asked: 4 }]);
    await place(calendar);
    expect(await placements(calendar)).toEqual([]);
    expect(await rowsOf(calendar)).toEqual(await rowsOf(direct));
  });

  it('is no work for somebody of whom nothing has to move', async () => {
    const [nothing, itself] = [await adopted(memoryAccount(), null), await synced(null, 'Europe/Paris')];
    for (const calendar of [nothing, itself]) {
      await wish(calendar, 'Asia/Tokyo');
      expect(await placements(calendar)).toEqual([]);
    }
  });

  it('makes the calendar one that is being read until everything has moved', async () => {
    const calendar = await synced('Asia/Tokyo');
    await wish(calendar, 'Europe/Paris');
    expect(await freshness(calendar)).toMatchObject([{ state: 'syncing' }]);
    await place(calendar);
    expect(await freshness(calendar)).toMatchObject([{ state: 'fresh' }]);
  });

  it.each(['delete from user_calendar_events', 'insert into user_calendar_events', 'insert into changes', 'delete from placement'])(
    'holds also when the worker dies at "%s"',
    async (statement) => {
      const [calendar, direct] = [await synced('Asia/Tokyo'), await synced('Europe/Paris')];
      await wish(calendar, 'Europe/Paris');
      await expect(place(calendar, dyingAt(statement))).rejects.toThrow('died');
      expect(await placements(calendar)).toHaveLength(1);
      await place(calendar);
      expect(await placements(calendar)).toEqual([]);
      expect(await rowsOf(calendar)).toEqual(await rowsOf(direct));
    },
  );

  it('is placed by once more when it was asked for while the worker was at it', async () => {
    const [calendar, direct] = [await synced('Asia/Tokyo'), await synced('Europe/Paris')];
    await wish(calendar, 'America/New_York');
    const [late] = await stores.database.query<PlacementRow & { epoch: string }>(
      'update placement set epoch = epoch + 1 where user_id = $1 returning *',
      [calendar.userId],
    );
    await wish(calendar, 'Europe/Paris');
    if (late === undefined) throw new Error('there is nothing to place');
    const lease = { epoch: BigInt(late.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
    await placeDue({ database: stores.database, clock: { now: () => NOW }, rest: 0 })(late, lease);
    expect(await placements(calendar)).toHaveLength(1);
    await place(calendar);
    expect(await placements(calendar)).toEqual([]);
    expect(await rowsOf(calendar)).toEqual(await rowsOf(direct));
  });

  it('leaves a worker alone that has lost its claim', async () => {
    const calendar = await synced('Asia/Tokyo');
    const before = await rowsOf(calendar);
    await wish(calendar, 'Europe/Paris');
    const [row] = await stores.database.query<PlacementRow>('select * from placement where user_id = $1', [calendar.userId]);
    if (row === undefined) throw new Error('there is nothing to place');
    const lease = { epoch: -1n, permit: () => Promise.resolve(), signal: new AbortController().signal };
    await expect(placeDue({ database: stores.database, clock: { now: () => NOW }, rest: 0 })(row, lease)).rejects.toBeInstanceOf(
      Superseded,
    );
    expect(await rowsOf(calendar)).toEqual(before);
  });

  it('gives the same rows after a replay from the first event and the work that it leaves', async () => {
    const calendar = await synced('Asia/Tokyo');
    await choose(calendar, 'Etc/GMT+12');
    calendar.account.put(object('day', { ...day, span: { days: 3, seconds: 0 } }));
    await sync(calendar);
    await shown(calendar);
    await choose(calendar, 'America/New_York');
    const before = await rowsOf(calendar);
    await stores.database.query('delete from event_people where user_id = $1', [calendar.userId]);
    await replay();
    await place(calendar);
    expect(await rowsOf(calendar)).toEqual(before);
  });

  it('is told to everybody who follows the changes, also to who had read up to the choice', async () => {
    const calendar = await synced('Asia/Tokyo');
    const asked = (after: string | null) =>
      new MyChangesHandler(stores.database, { now: () => NOW }).execute(
        new MyChanges({ userId: calendar.userId, roles: ['user'], teams: [] }, after, 100),
      );
    const before = await asked(null);
    for (const zone of ['Europe/Paris', 'Asia/Tokyo']) {
      await wish(calendar, zone);
      const { nextCursor } = await asked(before.nextCursor);
      expect((await asked(nextCursor)).items).toEqual([]);
      await place(calendar);
      expect((await asked(nextCursor)).items).toMatchObject([{ change: 'calendar-changed', event: null, calendarId: calendar.calendarId }]);
    }
  });
});
