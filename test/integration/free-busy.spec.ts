import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { takenIn } from '../../src/availability/availability.sql.js';
import { rebuildProjection } from '../../src/infra/postgres/projection.rebuild.js';
import { type Sql } from '../../src/kernel/sql.js';
import { calendarObject, component, NOW } from '../support/builders.js';
import { type Adopted, adopted, lunch, merged, projected, startSyncing, stopSyncing, stores, sync } from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const silent = (): void => undefined;
const RANGE = { start: new Date(NOW).toISOString(), end: new Date(NOW + 30 * 86_400_000).toISOString() };

const taking = (remoteId: string, day: number, busy: 'busy' | 'tentative' | 'needs-action' | 'free') =>
  calendarObject(remoteId, {
    components: [
      component(
        { start: { wall: new Date(NOW + day * 86_400_000).toISOString().slice(0, 19), zone: 'UTC' }, busy },
        { uid: remoteId, title: remoteId },
      ),
    ],
  });

const intervals = async ({ calendarId, userId }: Adopted): Promise<readonly string[]> =>
  (
    await stores.database.query<{ line: string }>(
      `select to_char(start_at at time zone 'UTC', 'MM-DD HH24:MI') || to_char(end_at at time zone 'UTC', '-HH24:MI ') || busy as line
       from free_busy where calendar_id = $1 and user_id = $2 order by start_at`,
      [calendarId, userId],
    )
  ).map(({ line }) => line);

/** How the database answers what availability asks about somebody's time. */
const planOf = async (userId: string): Promise<string> => {
  let plan = '';
  const explaining: Sql = {
    query: async (text, values) => {
      if (text.includes('free_busy'))
        plan = (await stores.database.query<{ line: string }>(`explain ${text}`, values))
          .map((row) => Object.values(row).join(''))
          .join('\n');
      return stores.database.query(text, values);
    },
  };
  await takenIn(explaining, userId, RANGE, true);
  return plan;
};

/** What the service keeps of busy lives: of one person, and of twenty others. */
const FULL_LIFE = `
  insert into user_calendar_events (calendar_id, series, original, ref, component, user_id, provider, generation, start_at, end_at, all_day,
    floating, status, busy, private, recurring, copy)
  select $1, 'series ' || hour || '/' || other, '', 'ref', 0, $2 || repeat('x', other), 'caldav', 1, $3::timestamptz + hour * interval '1 hour',
    $3::timestamptz + (hour + 1) * interval '1 hour', false, false, 'confirmed', 'busy', false, false, 'copy ' || hour
  from generate_series(-720, 8760, 6) as hour, generate_series(0, 20) as other`;

describe('The view free_busy', () => {
  it('has an interval for everything that takes time, and none for what does not', async () => {
    const calendar = await adopted();
    calendar.account.put(taking('a', 1, 'busy'), taking('b', 2, 'tentative'), taking('c', 3, 'needs-action'), taking('d', 4, 'free'));
    await sync(calendar);
    await projected();
    expect(await intervals(calendar)).toEqual(['11-23 10:00-11:00 busy', '11-24 10:00-11:00 tentative', '11-25 10:00-11:00 needs-action']);
  });

  it('shows the rows of a rebuilt projection, also when it is rebuilt again, and what comes afterwards', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await sync(calendar);
    await projected();
    const before = await intervals(calendar);
    expect(before).toHaveLength(2);
    for (let time = 0; time < 2; time += 1) {
      await stores.database.query('delete from user_calendar_events where calendar_id = $1', [calendar.calendarId]);
      expect(await intervals(calendar)).toEqual([]);
      await rebuildProjection(stores, merged, silent, new AbortController().signal);
      expect(await intervals(calendar)).toEqual(before);
    }
    calendar.account.put(lunch('c', 3));
    calendar.account.remove('a');
    await sync(calendar);
    await projected();
    expect(await intervals(calendar)).toEqual([before[1], '11-25 10:00-11:00 busy']);
  });

  it('is read by availability through the index of a person’s time', async () => {
    const { calendarId, userId } = await adopted();
    await stores.database.query(FULL_LIFE, [calendarId, userId, RANGE.start]);
    await stores.database.query('analyze user_calendar_events');
    const plan = await planOf(userId);
    expect(plan).toMatch(/Index Scan (using|on) user_calendar_events_time/);
    expect(plan).toMatch(/Index Cond: \(\(user_id = .*\) AND \(start_at < /);
  });
});
