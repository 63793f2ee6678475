import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { icsOf } from '../support/calendar-item.js';
import { anything, type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { suiteResources } from '../support/opened.js';
import { startRadicale } from '../support/radicale.js';
import { fileOf, seedItems } from '../support/seed.js';
import { startService } from '../support/service.js';
import { eventually } from '../support/store.js';

/** Of each person. With four places each, more than the half of all that one person may have. */
const SERVERS = 3;
const CALENDARS = 5;
/** Calendars that a process reads at a time; those of servers that were slow before, as all are on a slow machine, have half of the places. */
const PLACES = 20;
/** A process looks for work every two seconds at least, in milliseconds. */
const LOOK = 2_500;

describe('Calendar servers that take every request and never answer', () => {
  const opened = suiteResources();

  it('keep no other person waiting, however many of their calendars are due', async () => {
    const radicale = await opened(startRadicale());
    const work = await radicale.makeCalendar('work');
    for (let index = 1; index < CALENDARS; index += 1) await radicale.makeCalendar(`other-${index}`);
    const [item] = seedItems({ events: 1, seed: 7, from: new Date() });
    if (item === undefined) throw new Error('nothing was made up');
    const service = await opened(startService());
    const slow: FaultProxy[] = [];
    const unlucky = await Promise.all(['unlucky', 'luckless'].map((name) => service.as(name)));
    for (const person of unlucky)
      for (let index = 0; index < SERVERS; index += 1) {
        const proxy = await opened(startFaultProxy(radicale.url));
        slow.push(proxy);
        await person.connect({ ...radicale, url: proxy.url });
      }
    const lucky = await service.as('lucky');
    await lucky.connect(radicale);
    await Promise.all([...unlucky, lucky].map((person) => person.settled()));
    for (const proxy of slow) {
      proxy.clear();
      proxy.inject({ when: anything, delivery: 'nothing' });
    }
    for (const person of unlucky) expect((await person.request('POST', '/v1/calendar/sync', {})).status).toBe(202);
    const waiting = () =>
      service.rows(`select calendar_id, epoch from sync_state where user_id <> 'lucky' and claimed_until is not null order by 1`);
    const before = await eventually('every place they may have is taken by one that waits for an answer', async () => {
      const now = await waiting();
      if (now.length < PLACES / 2) return null;
      await sleep(LOOK);
      return isDeepStrictEqual(now, await waiting()) ? now : null;
    });
    const readsOn = async (): Promise<void> => {
      await radicale.put(work, fileOf(item), icsOf(item));
      expect(await lucky.sync()).toMatchObject({ state: 'done' });
    };
    await readsOn();
    // None has been given up, which happens after a minute at the earliest: the other person waited for no place of theirs.
    expect(await waiting()).toEqual(expect.arrayContaining([...before]));
    await readsOn();
  });
});
