import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SyncNow } from '../../src/sync/sync.commands.js';
import { SyncNowHandler } from '../../src/sync/sync-now.handler.js';
import { Refused } from '../../src/kernel/refused.js';
import {
  type Adopted,
  adopted,
  adoptedTwo,
  lunch,
  passTime,
  presentOf,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Asks for a sync of all calendars of their owner, or of this one; answers how many are read, or why none is. */
const asked = async ({ userId, calendarId }: Adopted, full: boolean, all = false): Promise<number | Refused> => {
  const handler = new SyncNowHandler(stores.database, { now: presentOf }, { sync: MINUTE, full: HOUR });
  const actor = { userId, roles: [], teams: [] } as unknown as SyncNow['actor'];
  const syncId = randomUUID();
  try {
    await handler.execute(new SyncNow(actor, { connectionId: null, calendarId: all ? null : calendarId }, full, syncId));
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  return (await stores.database.query('select 1 from sync_run where sync_id = $1', [syncId])).length;
};

describe('A whole reading that is asked for', () => {
  it('is made once an hour of a calendar, and what changed may be read in between', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a'));
    await sync(calendar);
    expect(await asked(calendar, true)).toBe(1);
    expect(await stateOf(calendar)).toMatchObject({ full_requested: true });
    passTime(2 * MINUTE);
    expect(await asked(calendar, true)).toMatchObject({ code: 'sync.too-often', status: 429, retryAfter: 58 * 60 });
    expect(await asked(calendar, false)).toBe(1);
    passTime(58 * MINUTE);
    expect(await asked(calendar, true)).toBe(1);
  });

  it('is made of as much as is left of the budget, by what the last reading brought', async () => {
    const [work, home] = await adoptedTwo();
    for (const calendar of [work, home]) {
      calendar.account.put(lunch('a'), lunch('b'));
      await sync(calendar);
    }
    expect(await stores.database.query('select objects from sync_state where user_id = $1', [work.userId])).toEqual([
      { objects: 2 },
      { objects: 2 },
    ]);
    await stores.database.query('update sync_state set objects = 150000 where user_id = $1', [work.userId]);
    expect(await asked(work, true, true)).toBe(1);
    passTime(2 * MINUTE);
    expect([await asked(work, true, true), await asked(home, true, true)]).toMatchObject([
      { code: 'sync.too-often' },
      { code: 'sync.too-often' },
    ]);
  });

  it('is made of no more when two requests come at once', async () => {
    const [work, home] = await adoptedTwo();
    await stores.database.query('update sync_state set objects = 150000 where user_id = $1', [work.userId]);
    const answers = await Promise.all([asked(work, true), asked(home, true)]);
    expect(answers.filter((answer) => answer === 1)).toHaveLength(1);
    expect(answers.find((answer) => answer !== 1)).toMatchObject({ code: 'sync.too-often' });
  });
});
