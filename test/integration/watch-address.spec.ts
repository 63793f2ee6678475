import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { MINUTE } from '../../src/kernel/clock.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { type Push } from '../../src/provider/push.js';
import { lookAgain } from '../../src/watch/watch.sql.js';
import { suiteResources } from '../support/opened.js';
import {
  channelRows,
  heard,
  startWatching,
  tend,
  type WatchedCalendar,
  type Watching,
  watchStanding,
} from '../support/watched-calendar.js';

const opened = suiteResources();
let watching: Watching;
beforeAll(async () => {
  watching = await opened(startWatching());
});
beforeEach(() => {
  watching.sandbox.switchOff();
});

const standing = (calendar: WatchedCalendar) => watchStanding(watching, calendar);
const statesOf = async (calendar: WatchedCalendar) => (await channelRows(watching, calendar)).map(({ state }) => state);
/** Where the simulator sends the notifications of a calendar. */
const addressesOf = async (calendar: WatchedCalendar) => {
  const mine = new Set((await channelRows(watching, calendar)).map(({ channel_id }) => channel_id));
  return watching.sandbox.channels().flatMap(({ id, address }) => (mine.has(id) ? [address] : []));
};
const factTypes = async ({ calendarId }: WatchedCalendar) =>
  (await watching.stores.store.load(`calendar-${calendarId}`, calendarCodec)).slice(1).map(({ type }) => type);
/** One calendar with a live channel that was heard of. */
const watched = async (): Promise<WatchedCalendar> => {
  const calendar = await watching.adopted();
  await tend(watching, calendar);
  await heard(watching, calendar);
  await tend(watching, calendar);
  return calendar;
};

describe('A service whose address has changed', () => {
  const [moved, soon] = ['http://127.0.0.1:9/moved', 10 * MINUTE];
  const here = (address: string) => new Map([['google', address]]);

  it('has the channels of the address before replaced from its start on, one after the other, each with an overlap', async () => {
    const calendars = [await watched(), await watched(), await watched()];
    watching.clock.move(soon);
    await lookAgain(watching.stores.database, watching.clock, here(moved));
    const dues = await Promise.all(calendars.map(async (calendar) => (await standing(calendar)).dueIn));
    expect(new Set(dues).size).toBe(calendars.length);
    for (const dueIn of dues) expect(dueIn).toBeLessThan(MINUTE);
    const [calendar] = calendars;
    if (calendar === undefined) throw new Error('there is no calendar');
    watching.clock.move(MINUTE);
    await tend(watching, calendar, { webhookOf: () => moved });
    expect(await statesOf(calendar)).toEqual(['old', 'live']);
    expect(await addressesOf(calendar)).toEqual([watching.listener.url, moved]);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null });
    watching.clock.move(2 * MINUTE);
    await heard(watching, calendar);
    await tend(watching, calendar, { webhookOf: () => moved });
    expect(await addressesOf(calendar)).toEqual([moved]);
    expect(await factTypes(calendar)).toEqual(['WatchOpened']);
  });

  it('has a channel of the address before stopped at once where its service takes one of a calendar at a time', async () => {
    const calendar = await watched();
    const before = new Set(watching.sandbox.channels().map(({ id }) => id));
    watching.clock.move(soon);
    const { push } = watching.provider;
    if (push === null) throw new Error('Google tells of changes');
    const strict: Push = {
      ...push,
      open: async (grant, address, order, call) => {
        const [mine] = await channelRows(watching, calendar);
        if (watching.sandbox.channels().some(({ id }) => id === mine?.channel_id && before.has(id)))
          throw new ProviderFault('conflict', 'there is a subscription to this calendar already');
        return push.open(grant, address, order, call);
      },
    };
    const providers = new Map([['google', { ...watching.provider, push: strict }]]);
    await tend(watching, calendar, { webhookOf: () => moved, providers });
    expect(await addressesOf(calendar)).toEqual([moved]);
    expect(await standing(calendar)).toMatchObject({ mode: 'pushed', reason: null, failures: 0 });
  });

  it('leaves the channels of its address as they are', async () => {
    const calendar = await watched();
    const { dueIn } = await standing(calendar);
    await lookAgain(watching.stores.database, watching.clock, here(watching.listener.url));
    expect((await standing(calendar)).dueIn).toBe(dueIn);
  });

  it('has a channel replaced of which it is not known where it goes', async () => {
    const calendar = await watched();
    await watching.stores.database.query('update watch_channel set address = null where calendar_id = $1', [calendar.calendarId]);
    watching.clock.move(soon);
    await lookAgain(watching.stores.database, watching.clock, here(watching.listener.url));
    expect((await standing(calendar)).dueIn).toBeLessThan(MINUTE);
    await tend(watching, calendar);
    expect(await statesOf(calendar)).toEqual(['old', 'live']);
  });

  it('does not rely on a channel of the address before while another cannot be opened', async () => {
    const calendar = await watched();
    watching.clock.move(soon);
    watching.sandbox.switchOn({ fault: 'broken' });
    await tend(watching, calendar, { webhookOf: () => moved });
    expect(await standing(calendar)).toMatchObject({ mode: 'polled', reason: 'push.unhealthy', failures: 1 });
    expect(await addressesOf(calendar)).toContain(watching.listener.url);
  });

  it('sync-rule 33: opens no channel at every look beside a process with another address', async () => {
    const calendar = await watched();
    watching.clock.move(soon);
    for (let time = 0; time < 4; time += 1) {
      await tend(watching, calendar, { webhookOf: () => (time % 2 === 0 ? moved : watching.listener.url) });
      watching.clock.move(2 * MINUTE);
    }
    // One at once, and none until ten minutes after it.
    expect(await statesOf(calendar)).toEqual(['live']);
    expect(await addressesOf(calendar)).toEqual([moved]);
  });
});
