import { beforeAll, expect, it } from '@jest/globals';
import { icsOf, type Item } from '../../support/calendar-item.js';
import { asks, type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import { KEPT, mentions, removable, unstated } from '../../support/held-rows.js';
import { instancesIn, lines } from '../../support/oracle.js';
import { suiteResources } from '../../support/opened.js';
import { type Radicale, startRadicale } from '../../support/radicale.js';
import { fileOf, seedItems } from '../../support/seed.js';
import { type Client, type PlainSuite, type Service } from '../../support/service.js';
import { eventually } from '../../support/store.js';
import { type ConnectionView } from '../../../src/connection/connection.contract.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../../support/whole-window.js';

const WORK = { name: 'ada.work', password: 'steam engine' };
const HOME = { name: 'ada.home', password: 'difference engine' };

const contents = asks('calendar-data');

const texts = (items: readonly Item[]) => new Map(items.map((item) => [fileOf(item), icsOf(item)]));
const shownOf = (items: readonly Item[]) => lines(items.flatMap((item) => instancesIn(icsOf(item), wholeWindow)));

export const revoke: PlainSuite = {
  title: 'sync-rule 12: a person with two accounts who revokes one in the middle of its first reading',
  suite: (plain) => {
    const workItems = seedItems({ events: 400, seed: 7, from: new Date(today) });
    const homeItems = seedItems({ events: 40, seed: 8, from: new Date(today) });
    const opened = suiteResources();
    let radicale: Radicale;
    let workDoor: FaultProxy;
    let homeDoor: FaultProxy;
    let service: Service;
    let ada: Client;
    let eve: Client;
    let home: ConnectionView;
    let work: ConnectionView;
    let homeCalendar: string;
    let requestsAtAnswer: number;

    beforeAll(async () => {
      radicale = await opened(startRadicale([WORK, HOME]));
      [workDoor, homeDoor] = [await opened(startFaultProxy(radicale.url)), await opened(startFaultProxy(radicale.url))];
      service = plain();
      [ada, eve] = [await service.as('leaver'), await service.as('eve')];
      await radicale.seed(await radicale.makeCalendar('projects'), texts(workItems));
      homeCalendar = await radicale.makeCalendar('family', {}, HOME.name);
      await radicale.seed(homeCalendar, texts(homeItems));
      home = await ada.connect({ url: homeDoor.url, user: HOME.name, password: HOME.password });
      await ada.settled();
    });

    const idsOf = ({ connectionId, calendars }: ConnectionView) => ({
      connectionId,
      calendarIds: calendars.map(({ calendarId }) => calendarId),
    });
    const kept = (view: ConnectionView) => removable(service.rows, idsOf(view));

    it('gets the answer that it is revoked while objects are being fetched', async () => {
      let fetches = 0;
      // The days people look at first come in; then the server falls silent over the rest.
      workDoor.inject({ when: (seen) => contents(seen) && (fetches += 1) === 2, delivery: 'stalls' });
      work = await ada.connect({ url: workDoor.url, user: WORK.name, password: WORK.password });
      await eventually('some of it is shown', async () => fetches >= 2 && (await kept(work))['user_calendar_events'] !== 0);
      const { status, body } = await ada.request<ConnectionView>('DELETE', `/v1/calendar/connections/${work.connectionId}`);
      requestsAtAnswer = workDoor.seen.length;
      expect([status, body.status]).toEqual([202, 'revoked']);
    });

    it('leaves no row, secret or key of the account within seconds', async () => {
      const nothing = Object.fromEntries(Object.keys(await kept(work)).map((name) => [name, 0]));
      await eventually('nothing is kept', async () => Object.values(await kept(work)).every((count) => count === 0));
      expect(await kept(work)).toEqual(nothing);
      const mentioned = Object.keys(await mentions(service.rows, idsOf(work)));
      expect(mentioned.filter((table) => !KEPT.includes(table))).toEqual([]);
      expect(await unstated(service.rows)).toEqual([]);
    });

    it('reads that it is revoked, and none of its events', async () => {
      const { status, body } = await ada.request<ConnectionView>('GET', `/v1/calendar/connections/${work.connectionId}`);
      expect([status, body]).toEqual([200, expect.objectContaining({ status: 'revoked', account: null, calendars: [] })]);
      expect(lines(await ada.events(WHOLE_WINDOW))).toEqual(shownOf(homeItems));
    });

    it('cannot sync or reconnect it', async () => {
      const { connectionId } = work;
      expect(await ada.request('POST', '/v1/calendar/sync', { connectionId })).toMatchObject({ status: 404 });
      const credentials = { serverUrl: workDoor.url, username: WORK.name, password: WORK.password };
      expect(await ada.request('POST', `/v1/calendar/connections/${connectionId}/reconnect`, { credentials })).toMatchObject({
        status: 409,
      });
    });

    it('still syncs and reads the other account', async () => {
      const [first, ...others] = homeItems;
      if (first === undefined) throw new Error('Nothing was seeded.');
      const renamed = { ...first, master: { ...first.master, title: 'Renamed' } };
      await radicale.put(homeCalendar, fileOf(first), icsOf(renamed));
      expect(await ada.sync({ connectionId: home.connectionId })).toMatchObject({ state: 'done' });
      expect(lines(await ada.events(WHOLE_WINDOW))).toEqual(shownOf([renamed, ...others]));
      expect((await kept(home))['vault']).toBeGreaterThan(0);
    });

    it('is the only one who finds it', async () => {
      for (const { connectionId } of [home, work]) {
        const path = `/v1/calendar/connections/${connectionId}`;
        const credentials = { serverUrl: homeDoor.url, username: HOME.name, password: HOME.password };
        const asked = [
          await eve.request('GET', path),
          await eve.request('DELETE', path),
          await eve.request('POST', `${path}/reconnect`, { credentials }),
          await eve.request('POST', '/v1/calendar/sync', { connectionId }),
        ];
        expect(asked.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
      }
      expect(await eve.events(WHOLE_WINDOW)).toEqual([]);
    });

    it('sends no request to its server any more, while the other account is read again and again', async () => {
      const last = async (): Promise<string> => {
        const [row] = await service.rows<{ last: string }>(
          'select last_success_at::text as last from sync_state where connection_id = $1',
          [home.connectionId],
        );
        return row?.last ?? '';
      };
      for (let reading = 0; reading < 2; reading += 1) {
        const before = await last();
        // All that could be read is due, of either account.
        await service.rows(`update sync_state set due_at = now()`);
        await service.rows('notify sync_state');
        await eventually('it is read by itself', async () => (await last()) !== before);
      }
      expect(workDoor.seen.slice(requestsAtAnswer)).toEqual([]);
    });

    it('can connect the account again', async () => {
      workDoor.clear();
      const again = await ada.connect({ url: workDoor.url, user: WORK.name, password: WORK.password });
      expect(again.connectionId).not.toBe(work.connectionId);
      await ada.settled();
      const shown = await ada.events(WHOLE_WINDOW);
      const [calendar] = again.calendars;
      expect(lines(shown.filter(({ calendarId }) => calendarId === calendar?.calendarId))).toEqual(shownOf(workItems));
    });
  },
};
