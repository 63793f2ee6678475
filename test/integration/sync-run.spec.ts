import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Database } from '../../src/kernel/sql.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { calendarObject, component, NOW } from '../support/builders.js';
import { testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually } from '../support/store.js';
import {
  MINUTE,
  adopted,
  changedIn,
  chunks,
  factTypes,
  facts,
  lunch,
  many,
  merged,
  noting,
  passTime,
  shown,
  startSyncing,
  stateOf,
  stopProjections,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

describe('The first sync of a calendar', () => {
  it('brings everything as its first generation and remembers where it ended', async () => {
    const calendar = await adopted();
    const weekly = calendarObject('weekly', { components: [component({ rules: ['FREQ=DAILY;COUNT=3'] }, { title: 'standup' })] });
    calendar.account.put(lunch('lunch', 9), weekly);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['standup', 'standup', 'standup', 'lunch']);
    expect(await factTypes(calendar)).toEqual(['GenerationStarted', 'BaselineCompleted']);
    const deltas = await chunks(calendar);
    expect(deltas.map(({ final }) => final).at(-1)).toBe(true);
    expect(changedIn(deltas)).toEqual([true, true]);
    expect(await stateOf(calendar)).toMatchObject({
      generation: 1,
      failures: 0,
      fault: null,
      dueIn: 90_000,
      last_success_at: new Date(NOW),
    });
  });

  it('of an empty calendar is complete too', async () => {
    const calendar = await adopted();
    await sync(calendar);
    expect(await shown(calendar)).toEqual([]);
    expect(await facts(calendar)).toContainEqual(expect.objectContaining({ type: 'BaselineCompleted', objects: 0 }));
  });

  it('stores nothing personal in clear', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('/dav/grace/lunch.ics', 1, 'Lunch with Grace'));
    await sync(calendar);
    await shown(calendar);
    const rows = await stores.database.query(
      `select to_jsonb(e)::text || to_jsonb(c)::text as row from user_calendar_events e join event_contents c using (calendar_id, ref) where calendar_id = $1
       union all select to_jsonb(s)::text from sync_state s where calendar_id = $1 union all select to_jsonb(r)::text from remote_object r where calendar_id = $1`,
      [calendar.calendarId],
    );
    const everything = JSON.stringify([rows, await chunks(calendar), await facts(calendar)]);
    expect(everything).toContain(calendar.calendarId);
    expect(everything).not.toMatch(/grace|lunch|\/work\//i);
  });
});

describe('A later sync', () => {
  it('that finds nothing new writes nothing and moves on', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    const [feed, stream] = [await chunks(calendar), await facts(calendar)];
    passTime(MINUTE);
    await sync(calendar);
    expect([await chunks(calendar), await facts(calendar)]).toEqual([feed, stream]);
    expect(await stateOf(calendar)).toMatchObject({ last_success_at: new Date(NOW + MINUTE), dueIn: 90_000 });
  });

  it('that finds nothing new is done only when what earlier ones brought can be read', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    await stores.database.query(
      `insert into sync_run (sync_id, calendar_id, user_id, requested_at, full_read, state) values ($1, $2, $3, now(), false, 'queued')`,
      [randomUUID(), calendar.calendarId, calendar.userId],
    );
    await sync(calendar);
    const [run] = await stores.database.query<{ state: string; position: string }>(
      'select r.state, r.position from sync_run r join sync_state s using (calendar_id) where calendar_id = $1 and r.position = s.position',
      [calendar.calendarId],
    );
    expect(run?.state).toBe('done');
  });

  it('that no person has asked for asks the database for as little as it can, because people wait for what was told of', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    calendar.account.put(lunch('supper'));
    const asked: string[] = [];
    // As a notification has it.
    await stores.database.query(`update sync_state set lane = 'hot' where calendar_id = $1`, [calendar.calendarId]);
    const noted = noting(asked);
    const transaction: Database['transaction'] = (work) => {
      asked.push('begin', 'commit');
      return noted.transaction(work);
    };
    await sync(calendar, { ...noted, transaction });
    expect([...(await shown(calendar))].sort()).toEqual(['lunch', 'supper']);
    expect(asked.filter((text) => text.includes('update sync_run'))).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(7);
  });

  it('looks at what it holds beside what opens its account, and does not wait for the one before the other', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const asked: string[] = [];
    const query: Database['query'] = async (text, values) => {
      asked.push(text);
      if (text.includes('from sync_run')) await gate;
      return stores.database.query<never>(text, values);
    };
    const reading = sync(calendar, { ...stores.database, query });
    try {
      await eventually('it looks', () => asked.some((text) => text.includes('from remote_object')));
    } finally {
      letGo();
      await reading;
    }
    expect(await shown(calendar)).toEqual(['lunch']);
  });

  it('remembers objects without a wait for the disk, because where it reads on is remembered after them', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    const waits: unknown[] = [];
    const query: Database['query'] = (text, values) =>
      stores.database.transaction(async (sql) => {
        const rows = await sql.query<never>(text, values);
        const [waiting] = await sql.query<{ synchronous_commit: string }>('show synchronous_commit');
        if (text.includes('insert into remote_object')) waits.push(waiting?.synchronous_commit);
        return rows;
      });
    await sync(calendar, { ...stores.database, query });
    expect(waits).toEqual(['off']);
  });

  it('that is told of an object whose content is the same writes nothing', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    const feed = await chunks(calendar);
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    expect(await chunks(calendar)).toEqual(feed);
  });

  it('brings what came, changed and went, and nothing else', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2), lunch('c', 3));
    await sync(calendar);
    calendar.account.put(lunch('b', 4, 'b moved'), lunch('d', 5));
    calendar.account.remove('a', 'never known');
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['c', 'b moved', 'd']);
    const delta = (await chunks(calendar)).at(-1);
    expect(delta).toMatchObject({ generation: 1, final: false, kept: [] });
    expect([delta?.upserts.length, delta?.removals.length]).toEqual([2, 1]);
  });

  it('whose cursor is refused reads everything once, as a new generation that repeats what was known', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await sync(calendar);
    calendar.account.forgetCursors();
    calendar.account.put(lunch('b', 2, 'b renamed'));
    calendar.account.remove('a');
    await sync(calendar);
    expect(calendar.account.scans()).toEqual([null, expect.any(String), null]);
    expect(await shown(calendar)).toEqual(['b renamed']);
    expect(await facts(calendar)).toContainEqual(
      expect.objectContaining({ type: 'GenerationStarted', generation: 2, reason: 'cursor-expired' }),
    );
    expect(await stateOf(calendar)).toMatchObject({ generation: 2, fault: null });
  });

  it('whose cursor is refused even while everything is read is put off', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    calendar.account.beforeNextPage(() => {
      calendar.account.failNext(new ProviderFault('cursor-expired', 'and again'));
      return Promise.resolve();
    });
    calendar.account.failNext(new ProviderFault('cursor-expired', 'again'), 1);
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: 'malformed', failures: 1 });
  });

  it('asked to read everything tells what is known from what is new, and leaves nothing older in the feed', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(25));
    await sync(calendar);
    calendar.account.put(lunch('event-00', 1, 'renamed'));
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    await sync(calendar);
    const deltas = await chunks(calendar);
    expect(new Set(deltas.map(({ generation }) => generation))).toEqual(new Set([2]));
    expect(changedIn(deltas).filter(Boolean)).toHaveLength(1);
    expect(await shown(calendar)).toHaveLength(25);
  });

  it('gives an instance back to its series when the change made to it is gone, wherever it was stored', async () => {
    const calendar = await adopted();
    const instance = { wall: '2026-11-24T10:00:00', zone: 'UTC' };
    const series = calendarObject('series', { components: [component({ rules: ['FREQ=DAILY;COUNT=2'] }, { title: 'standup' })] });
    const override = calendarObject('override', {
      seriesRemoteId: 'series',
      components: [component({ recurrenceId: instance, start: instance }, { title: 'changed' })],
    });
    calendar.account.put(series, override);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['standup', 'changed']);
    calendar.account.remove('override');
    await stores.database.query('delete from remote_object where calendar_id = $1', [calendar.calendarId]);
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['standup', 'standup']);
    calendar.account.put(override);
    await sync(calendar);
    calendar.account.remove('series');
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['changed']);
  });

  it('ends with what the calendar holds also when all that was remembered of its objects is lost', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await sync(calendar);
    await stores.database.query('delete from remote_object where calendar_id = $1', [calendar.calendarId]);
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    calendar.account.remove('a');
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['b']);
  });
});

describe('The merged calendar', () => {
  const atEnd = testEndings();

  it('has the very same rows, byte for byte, when everything is replayed from zero', async () => {
    const tables = ['event_calendars', 'event_contents', 'user_calendar_events'];
    const everything = async (): Promise<readonly unknown[]> => {
      const rows = tables.map((table) => stores.database.query(`select t::text as row from ${table} t order by 1`));
      return Promise.all(rows);
    };
    const calendar = await adopted();
    calendar.account.put(...many(12));
    await sync(calendar);
    await shown(calendar);
    const before = await everything();
    await stopProjections();
    await stores.database.transaction(async (sql) => {
      await sql.query(`truncate ${merged.tables.join(', ')}`);
      await sql.query('delete from checkpoint where name = $1', [merged.name]);
    });
    const replay = startProjection(stores, merged);
    atEnd(replay.stop);
    await eventually('it is live', () => replay.progress.live);
    await replay.stop();
    expect(before.flat().length).toBeGreaterThan(12);
    expect(await everything()).toEqual(before);
  });
});
