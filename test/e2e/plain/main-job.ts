import { beforeAll, expect, it } from '@jest/globals';
import { suiteResources } from '../../support/opened.js';
import { dayFromNow as day, icsOfEvent, stampOn } from '../../support/events.js';
import { type Radicale, startRadicale } from '../../support/radicale.js';
import { type Client, type PlainSuite, type Service } from '../../support/service.js';

const week = `${day(0)}/${day(8)}`;

export const mainJob: PlainSuite = {
  title: 'A newcomer',
  suite: (plain) => {
    const opened = suiteResources();
    let radicale: Radicale;
    let service: Service;
    let me: Client;
    let calendar: string;

    beforeAll(async () => {
      radicale = await opened(startRadicale());
      service = plain();
      me = await service.as('newcomer');
      calendar = await radicale.makeCalendar('work', { displayname: 'Work', color: '#0b8043ff' });
      await radicale.put(
        calendar,
        'lunch.ics',
        icsOfEvent('lunch', [
          `DTSTART:${stampOn(day(2), '120000')}`,
          `DTEND:${stampOn(day(2), '130000')}`,
          'SUMMARY:Lunch',
          'LOCATION:Canteen',
        ]),
      );
    });

    it('is told what can be connected', async () => {
      const { body } = await me.request<{ provider: string }[]>('GET', '/v1/calendar/providers');
      expect(body.map(({ provider }) => provider)).toEqual(['google', 'microsoft', 'apple', 'caldav']);
    });

    it('cannot connect without consent', async () => {
      const { status, body } = await me.request('POST', '/v1/calendar/connections', { provider: 'caldav' });
      expect([status, body]).toEqual([422, expect.objectContaining({ code: 'consent.required' })]);
    });

    it('is told when the password is wrong', async () => {
      const credentials = { serverUrl: radicale.url, username: radicale.user, password: 'guessed' };
      const { status, body } = await me.request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
      expect([status, body]).toEqual([422, expect.objectContaining({ code: 'connection.credentials-refused' })]);
    });

    it('links an account and reads its events in the merged calendar', async () => {
      const connection = await me.connect(radicale);
      expect(connection).toMatchObject({
        provider: 'caldav',
        account: radicale.user,
        calendars: [{ name: 'Work', color: '#0b8043', mode: 'read_only' }],
      });
      await me.settled();
      const [lunch, ...others] = await me.events(week);
      expect(others).toEqual([]);
      expect(lunch).toMatchObject({
        title: 'Lunch',
        location: 'Canteen',
        start: `${day(2)}T12:00:00.000Z`,
        end: `${day(2)}T13:00:00.000Z`,
        busy: 'busy',
      });
    });

    it('cannot connect the same account twice', async () => {
      const credentials = { serverUrl: radicale.url, username: radicale.user, password: radicale.password };
      const { status, body } = await me.request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
      expect([status, body]).toEqual([409, expect.objectContaining({ code: 'connection.exists' })]);
    });

    it('sees a change after asking for a sync', async () => {
      await radicale.put(
        calendar,
        'lunch.ics',
        icsOfEvent('lunch', [`DTSTART:${stampOn(day(3), '120000')}`, `DTEND:${stampOn(day(3), '123000')}`, 'SUMMARY:Late lunch']),
      );
      expect(await me.sync()).toMatchObject({ state: 'done' });
      expect(await me.events(week)).toMatchObject([{ title: 'Late lunch', start: `${day(3)}T12:00:00.000Z` }]);
    });

    it('lets Juy write to a calendar, and can read at once that it does', async () => {
      const { body } = await me.request<{ calendars: { calendarId: string; mode: string }[] }>('GET', '/v1/calendar/settings');
      const calendarId = body.calendars[0]?.calendarId;
      const changed = await me.request('PATCH', '/v1/calendar/settings', { calendars: [{ calendarId, mode: 'write' }] });
      expect(changed).toMatchObject({ status: 200, body: { calendars: [{ calendarId, mode: 'write' }] } });
      const stale = await me.request(
        'PATCH',
        '/v1/calendar/settings',
        { calendars: [{ calendarId, mode: 'read_only' }] },
        { 'if-match': '"0"' },
      );
      expect([stale.status, stale.body]).toEqual([412, expect.objectContaining({ code: 'request.stale' })]);
    });

    it('sees nothing of anybody else', async () => {
      const stranger = await service.as('eve');
      expect(await stranger.events(week)).toEqual([]);
      const { body } = await me.request<{ items: { connectionId: string }[] }>('GET', '/v1/calendar/connections');
      const path = `/v1/calendar/connections/${body.items[0]?.connectionId ?? ''}`;
      for (const method of ['GET', 'DELETE']) expect((await stranger.request(method, path)).status).toBe(404);
    });
  },
};
