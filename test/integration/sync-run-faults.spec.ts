import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FeedWriter } from '../../src/sync/feed.writer.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { Superseded } from '../../src/kernel/due-work.js';
import { WrongRevision } from '../../src/kernel/event-store.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { component, memoryAccount, NOW } from '../support/builders.js';
import { cause, metadata } from '../support/store.js';
import { strength } from '../support/strength.js';
import {
  MINUTE,
  adopted,
  changedIn,
  chunks,
  claim,
  dyingAt,
  factTypes,
  failing,
  facts,
  lunch,
  many,
  passTime,
  projectedTo,
  replay,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
  unpaced,
  type Adopted,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

describe('A death in the middle of a sync', () => {
  it.each([
    ['before the cursor is stored', 'set cursor ='],
    ['before what was appended is remembered', 'insert into remote_object'],
  ])('%s leaves the same rows when it is run again', async (_, words) => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await expect(sync(calendar, dyingAt(words))).rejects.toThrow('the process died here');
    expect(await stateOf(calendar)).toMatchObject({ cursor: null, generation: 0 });
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a', 'b']);
    calendar.account.put(lunch('b', 3, 'b moved'));
    calendar.account.remove('a');
    await expect(sync(calendar, dyingAt(words))).rejects.toThrow('the process died here');
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['b moved']);
  });

  it('is no way for an object to stay that was appended, and went before the next run', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1));
    await sync(calendar);
    calendar.account.put(lunch('b', 2));
    await expect(sync(calendar, dyingAt('insert into remote_object'))).rejects.toThrow('the process died here');
    expect(await shown(calendar)).toEqual(['a', 'b']);
    calendar.account.remove('b');
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a']);
  });

  it('is no way for an object to stay as it was appended, and was changed back before the next run', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1));
    await sync(calendar);
    calendar.account.put(lunch('a', 2, 'a moved'));
    await expect(sync(calendar, dyingAt('insert into remote_object'))).rejects.toThrow('the process died here');
    expect(await shown(calendar)).toEqual(['a moved']);
    calendar.account.put(lunch('a', 1));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a']);
  });

  it.each([
    ['before the cursor is stored', 'set cursor ='],
    ['before what was appended is remembered', 'insert into remote_object'],
  ])('%s, after everything was appended, tells no change a second time', async (_, words) => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await expect(sync(calendar, dyingAt(words))).rejects.toThrow();
    expect(changedIn(await chunks(calendar))).toEqual([true, true]);
    await sync(calendar);
    expect(changedIn(await chunks(calendar))).toEqual([false, false]);
    calendar.account.put(lunch('b', 3));
    await expect(sync(calendar, dyingAt(words))).rejects.toThrow();
    const feed = await chunks(calendar);
    expect(changedIn(feed.slice(-1))).toEqual([true]);
    await sync(calendar);
    expect(await chunks(calendar)).toEqual(feed);
  });
});

describe('A whole reading that fails again and again', () => {
  const REMEMBERING = 'insert into remote_object (calendar_id, ref, etag';
  const started = async (calendar: Adopted): Promise<number> =>
    (await factTypes(calendar)).filter((type) => type === 'GenerationStarted').length;

  it('goes on with the generation it began, and removes what went since it was appended', async () => {
    const calendar = await adopted(memoryAccount(2));
    calendar.account.put(...many(6));
    for (const words of [REMEMBERING, REMEMBERING, 'set cursor =', REMEMBERING])
      await expect(sync(calendar, dyingAt(words))).rejects.toThrow('the process died here');
    expect(await factTypes(calendar)).toEqual(['GenerationStarted', 'BaselineCompleted']);
    expect((await shown(calendar)).length).toBeGreaterThan(0);
    const [first] = many(1);
    calendar.account.remove(first?.remoteId ?? '');
    await sync(calendar);
    expect(await shown(calendar)).toHaveLength(5);
    await replay();
    expect(await shown(calendar)).toHaveLength(5);
  });

  it('begins one generation, whether a fault or an unforeseen failure ends it, and another on another day', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    for (let time = 0; time < 3; time += 1) {
      await failing(calendar, 'malformed');
      await expect(sync(calendar, dyingAt(REMEMBERING))).rejects.toThrow();
    }
    expect(await started(calendar)).toBe(1);
    passTime(24 * 60 * MINUTE);
    await failing(calendar, 'malformed');
    expect(await started(calendar)).toBe(2);
    await sync(calendar);
    expect(await started(calendar)).toBe(2);
    expect(await shown(calendar)).toEqual(['a']);
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    await sync(calendar);
    expect(await started(calendar)).toBe(3);
  });

  it('comes to what the calendar holds, wherever it dies, with any changes in between, also when it is replayed', async () => {
    const DEATHS = ['set cursor =', REMEMBERING, 'set begun =', 'insert into remote_object (calendar_id, ref, hash, generation)'];
    const tries = fc.array(fc.record({ death: fc.constantFrom(...DEATHS), put: fc.nat(7), remove: fc.nat(7) }), {
      minLength: 1,
      maxLength: 4,
    });
    const objects = many(8);
    await fc.assert(
      fc.asyncProperty(tries, async (all) => {
        const calendar = await adopted(memoryAccount(3));
        const held = new Set<string>();
        const put = (index: number): void => {
          const object = objects[index];
          if (object === undefined) return;
          calendar.account.put(object);
          held.add(object.remoteId);
        };
        for (let index = 0; index < 5; index += 1) put(index);
        for (const { death, put: added, remove } of all) {
          await sync(calendar, dyingAt(death)).catch(() => undefined);
          put(added);
          const gone = objects[remove]?.remoteId ?? '';
          if (held.delete(gone)) calendar.account.remove(gone);
        }
        await sync(calendar);
        const holds = objects.map(({ remoteId }) => remoteId).filter((remoteId) => held.has(remoteId));
        expect(await shown(calendar)).toEqual(holds);
        await replay();
        expect(await shown(calendar)).toEqual(holds);
      }),
      { numRuns: strength(4, 40) },
    );
  });
});

describe('A sync that would remove most of a calendar', () => {
  it('is held and told, shows everything as it was, and is carried out when another reading says the same', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(30));
    await sync(calendar);
    calendar.account.remove(...many(25).map(({ remoteId }) => remoteId));
    expect(await shown(calendar)).toHaveLength(30);
    await sync(calendar);
    expect(await facts(calendar)).toContainEqual(expect.objectContaining({ type: 'MassChangeHeld', removals: 25, known: 30 }));
    expect(await stateOf(calendar)).toMatchObject({ fault: 'mass-change-held', dueIn: MINUTE });
    expect(await shown(calendar)).toHaveLength(30);
    await sync(calendar);
    expect(await shown(calendar)).toHaveLength(5);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, held: null, generation: 2 });
  });

  it('has lost nothing when the next reading finds everything again', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(30));
    await sync(calendar);
    expect(await shown(calendar)).toHaveLength(30);
    calendar.account.remove(...many(30).map(({ remoteId }) => remoteId));
    await sync(calendar);
    calendar.account.put(...many(30));
    await sync(calendar);
    expect(await shown(calendar)).toHaveLength(30);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, held: null });
  });
});

describe('An object that cannot be read', () => {
  it('keeps what was last known of it, also over a new generation, hides no other, and is counted', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2), lunch('c', 3));
    await sync(calendar);
    calendar.account.spoil('b');
    calendar.account.put(lunch('c', 3, 'c renamed'));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a', 'b', 'c renamed']);
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a', 'b', 'c renamed']);
    const unread = () =>
      stores.database.query('select 1 from remote_object where calendar_id = $1 and fault is not null', [calendar.calendarId]);
    expect(await unread()).toHaveLength(1);
    calendar.account.put(lunch('b', 2, 'b again'));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a', 'b again', 'c renamed']);
    expect(await unread()).toHaveLength(0);
  });
});

describe('A provider that fails', () => {
  it('is asked again after longer and longer pauses; that it fails is told once, and once that it is over', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    // What is shown is no longer fresh.
    passTime(16 * MINUTE);
    const pauses: number[] = [];
    for (let time = 0; time < 9; time += 1) {
      await failing(calendar, 'unavailable');
      pauses.push((await stateOf(calendar)).dueIn / MINUTE);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 360, 360]);
    expect((await factTypes(calendar)).slice(2)).toEqual(['SyncFailed']);
    expect(await shown(calendar)).toEqual(['a']);
    await sync(calendar);
    await sync(calendar);
    expect((await factTypes(calendar)).slice(2)).toEqual(['SyncFailed', 'SyncRecovered']);
    expect(await stateOf(calendar)).toMatchObject({ failures: 0, fault: null });
  });

  it('is left in peace for as long as it asks for', async () => {
    const calendar = await adopted();
    await failing(calendar, 'throttled', 7_200);
    expect(await stateOf(calendar)).toMatchObject({ fault: 'throttled', dueIn: 120 * MINUTE });
  });

  it('in the middle of a reading has removed nothing', async () => {
    const calendar = await adopted();
    calendar.account.put(...many(30));
    await sync(calendar);
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    calendar.account.failNext(new ProviderFault('unavailable', 'broke off'), 1);
    await sync(calendar);
    expect(await shown(calendar)).toHaveLength(30);
  });
});

describe('A connection that is revoked', () => {
  it('shows nothing any more, stops the run that is under way, and ignores what still arrives', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['a']);
    const before = await chunks(calendar);
    calendar.account.put(lunch('b', 2));
    const revoked = { type: 'ConnectionRevoked', userId: calendar.userId, provider: 'caldav', at: new Date(NOW).toISOString() } as const;
    calendar.account.beforeNextPage(async () => {
      const { position } = await stores.store.append(`connection-${calendar.connectionId}`, null, [revoked], connectionCodec, metadata());
      await projectedTo({ connection: position });
    });
    await expect(sync(calendar)).rejects.toBeInstanceOf(Superseded);
    expect(await chunks(calendar)).toEqual(before);
    await late(calendar);
    expect(await chunks(calendar)).toHaveLength(before.length + 1);
    expect(await shown(calendar)).toEqual([]);
    for (const table of ['user_calendar_events', 'event_contents', 'sync_state'])
      expect(await stores.database.query(`select 1 from ${table} where calendar_id = $1`, [calendar.calendarId])).toEqual([]);
  });

  /** What a worker that has not heard of it yet appends. */
  const late = async ({ calendarId, userId }: Adopted): Promise<void> => {
    const window = { start: '2026-10-23T00:00:00.000Z', end: '2027-12-07T00:00:00.000Z' };
    const writer = new FeedWriter(
      { store: stores.store, sql: stores.database, clock: { now: () => NOW }, newId: randomUUID, pace: unpaced },
      {
        ...{ calendarId, userId, generation: 1, window, cause, epoch: 1n },
        ...{ permit: () => Promise.resolve(), signal: new AbortController().signal },
      },
      await stores.store.lastRevision(`feed-${calendarId}`),
    );
    const { contents: _, ...timing } = component();
    const upsert = {
      ref: 'late',
      series: 'late',
      changed: true,
      hash: 'hash',
      components: [{ ...timing, copy: 'copy' }],
      zones: {},
      eventType: 'default' as const,
      meeting: null,
      problems: [],
      sealed: 'a',
    };
    await writer.upsert(upsert, { bytes: 100, occurrences: 1 }, { ref: 'late', etag: null, hash: 'hash', fault: null });
    await writer.flush();
    await expect(writer.settled()).rejects.toBeInstanceOf(Superseded);
  };
});

describe('A worker that lost its calendar to another', () => {
  const overtaken = async (permit: 'honest' | 'deceived') => {
    const calendar = await adopted(memoryAccount(2));
    calendar.account.put(lunch('a', 1));
    await sync(calendar);
    calendar.account.put(lunch('a', 1, 'a renamed'), lunch('b', 2), lunch('c', 3), lunch('d', 4));
    const { row, lease } = await claim(calendar);
    let successors: Awaited<ReturnType<typeof chunks>> = [];
    calendar.account.beforeNextPage(async () => {
      await sync(calendar);
      calendar.account.put(lunch('d', 5, 'd moved'));
      await sync(calendar);
      successors = await chunks(calendar);
    });
    const kept = permit === 'honest' ? lease : { ...lease, permit: () => Promise.resolve() };
    const ended = await syncCalendar(runtimeOf(calendar))(row, kept).then(
      () => 'done',
      (error: unknown) => error,
    );
    expect(await shown(calendar)).toEqual(['a renamed', 'b', 'c', 'd moved']);
    expect(await chunks(calendar)).toEqual(successors);
    return ended;
  };

  it('is not permitted to go on', async () => {
    expect(await overtaken('honest')).toBeInstanceOf(Superseded);
  });

  it('cannot write after its successor even when it does not know', async () => {
    expect(await overtaken('deceived')).toBeInstanceOf(WrongRevision);
  });
});
