import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Timing } from '../../src/calendar/calendar-object.js';
import { REGISTRY } from '../../src/provider/registry.js';
import { windowAt } from '../../src/sync/generation.js';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes/changes.query.js';
import { calendarObject, component, memoryAccount, NOW } from '../support/builders.js';
import {
  type Adopted,
  adopted,
  chunks,
  lunch,
  place,
  placements,
  projected,
  replay,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

/** Whole days, in UTC, that a calendar is read for. */
const WINDOW = windowAt(NOW, REGISTRY.caldav.generationLife);
const daysOfWindow = (Date.parse(WINDOW.end) - Date.parse(WINDOW.start)) / 86_400_000;

const HALF_HOURLY = 'FREQ=MINUTELY;INTERVAL=30';
/** A few hundred more over the whole window than one object may have. */
const FREQUENT = 'FREQ=MINUTELY;INTERVAL=50';

const series = (remoteId: string, rule: string, more: Partial<Timing> = {}) =>
  calendarObject(remoteId, {
    components: [
      component(
        { start: { wall: '2026-01-01T00:00:00', zone: 'UTC' }, span: { days: 0, seconds: 600 }, rules: [rule], ...more },
        { uid: remoteId, title: remoteId },
      ),
    ],
  });

const many = (count: number, rule = FREQUENT) =>
  Array.from({ length: count }, (_, index) => series(`series-${String(index).padStart(2, '0')}`, rule));

type Counted = Readonly<{ series: string; rows: number; from: Date; until: Date }>;

/** How many occurrences each series has, and between when. */
const counted = ({ calendarId }: Adopted) =>
  stores.database.query<Counted>(
    `select series, count(*)::int as rows, min(start_at) as from, max(start_at) as until from user_calendar_events
     where calendar_id = $1 and recurring group by series order by series`,
    [calendarId],
  );

const total = (rows: readonly Counted[]): number => rows.reduce((sum, each) => sum + each.rows, 0);

const settled = async (calendar: Adopted): Promise<void> => {
  await projected();
  while ((await placements(calendar)).length > 0) await place(calendar);
};

const tablesOf = async ({ calendarId }: Adopted) => {
  const lines = (table: string) =>
    stores.database.query<{ line: string }>(`select t::text as line from ${table} t where calendar_id = $1 order by line`, [calendarId]);
  return Promise.all(['user_calendar_events', 'event_contents', 'event_series', 'event_calendars'].map(lines));
};

const shortened = async ({ calendarId }: Adopted): Promise<number> => {
  const [row] = await stores.database.query<{ count: number }>(
    'select count(*)::int from event_series where calendar_id = $1 and shortened_at is not null',
    [calendarId],
  );
  return row?.count ?? 0;
};

describe('A series that repeats more often than an object may', () => {
  it('keeps the 10,000 occurrences nearest to now, is marked, and stops nothing', async () => {
    const calendar = await adopted();
    calendar.account.put(series('minutes', HALF_HOURLY), series('seconds', 'FREQ=SECONDLY'), lunch('lunch'));
    await sync(calendar);
    await settled(calendar);
    const rows = await counted(calendar);
    expect(rows.map((each) => each.rows)).toEqual([10_000, 10_000]);
    // Of the one that is half-hourly 30 days lie before now: the others are after it.
    const farthest = rows.map(({ from, until }) => Math.max(NOW - from.getTime(), until.getTime() - NOW)).sort((a, b) => a - b);
    expect(farthest[0]).toBeLessThanOrEqual(5_001_000);
    expect(farthest[1]).toBeLessThanOrEqual(180 * 86_400_000);
    expect(await shortened(calendar)).toBe(2);
  });

  it('is placed at once as far as is near to now, so that no other person waits for the rest of it, which is unknown until a worker has placed it', async () => {
    const calendar = await adopted();
    calendar.account.put(series('often', 'FREQ=HOURLY'), series('daily', 'FREQ=DAILY'));
    await sync(calendar);
    await shown(calendar);
    const [daily, often] = [...(await counted(calendar))].sort((a, b) => a.rows - b.rows);
    expect([daily?.rows, often?.rows]).toEqual([daysOfWindow, 500]);
    expect(await placements(calendar)).toMatchObject([{ name: `share ${calendar.calendarId}` }]);
    const known = await stores.database.query<{ known: boolean }>(
      "select known_from < $2 and known_until = $3::timestamptz + interval '1 hour' as known from event_series where calendar_id = $1 and shortened_at is not null",
      [calendar.calendarId, new Date(NOW), often?.until],
    );
    expect(known).toEqual([{ known: true }]);
    await settled(calendar);
    expect(new Set((await counted(calendar)).map(({ rows }) => rows))).toEqual(new Set([daysOfWindow, daysOfWindow * 24]));
    expect(await shortened(calendar)).toBe(0);
  });

  it('places nothing again of what has all it may have', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(3, 'FREQ=HOURLY'));
    await sync(calendar);
    await settled(calendar);
    const written = () =>
      stores.database.query('select series, xmin::text from event_series where calendar_id = $1 order by series', [calendar.calendarId]);
    const before = await written();
    calendar.account.put(series('series-00', 'FREQ=HOURLY;INTERVAL=2'));
    await sync(calendar);
    await settled(calendar);
    const after = await written();
    expect(before.filter((row, index) => !isDeepStrictEqual(row, after[index]))).toHaveLength(1);
  });

  it('is whole again when it repeats less often', async () => {
    const calendar = await adopted();
    calendar.account.put(series('often', HALF_HOURLY));
    await sync(calendar);
    calendar.account.put(series('often', 'FREQ=DAILY;COUNT=400'));
    await sync(calendar);
    await settled(calendar);
    expect([total(await counted(calendar)), await shortened(calendar)]).toEqual([expect.any(Number), 0]);
  });
});

describe('A calendar with more repetitions than it may have', () => {
  let calendar: Adopted;
  beforeAll(async () => {
    calendar = await adopted(memoryAccount(100));
    calendar.account.put(...many(12), lunch('lunch'));
    await sync(calendar);
    await settled(calendar);
  });

  it('is told to the log a few thousand occurrences at a time', async () => {
    expect(await stateOf(calendar)).toMatchObject({ fault: null, failures: 0 });
    const deltas = await chunks(calendar);
    expect(Math.max(...deltas.map(({ upserts }) => upserts.length))).toBeLessThanOrEqual(2);
  });

  it('shows of each series what is nearest to now, all of them alike, and counts them', async () => {
    const rows = await counted(calendar);
    expect(rows).toHaveLength(12);
    expect(new Set(rows.map((each) => each.rows))).toEqual(new Set([5_000]));
    expect(total(rows)).toBeLessThanOrEqual(100_000);
    for (const { from, until } of rows) expect([from.getTime() <= NOW, until.getTime() - NOW < 200 * 86_400_000]).toEqual([true, true]);
    expect(await shortened(calendar)).toBe(12);
  });

  it('lets everybody else’s calendars go on', async () => {
    const other = await adopted();
    other.account.put(lunch('dinner'));
    await sync(other);
    expect(await shown(other)).toEqual(['dinner']);
  });

  it('gives the same rows after a replay from the first event and the work that it leaves', async () => {
    const before = await tablesOf(calendar);
    await replay();
    await settled(calendar);
    expect(await tablesOf(calendar)).toEqual(before);
  });

  it('tells that it has to be read again where too much changes to be told one by one, and its reader can go on', async () => {
    const asked = (after: string | null) =>
      new MyChangesHandler(stores.database, { now: () => NOW }).execute(
        new MyChanges({ userId: calendar.userId, roles: ['user'], teams: [] }, after, 500),
      );
    const { nextCursor } = await asked(null);
    calendar.account.put(series('new', FREQUENT));
    await sync(calendar);
    await settled(calendar);
    const told = await asked(nextCursor);
    expect(told.items.map(({ change, event }) => [change, event])).toEqual(expect.arrayContaining([['calendar-changed', null]]));
    expect(told.more).toBe(false);
    calendar.account.put(lunch('supper', 3));
    await sync(calendar);
    await settled(calendar);
    expect((await asked(told.nextCursor)).items.map(({ change }) => change)).toEqual(['added']);
  });

  it('shows more of each series when some of them go', async () => {
    calendar.account.remove(
      ...many(12)
        .slice(5)
        .map(({ remoteId }) => remoteId),
      'new',
    );
    await sync(calendar);
    await sync(calendar);
    await settled(calendar);
    expect((await counted(calendar)).map((each) => each.rows)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
  });
});
