import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AvailabilityReader } from '../../src/availability/availability.reader.js';
import { feedCodec } from '../../src/sync/feed.codec.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../../src/sync/freshness.js';
import { rebuildProjection } from '../../src/infra/postgres/projection.rebuild.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { asideByCode } from '../../src/infra/postgres/set-aside.postgres.js';
import { NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  adoptedTwo,
  chunks,
  due,
  lunch,
  merged,
  projectedTo,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const range = { start: new Date(NOW).toISOString(), end: new Date(NOW + 7 * 86_400_000).toISOString() };

/** Appends a part of a calendar's contents as no table takes it. */
const poison = async (calendar: Adopted): Promise<void> => {
  const last = (await chunks(calendar)).at(-1);
  const [upsert] = (await chunks(calendar)).flatMap(({ upserts }) => upserts);
  if (last === undefined || upsert === undefined) throw new Error('nothing was read yet');
  const delta = { ...last, upserts: [{ ...upsert, ref: 'poisoned', sealed: '\u0000' }], removals: [], kept: [], final: false };
  const { position } = await stores.store.append(`feed-${calendar.calendarId}`, null, [delta], feedCodec, metadata());
  await projectedTo({ feed: position });
};

const freshness = async ({ userId, calendarId }: Adopted) => {
  const rows = await stores.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, [calendarId]]);
  return rows.map((row) => freshnessOf(row, NOW))[0];
};

/** The projection of `calendars` does not run here. */
const listed = ({ userId, connectionId, calendarId }: Adopted) =>
  stores.database.query(
    `insert into calendars (calendar_id, connection_id, user_id, provider, status, mode, privacy, visible, writable, busy_only, sealed, generation, revision)
     values ($1, $2, $3, 'caldav', 'adopted', 'read_only', 'full', true, true, false, '', 1, 0)`,
    [calendarId, connectionId, userId],
  );

describe('A calendar of which something cannot be shown', () => {
  it('keeps its last good state, is failing, and leaves all of its time unknown, while its neighbour goes on', async () => {
    const [mine, other] = await adoptedTwo();
    for (const calendar of [mine, other]) {
      await listed(calendar);
      calendar.account.put(lunch('lunch'));
      await sync(calendar);
    }
    await poison(mine);
    mine.account.put(lunch('later', 2));
    other.account.put(lunch('later', 2));
    await sync(other);
    expect([await shown(mine), await shown(other)]).toEqual([['lunch'], ['lunch', 'later']]);
    expect(await freshness(mine)).toMatchObject({ state: 'failing', code: 'calendar-set-aside' });
    expect(await freshness(other)).toMatchObject({ state: 'fresh', code: null });
    expect(await asideByCode(stores.database)).toEqual([{ code: 'event-failed', count: 1 }]);
    const reader = new AvailabilityReader(stores.database, { now: () => NOW }, readModels(stores.database, [merged, due]));
    const { busy, unknown } = await reader.read(mine.userId, range);
    const covered = [...busy, ...unknown].reduce((sum, { start, end }) => sum + end - start, 0);
    expect([busy.length, covered]).toEqual([2, 7 * 86_400_000]);
  });

  it('is read whole again by itself, told again to those who follow the changes, and then as fresh as any', async () => {
    const mine = await adopted();
    await listed(mine);
    mine.account.put(lunch('lunch'));
    await sync(mine);
    await poison(mine);
    expect(await stateOf(mine)).toMatchObject({ full_requested: true });
    mine.account.put(lunch('later', 2));
    await sync(mine);
    expect(await shown(mine)).toEqual(['lunch', 'later']);
    expect(await freshness(mine)).toMatchObject({ state: 'fresh', code: null });
    const told = await stores.database.query<{ change: string }>(
      `select change from changes where user_id = $1 and change like 'calendar-%' order by position, part`,
      [mine.userId],
    );
    expect(told.map(({ change }) => change).slice(-2)).toEqual(['calendar-removed', 'calendar-added']);
  });

  it('is the same after everything has been built again', async () => {
    const [mine, other] = await adoptedTwo();
    for (const calendar of [mine, other]) {
      calendar.account.put(lunch('lunch'));
      await sync(calendar);
      await poison(calendar);
    }
    await sync(other);
    const dump = async (): Promise<readonly unknown[]> =>
      Promise.all(
        [...merged.tables, 'set_aside'].map((table) =>
          stores.database.query(`select t::text as line from ${table} t order by line`).then((rows) => rows.map(({ line }) => line)),
        ),
      );
    await shown(mine);
    const before = await dump();
    await rebuildProjection(stores, merged, () => undefined, new AbortController().signal);
    expect(await dump()).toEqual(before);
  });
});
