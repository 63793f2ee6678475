import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type ChangePage } from '../../src/merged-events/changes/changes.contract.js';
import { MyChanges, MyChangesHandler } from '../../src/merged-events/changes/changes.query.js';
import { calendarObject, component, NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import { type Adopted, adopted, facts, lunch, many, shown, startSyncing, stopSyncing, stores, sync } from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const asked = (userId: string, after: string | null, limit = 500): Promise<ChangePage> =>
  new MyChangesHandler(stores.database, { now: () => NOW }).execute(new MyChanges({ userId, roles: ['user'], teams: [] }, after, limit));

/** A calendar that has been read whole, and where its owner's feed stood then. */
const readWhole = async (objects: readonly CalendarObject[]) => {
  const calendar = await adopted();
  calendar.account.put(...objects);
  await sync(calendar);
  await shown(calendar);
  const { nextCursor } = await asked(calendar.userId, null);
  const told = async (after = nextCursor) => {
    await shown(calendar);
    return asked(calendar.userId, after);
  };
  return { calendar, told, nextCursor };
};

const kinds = ({ items }: ChangePage) => items.map(({ change, event }) => `${change} ${event?.start.slice(0, 10) ?? ''}`.trim());

const AT = new Date(NOW).toISOString();

const appended = async ({ calendarId }: Adopted, event: CalendarEvent): Promise<void> => {
  await stores.store.append(`calendar-${calendarId}`, null, [event], calendarCodec, metadata());
};

const setVisible = (calendar: Adopted, visible: boolean): Promise<void> => appended(calendar, { type: 'VisibilitySet', visible, at: AT });

const revoke = async ({ userId, connectionId }: Adopted): Promise<void> => {
  const revoked = { type: 'ConnectionRevoked', userId, provider: 'caldav', at: AT } as const;
  await stores.store.append(`connection-${connectionId}`, 0n, [revoked], connectionCodec, metadata());
};

describe('The change feed of a person', () => {
  it('begins with where it ends now, and tells that a calendar can be read once it has been read whole', async () => {
    const calendar = await adopted();
    await shown(calendar);
    const start = await asked(calendar.userId, null);
    expect(start).toMatchObject({ items: [], more: false });
    calendar.account.put(lunch('lunch'), lunch('dinner', 2));
    await sync(calendar);
    await shown(calendar);
    expect((await asked(calendar.userId, start.nextCursor)).items).toEqual([
      { calendarId: calendar.calendarId, change: 'calendar-added', event: null, at: new Date(NOW).toISOString() },
    ]);
  });

  it('tells what came, changed and went, and what it is about', async () => {
    const { calendar, told } = await readWhole([lunch('lunch', 1), lunch('dinner', 2)]);
    calendar.account.put(lunch('lunch', 3), lunch('breakfast', 4));
    calendar.account.remove('dinner');
    await sync(calendar);
    const page = await told();
    expect(kinds(page).sort()).toEqual(['added 2026-11-26', 'changed 2026-11-25', 'removed 2026-11-24']);
    expect(page.items.find(({ change }) => change === 'added')).toEqual({
      calendarId: calendar.calendarId,
      change: 'added',
      event: {
        id: expect.any(String),
        seriesId: null,
        start: '2026-11-26T10:00:00.000Z',
        end: '2026-11-26T11:00:00.000Z',
        allDay: false,
        status: 'confirmed',
        busy: 'busy',
      },
      at: new Date(NOW).toISOString(),
    });
    expect((await asked(calendar.userId, page.nextCursor)).items).toEqual([]);
  });

  it('tells of every instance of a series, and of a new title alone', async () => {
    const weekly = (title: string, count: number) =>
      calendarObject('weekly', { components: [component({ rules: [`FREQ=DAILY;COUNT=${count}`] }, { title })] });
    const { calendar, told } = await readWhole([weekly('standup', 3)]);
    calendar.account.put(weekly('stand-up', 2));
    await sync(calendar);
    const page = await told();
    expect(kinds(page)).toEqual(['changed 2026-11-23', 'changed 2026-11-24', 'removed 2026-11-25']);
    const [first] = page.items;
    expect(first?.event?.id).toBe(`${String(first?.event?.seriesId)}_2026-11-23T10:00:00.000Z`);
  });

  it('says nothing of a whole reading that brings nothing new, and only the differences of one that does', async () => {
    const { calendar, told } = await readWhole(many(30));
    calendar.account.forgetCursors();
    await sync(calendar);
    expect((await told()).items).toEqual([]);
    calendar.account.forgetCursors();
    calendar.account.remove('event-03');
    calendar.account.put(lunch('event-04', 5, 'Renamed'));
    await sync(calendar);
    expect(kinds(await told()).sort()).toEqual(['changed 2026-11-27', 'removed 2026-11-26']);
    expect((await facts(calendar)).filter(({ type }) => type === 'GenerationStarted')).toHaveLength(3);
  });

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    const { calendar, told, nextCursor } = await readWhole([lunch('lunch')]);
    calendar.account.put(...many(25));
    await sync(calendar);
    const whole = await told();
    const paged: ChangePage['items'] = [];
    for (let page = await asked(calendar.userId, nextCursor, 4); ; page = await asked(calendar.userId, page.nextCursor, 4)) {
      paged.push(...page.items);
      if (!page.more) break;
    }
    expect(paged).toEqual(whole.items);
    expect(paged).toHaveLength(25);
  });

  it('is its owner’s alone', async () => {
    const { calendar, told, nextCursor } = await readWhole([lunch('lunch')]);
    calendar.account.put(lunch('dinner', 2));
    await sync(calendar);
    expect((await told()).items).toHaveLength(1);
    expect((await asked(randomUUID(), nextCursor)).items).toEqual([]);
  });

  it('forgets the events of a revoked connection, and says that the calendar is gone', async () => {
    const { calendar, told } = await readWhole([lunch('lunch')]);
    calendar.account.put(lunch('dinner', 2));
    await sync(calendar);
    expect((await told()).items).toHaveLength(1);
    await revoke(calendar);
    const { calendarId } = calendar;
    expect((await told()).items).toEqual([{ calendarId, change: 'calendar-removed', event: null, at: AT }]);
  });

  it('drops what is older than any cursor, when a calendar is read whole again', async () => {
    const { calendar, told } = await readWhole([lunch('lunch')]);
    await stores.database.query(`update changes set at = at - interval '32 days' where user_id = $1`, [calendar.userId]);
    calendar.account.forgetCursors();
    calendar.account.put(lunch('dinner', 2));
    await sync(calendar);
    await told();
    const kept = await stores.database.query<{ change: string }>(
      'select change from changes where user_id = $1 and calendar_id is not null',
      [calendar.userId],
    );
    expect(kept).toEqual([{ change: 'added' }]);
  });
});

describe('Of a hidden calendar the change feed', () => {
  it('says that it is gone, forgets what it told of its events, and tells nothing more until it is shown again', async () => {
    const { calendar, told } = await readWhole([lunch('lunch')]);
    calendar.account.put(lunch('dinner', 2));
    await sync(calendar);
    expect(kinds(await told())).toEqual(['added 2026-11-24']);
    await setVisible(calendar, false);
    calendar.account.put(lunch('breakfast', 3));
    await sync(calendar);
    const hidden = await told();
    expect(kinds(hidden)).toEqual(['calendar-removed']);
    await setVisible(calendar, true);
    calendar.account.remove('breakfast');
    await sync(calendar);
    expect(kinds(await told(hidden.nextCursor))).toEqual(['calendar-added', 'removed 2026-11-25']);
  });

  it('says nothing of what is read while it is hidden, nor of its end', async () => {
    const calendar = await adopted();
    await shown(calendar);
    const start = await asked(calendar.userId, null);
    await setVisible(calendar, false);
    calendar.account.put(lunch('lunch'));
    await sync(calendar);
    calendar.account.forgetCursors();
    calendar.account.put(lunch('dinner', 2));
    await sync(calendar);
    await revoke(calendar);
    await shown(calendar);
    expect(kinds(await asked(calendar.userId, start.nextCursor))).toEqual([]);
  });

  it('still says that it is gone to who comes after its connection was revoked', async () => {
    const { calendar, told } = await readWhole([lunch('lunch')]);
    await setVisible(calendar, false);
    await revoke(calendar);
    expect(kinds(await told())).toEqual(['calendar-removed']);
  });

  it('does not tell a second time that it is gone when it outlives its time', async () => {
    const { calendar, told } = await readWhole([lunch('lunch')]);
    await setVisible(calendar, false);
    const hidden = await told();
    expect(kinds(hidden)).toEqual(['calendar-removed']);
    await appended(calendar, { type: 'FeedExpired', generation: 1, at: AT });
    await setVisible(calendar, true);
    expect(kinds(await told(hidden.nextCursor))).toEqual([]);
    calendar.account.forgetCursors();
    await sync(calendar);
    expect(kinds(await told(hidden.nextCursor))).toEqual(['calendar-added']);
  });
});
