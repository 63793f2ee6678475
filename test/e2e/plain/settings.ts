import { beforeAll, expect, it } from '@jest/globals';
import { dayFromNow as day, icsOfEvent, stampOn } from '../../support/events.js';
import { suiteResources } from '../../support/opened.js';
import { type Radicale, startRadicale } from '../../support/radicale.js';
import { type Client, type PlainSuite, type Service } from '../../support/service.js';
import { eventually } from '../../support/store.js';
import { type ConnectionView } from '../../../src/connection/connection.contract.js';
import { type SettingsView } from '../../../src/preference/settings.contract.js';

const SETTINGS = '/v1/calendar/settings';
const CONNECTIONS = '/v1/calendar/connections';
const HOURS = {
  monday: [
    { start: '09:00', end: '12:30' },
    { start: '13:30', end: '17:00' },
  ],
  friday: [{ start: '10:00', end: '14:00' }],
};

export const settings: PlainSuite = {
  title: 'What a person chooses',
  suite: (plain) => {
    const opened = suiteResources();
    let radicale: Radicale;
    let service: Service;
    let me: Client;

    beforeAll(async () => {
      radicale = await opened(startRadicale());
      service = plain();
      me = await service.as('chooser');
      for (const name of ['work', 'home']) await radicale.makeCalendar(name, { displayname: name });
      await me.connect(radicale);
      await me.settled();
    });

    const read = async (): Promise<SettingsView & { tag: string }> => {
      const { body, headers } = await me.request<SettingsView>('GET', SETTINGS);
      return { ...body, tag: headers.get('etag') ?? '' };
    };
    const change = (body: unknown, ifMatch?: string) =>
      me.request<SettingsView & { code?: string }>('PATCH', SETTINGS, body, ifMatch === undefined ? {} : { 'if-match': ifMatch });
    const named = async (name: string) => {
      const found = (await read()).calendars.find((calendar) => calendar.name === name);
      if (found === undefined) throw new Error(`there is no calendar ${name}`);
      return found;
    };
    const refused = async (answer: ReturnType<typeof change>) => {
      const { status, body } = await answer;
      return [status, body.code];
    };

    it('is careful until they say otherwise', async () => {
      const careful = { mode: 'read_only', privacy: 'busy_only', visible: true, adopted: true };
      expect(await read()).toMatchObject({
        calendars: [careful, careful],
        timeZone: null,
        workingHours: null,
        tentativeIsBusy: true,
        focusTimeIsBusy: true,
        externalChanges: 'accept',
      });
    });

    it('is what they read from then on, in one answer', async () => {
      const { calendarId } = await named('work');
      const answer = await change({
        calendars: [{ calendarId, mode: 'write', privacy: 'full', visible: false }],
        timeZone: 'Europe/Paris',
        workingHours: HOURS,
        tentativeIsBusy: false,
        focusTimeIsBusy: false,
        externalChanges: 'ask',
      });
      expect(answer.status).toBe(200);
      const { tag, ...settings } = await read();
      expect([answer.body, answer.headers.get('etag')]).toEqual([settings, tag]);
      expect(settings).toMatchObject({ timeZone: 'Europe/Paris', workingHours: HOURS, externalChanges: 'ask' });
      expect(settings).toMatchObject({ tentativeIsBusy: false, focusTimeIsBusy: false });
      expect(await named('work')).toMatchObject({ mode: 'write', privacy: 'full', visible: false });
      expect(await named('home')).toMatchObject({ mode: 'read_only', privacy: 'busy_only', visible: true });
    });

    it('changes with what is named and leaves the rest', async () => {
      const { calendarId } = await named('work');
      await change({ calendars: [{ calendarId, visible: true }], workingHours: null });
      expect(await read()).toMatchObject({ timeZone: 'Europe/Paris', workingHours: null, tentativeIsBusy: false, focusTimeIsBusy: false });
      expect(await named('work')).toMatchObject({ mode: 'write', privacy: 'full', visible: true });
    });

    it('is refused whole when a part of it cannot be', async () => {
      const { calendars, tag } = await read();
      const [first, second] = calendars.map(({ calendarId }) => calendarId);
      const nobodys = '1f0c6a52-7a9e-4a5b-9a51-0d2f3c4b5a69';
      const both = {
        calendars: [
          { calendarId: first, visible: false },
          { calendarId: second, privacy: 'title_hidden' },
        ],
      };
      expect(await refused(change({ calendars: [...both.calendars, { calendarId: nobodys, mode: 'write' }] }))).toEqual([
        404,
        'calendar.unknown',
      ]);
      expect(await refused(change({ ...both, timeZone: 'Europe/Atlantis' }))).toEqual([422, 'preference.unknown-zone']);
      const nonsense = [
        { workingHours: { monday: [{ start: '17:00', end: '09:00' }] } },
        { focusTimeIsBusy: null },
        { focusTimeIsBusy: 'no' },
      ];
      for (const each of nonsense) expect(await refused(change({ ...both, ...each }))).toEqual([400, 'request.invalid']);
      expect(await refused(change({ calendars: [both.calendars[0], both.calendars[0]] }))).toEqual([400, 'request.invalid']);
      expect((await read()).tag).toBe(tag);
    });

    it('is refused when it was changed since it was read, however many calendars it is about', async () => {
      const { calendars, tag } = await read();
      const ids = calendars.map(({ calendarId }) => calendarId);
      const all = (privacy: string) => ({ calendars: ids.map((calendarId) => ({ calendarId, privacy })) });
      expect((await change(all('title_hidden'), tag)).status).toBe(200);
      expect(await refused(change(all('full'), tag))).toEqual([412, 'request.stale']);
      expect(await refused(change({ tentativeIsBusy: true }, tag))).toEqual([412, 'request.stale']);
      const { tag: now } = await read();
      const racing = await Promise.all(['full', 'busy_only'].map((privacy) => change(all(privacy), now)));
      expect(racing.map(({ status }) => status).sort()).toEqual([200, 412]);
    });

    it('is theirs alone', async () => {
      const eve = await service.as('eve');
      const { calendarId } = await named('home');
      expect((await eve.request('PATCH', SETTINGS, { calendars: [{ calendarId, visible: false }] })).status).toBe(404);
      expect((await eve.request('GET', SETTINGS)).body).toMatchObject({ calendars: [], timeZone: null });
    });

    it('lists a calendar that was made after connecting, and syncs it once they show it', async () => {
      const calendar = await radicale.makeCalendar('choir', { displayname: 'choir' });
      await radicale.put(calendar, 'rehearsal.ics', rehearsal());
      await service.rows(`update connection_state set due_at = now(), wake = true`);
      await eventually('it is listed', async () => (await read()).calendars.some(({ name }) => name === 'choir'));
      const { calendarId, ...listed } = await named('choir');
      expect(listed).toMatchObject({ adopted: false, visible: false });
      expect(await refused(change({ calendars: [{ calendarId, mode: 'write' }] }))).toEqual([409, 'calendar.not-shown']);
      expect((await change({ calendars: [{ calendarId, visible: false }] })).status).toBe(200);
      expect((await change({ calendars: [{ calendarId, visible: true, privacy: 'full' }] })).status).toBe(200);
      expect(await named('choir')).toMatchObject({ adopted: true, visible: true, privacy: 'full' });
      await me.settled();
      expect(await me.events(tomorrow)).toMatchObject([{ title: 'Rehearsal', calendarId }]);
    });

    it('is done and shown while the events of another person are on their way to the merged calendar, however long that takes', async () => {
      const { calendarId } = await named('choir');
      const release = await holdContents();
      const bob = await service.as('bob');
      await bob.connect(radicale);
      await eventually('a first sync waits to be shown', async () => (await service.rows(WAITING)).length > 0);
      for (const chosen of [{ mode: 'write' }, { privacy: 'title_hidden' }, { mode: 'read_only', privacy: 'full' }]) {
        const { status, body } = await change({ calendars: [{ calendarId, ...chosen }] });
        expect([status, body.calendars.find((each) => each.calendarId === calendarId)]).toEqual([200, expect.objectContaining(chosen)]);
      }
      expect((await change({ tentativeIsBusy: true, workingHours: HOURS, externalChanges: 'restore' })).status).toBe(200);
      // What is shown of the merged calendar itself is behind.
      expect((await change({ calendars: [{ calendarId, visible: false }] })).status).toBe(202);
      expect((await change({ timeZone: 'Asia/Tokyo' })).status).toBe(202);
      // An account is connected and connected again; its own events come later.
      const carol = await service.as('carol');
      const credentials = { serverUrl: radicale.url, username: radicale.user, password: radicale.password };
      const made = await carol.request<ConnectionView>('POST', CONNECTIONS, { provider: 'caldav', consent: true, credentials });
      expect([made.status, made.body.status]).toEqual([201, 'syncing']);
      const again = await carol.request('POST', `${CONNECTIONS}/${made.body.connectionId}/reconnect`, { credentials });
      expect(again.status).toBe(200);
      await release();
      await bob.settled();
      expect((await change({ calendars: [{ calendarId, visible: true }], timeZone: 'Europe/Paris' })).status).toBe(200);
      expect(await me.events(tomorrow)).toMatchObject([{ title: 'Rehearsal', calendarId }]);
    });

    const HOLDING = 'do $$ begin lock table event_contents in exclusive mode; perform pg_sleep(25); end $$';
    const WAITING = `select 1 from pg_locks where relation = 'event_contents'::regclass and not granted`;

    /** Keeps the contents of events from being written, until the answer is called. */
    const holdContents = async (): Promise<() => Promise<void>> => {
      const held = service.rows(HOLDING).catch(() => []);
      const holders = `select pg_cancel_backend(pid) from pg_stat_activity where query = '${HOLDING}' and state = 'active'`;
      const isHeld = `select 1 from pg_locks where relation = 'event_contents'::regclass and mode = 'ExclusiveLock' and granted`;
      await eventually('it is held', async () => (await service.rows(isHeld)).length > 0);
      return async () => {
        await service.rows(holders);
        await held;
      };
    };
  },
};

const tomorrow = `${day(1)}/${day(2)}`;

const rehearsal = (): string =>
  icsOfEvent('rehearsal', [`DTSTART:${stampOn(day(1), '190000')}`, `DTEND:${stampOn(day(1), '210000')}`, 'SUMMARY:Rehearsal']);
