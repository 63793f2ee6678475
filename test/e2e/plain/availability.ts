import { beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { EventStoreDBClient } from '@eventstore/db-client';
import { DAY, HOUR } from '../../support/calendar-item.js';
import { suiteResources } from '../../support/opened.js';
import { type Radicale, startRadicale } from '../../support/radicale.js';
import { type Client, type PlainSuite, type Service } from '../../support/service.js';
import { eventually } from '../../support/store.js';
import { type OwnAvailability, type TeamAvailability } from '../../../src/availability/availability.contract.js';

const PATH = '/v1/calendar/availability';
const ADA = { name: 'ada', password: 'steam engine' };
const BEN = { name: 'ben', password: 'difference engine' };

const tomorrow = Math.floor(Date.now() / DAY) * DAY + DAY;
const iso = (hours: number): string => new Date(tomorrow + hours * HOUR).toISOString();
const span = (from: number, to: number) => ({ start: iso(from), end: iso(to) });
const range = `${iso(0)}/${iso(24)}`;
const SECRET = 'Divorce lawyer';

/** An hour, told in UTC. */
const meeting = (uid: string, hour: number, lines: readonly string[] = []) => {
  const stamp = (at: number): string => iso(at).replaceAll(/[-:]|\.\d+/g, '');
  const event = [`UID:${uid}`, `DTSTAMP:${stamp(0)}`, `DTSTART:${stamp(hour)}`, `DTEND:${stamp(hour + 1)}`, `SUMMARY:${SECRET}`, ...lines];
  const ics = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', 'BEGIN:VEVENT', ...event, 'END:VEVENT', 'END:VCALENDAR', ''];
  return { file: `${uid}.ics`, ics: ics.join('\r\n') };
};

/** What the log says of who looked at whose data. */
const recorded = async (service: Service): Promise<readonly unknown[]> => {
  const client = EventStoreDBClient.connectionString(await service.eventStoreUrl());
  const facts: unknown[] = [];
  for await (const { event } of client.readAll()) if (event?.streamId.startsWith('access-') === true) facts.push(event.data);
  await client.dispose();
  return facts;
};

export const availability: PlainSuite = {
  title: 'When people are busy',
  suite: (plain) => {
    const opened = suiteResources();
    let radicale: Radicale;
    let service: Service;
    let ada: Client;
    let ben: Client;
    let home: string;

    beforeAll(async () => {
      radicale = await opened(startRadicale([ADA, BEN]));
      service = plain();
      ada = await service.as('ada', ['blue', 'red']);
      ben = await service.as('ben', ['red']);
      const work = await radicale.makeCalendar('work', { displayname: 'work' }, ADA.name);
      home = await radicale.makeCalendar('home', { displayname: 'home' }, ADA.name);
      const bens = await radicale.makeCalendar('work', {}, BEN.name);
      const tentative = meeting('maybe', 15, ['STATUS:TENTATIVE']);
      for (const item of [meeting('both', 9), meeting('next', 10), meeting('free', 12, ['TRANSP:TRANSPARENT']), tentative])
        await radicale.put(work, item.file, item.ics);
      for (const item of [meeting('both', 9), meeting('dentist', 18)]) await radicale.put(home, item.file, item.ics);
      const early = meeting('early', 7);
      await radicale.put(bens, early.file, early.ics);
      await ada.connect({ url: radicale.url, user: ADA.name, password: ADA.password });
      await ben.connect({ url: radicale.url, user: BEN.name, password: BEN.password });
      await Promise.all([ada.settled(), ben.settled()]);
    });

    const mine = async (asked = range) => (await ada.request<OwnAvailability>('GET', `${PATH}?range=${asked}`)).body;
    const team = (client: Client, body: Readonly<Record<string, unknown>>) =>
      client.request<TeamAvailability & { code?: string }>('POST', PATH, { range, ...body });
    const settings = async (change: unknown): Promise<void> => {
      expect((await ada.request('PATCH', '/v1/calendar/settings', change)).status).toBe(200);
    };
    const calendarNamed = async (name: string): Promise<string> => {
      const { body } = await ada.request<{ calendars: { name: string; calendarId: string }[] }>('GET', '/v1/calendar/settings');
      return body.calendars.find((calendar) => calendar.name === name)?.calendarId ?? '';
    };

    it('is one list of times from all calendars of a person, without what they do then', async () => {
      const answer = await mine();
      expect(answer).toMatchObject({ range: span(0, 24), busy: [span(9, 11), span(15, 16), span(18, 19)], unknown: [] });
      expect(answer.freshness.map(({ state }) => state)).toEqual(['fresh', 'fresh']);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    });

    it('leaves out what is tentative if they say so, and what is hidden', async () => {
      const calendarId = await calendarNamed('home');
      await settings({ tentativeIsBusy: false, calendars: [{ calendarId, visible: false }] });
      expect(await mine()).toMatchObject({ busy: [span(9, 11)], unknown: [] });
      const shown = await ada.events(range);
      expect(shown.map(({ start }) => start)).toEqual([iso(9), iso(10), iso(12), iso(15)]);
      expect(shown.every(({ copies }) => copies.length === 0)).toBe(true);
      const party = meeting('party', 21);
      await radicale.put(home, party.file, party.ics);
      await ada.sync();
      expect(await mine()).toMatchObject({ busy: [span(9, 11)] });
      await settings({ tentativeIsBusy: true, calendars: [{ calendarId, visible: true }] });
      expect(await mine()).toMatchObject({ busy: [span(9, 11), span(15, 16), span(18, 19), span(21, 22)] });
    });

    it('is unknown, never free, where nothing was read', async () => {
      const far = `${iso(380 * 24)}/${iso(420 * 24)}`;
      const { busy, unknown } = await mine(far);
      expect([busy, unknown]).toEqual([[], [{ start: expect.any(String), end: iso(420 * 24) }]]);
      const eve = await service.as('eve');
      expect((await eve.request('GET', `${PATH}?range=${range}`)).body).toMatchObject({ busy: [], unknown: [span(0, 24)], freshness: [] });
    });

    it('is told to those who share a team, as times only', async () => {
      const { status, body } = await team(ben, { users: ['ben', 'ada'] });
      expect([status, body.users.map(({ userId, busy }) => [userId, busy.length])]).toEqual([
        200,
        [
          ['ben', 1],
          ['ada', 4],
        ],
      ]);
      expect(Object.keys(body.users[1] ?? {}).sort()).toEqual(['busy', 'unknown', 'unreadable', 'userId']);
      expect(body.slots).toBeNull();
      expect(JSON.stringify(body)).not.toContain(SECRET);
    });

    it('is told to no other person, who cannot even learn whether a person exists', async () => {
      const eve = await service.as('eve', ['green']);
      for (const users of [['ada'], ['unknown-person'], ['eve', 'ada']]) {
        const { status, body } = await team(eve, { users });
        expect([status, body.code]).toEqual([404, 'availability.unknown-person']);
      }
      expect((await team(eve, { users: ['eve'] })).status).toBe(200);
      const left = await service.as('ben', []);
      expect((await team(left, { users: ['ada'] })).status).toBe(404);
      expect((await team(ada, { users: ['ben'] })).status).toBe(404);
      await service.as('ben', ['red']);
      expect((await team(ada, { users: ['ben'] })).status).toBe(200);
    });

    it('is told to no other person without a record of who looked at whose time, and of nothing in it', async () => {
      const before = (await recorded(service)).length;
      const ofBen = {
        actor: 'ada',
        subject: 'ben',
        purpose: 'availability',
        route: `POST ${PATH}`,
        outcome: 'granted',
        at: expect.any(String),
      };
      expect((await team(ada, { users: ['ada', 'ben'] })).status).toBe(200);
      expect((await team(ada, { users: ['ada'] })).status).toBe(200);
      expect((await team(ada, { users: ['ben', 'unknown-person'] })).status).toBe(404);
      expect((await recorded(service)).slice(before)).toEqual([ofBen, { ...ofBen, subject: null, outcome: 'refused' }]);
    });

    it('leaves one record however often it is asked under one Idempotency-Key: what is answered again was looked at once', async () => {
      const before = (await recorded(service)).length;
      const headers = { 'idempotency-key': randomUUID() };
      const asked = { range, users: ['ada', 'ben'] };
      const [first, again] = [await ada.request('POST', PATH, asked, headers), await ada.request('POST', PATH, asked, headers)];
      expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true']);
      expect(again.body).toEqual(first.body);
      expect((await recorded(service)).slice(before)).toEqual([
        expect.objectContaining({ actor: 'ada', subject: 'ben', outcome: 'granted' }),
      ]);
    });

    it('leaves slots in which they can meet, in their working hours', async () => {
      const nine = [{ start: '09:00', end: '17:00' }];
      const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
      await settings({ timeZone: 'UTC', workingHours: Object.fromEntries(days.map((day) => [day, nine])) });
      const asked = { users: ['ada', 'ben'], durationMinutes: 60, buffers: { afterMinutes: 30 } };
      const { body } = await team(ada, asked);
      expect(body.slots).toEqual(
        [span(11, 12), span(12, 13), span(13, 14), span(16, 17)].map((slot) => ({ ...slot, free: ['ada', 'ben'] })),
      );
      const { body: early } = await team(ada, { ...asked, workingHours: false, quorum: 1, range: `${iso(6)}/${iso(9)}` });
      expect(early.slots?.map(({ start, free }) => [start, free.join()])).toEqual([
        [iso(6), 'ada'],
        [iso(7), 'ada'],
        [iso(8), 'ben'],
      ]);
    });

    it('can be asked for at the ends of time', async () => {
      for (const asked of ['0001-01-01/0001-01-03', '9999-12-30/9999-12-31']) {
        const { status, body } = await team(ada, {
          users: ['ada'],
          range: asked,
          durationMinutes: 60,
          buffers: { beforeMinutes: 240, afterMinutes: 240 },
        });
        expect([status, body.slots, body.users[0]?.unknown.length]).toEqual([200, [], 1]);
        expect((await mine(asked)).unknown).toHaveLength(1);
      }
    });

    it.each([
      ['no person', { users: [] }],
      ['somebody twice', { users: ['ada', 'ada'] }],
      ['more people to come than there are', { users: ['ada'], durationMinutes: 30, quorum: 2 }],
      ['a slot of no length', { users: ['ada'], durationMinutes: 0 }],
      ['an unknown field', { users: ['ada'], titles: true }],
    ])('is not told for %s', async (_, body) => {
      expect(await team(ada, body)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    });

    it('is unknown where a calendar can no longer be read; what was seen last stays busy', async () => {
      await radicale.stop();
      // A fault that may pass by itself is told when it has outlasted the freshness of the last good reading.
      await service.rows(`update sync_state set fresh_until = fresh_until - interval '16 minutes'`);
      await ada.request('POST', '/v1/calendar/sync', {});
      await eventually('the connection is said to fail', async () => {
        const { body } = await ada.request<{ items: readonly { status: string }[] }>('GET', '/v1/calendar/connections');
        return body.items.some(({ status }) => status === 'failing');
      });
      const answer = await eventually('it is known that it cannot be read', async () => {
        const told = await mine();
        return told.unknown.length > 0 ? told : null;
      });
      expect(answer.busy).toEqual([span(9, 11), span(15, 16), span(18, 19), span(21, 22)]);
      expect(answer.unknown).toEqual([span(0, 9), span(11, 15), span(16, 18), span(19, 21), span(22, 24)]);
      const { body } = await team(ada, { users: ['ada'], durationMinutes: 30 });
      expect(body.slots).toEqual([]);
    });
  },
};
