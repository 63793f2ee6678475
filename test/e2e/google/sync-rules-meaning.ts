import { beforeAll, expect, it } from '@jest/globals';
import { type OwnAvailability, type TeamAvailability } from '../../../src/availability/availability.contract.js';
import { type EventBody } from '../../../src/embedded/google/event.js';
import { type EventView } from '../../../src/merged-events/events.contract.js';
import { dayFromNow } from '../../support/events.js';
import { googleHour, type GoogleLinked, type GoogleSuite, type Person, personOf } from '../../support/linked-service.js';

const SAO_PAULO = 'America/Sao_Paulo';
const ZONES = {
  days: SAO_PAULO,
  clocks: SAO_PAULO,
  unknown: SAO_PAULO,
  identity: 'UTC',
  signs: 'UTC',
  later: 'UTC',
  special: 'UTC',
  offsets: SAO_PAULO,
} as const;
type Name = keyof typeof ZONES;

const DAY_ONE = dayFromNow(2);
const addressOf = (name: Name): string => `${name}@people.example`;
const SECRET = 'zqsecretxj';

/** What a clock shows in a zone. */
const clockIn = (zone: string, instant: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' }).format(new Date(instant));

const hoursOf = (events: readonly EventView[], title: string, zone: string): readonly string[] =>
  events.filter((event) => event.title === title).map(({ start }) => clockIn(zone, start));

const zones = Object.fromEntries(Object.entries(ZONES).map(([name, zone]) => [addressOf(name as Name), zone]));

const suite = (given: () => GoogleLinked): void => {
  let linked: GoogleLinked;
  beforeAll(() => {
    linked = given();
  });

  const put = (name: Name, ...events: readonly EventBody[]): void => {
    for (const event of events) linked.google.calendars.putEvent(addressOf(name), event);
  };

  type Reader = Person & Readonly<{ connectionId: string; calendarIds: readonly string[] }>;
  const reader = async (name: Name, teams: readonly string[] = []): Promise<Reader> => {
    const person = await personOf(linked.service, name, teams);
    const { connectionId, calendars } = await linked.link(person, addressOf(name));
    await person.changes();
    return { ...person, connectionId, calendarIds: calendars.map(({ calendarId }) => calendarId) };
  };
  const busyOn = async (person: Person, range: string) =>
    (await person.request<OwnAvailability>('GET', `/v1/calendar/availability?range=${range}`)).body.busy;

  it('sync-rule 19: takes whole days as days, their end exclusive, and as busy in the zone of their calendar', async () => {
    const days = (id: string, from: number, to: number): EventBody => ({
      ...{ id, summary: id, start: { date: dayFromNow(from) }, end: { date: dayFromNow(to) } },
    });
    put('days', days('two', 10, 12), days('none', 20, 20), days('long', -40, -29), days('edge', 378, 379));
    const person = await reader('days');
    const shown = (await person.events(`${dayFromNow(5)}/${dayFromNow(30)}`)).map(({ title, start, end, allDay }) => [
      title,
      start,
      end,
      allDay,
    ]);
    expect(shown).toEqual([
      ['two', dayFromNow(10), dayFromNow(12), true],
      ['none', dayFromNow(20), dayFromNow(21), true],
    ]);
    const midnight = (day: number): string => `${dayFromNow(day)}T03:00:00.000Z`;
    expect(await busyOn(person, `${dayFromNow(9)}/${dayFromNow(30)}`)).toEqual([
      { start: midnight(10), end: midnight(12) },
      { start: midnight(20), end: midnight(21) },
    ]);
    // Another zone of the person moves nothing of a calendar that has one; at the window's edges nothing comes and goes.
    expect((await person.request('PATCH', '/v1/calendar/settings', { timeZone: 'Asia/Tokyo' })).status).toBe(200);
    expect(await busyOn(person, `${dayFromNow(9)}/${dayFromNow(15)}`)).toEqual([{ start: midnight(10), end: midnight(12) }]);
    await linked.clockwork.sweep(person, ...person.calendarIds);
    await person.sync({ full: true });
    expect(await person.changes()).toEqual([]);
  });

  it('sync-rule 20: keeps a series to the clock of its own zone through every change of the clocks', async () => {
    const yearly = { recurrence: ['RRULE:FREQ=WEEKLY;COUNT=50'] };
    put(
      'clocks',
      googleHour('paris', DAY_ONE, '09:00', 'Europe/Paris', yearly),
      googleHour('york', DAY_ONE, '18:30', 'America/New_York', yearly),
    );
    const events = await (await reader('clocks')).events(`${DAY_ONE}/${dayFromNow(360)}`);
    expect(hoursOf(events, 'paris', 'Europe/Paris')).toEqual(Array.from({ length: 50 }, () => '09:00'));
    expect(hoursOf(events, 'york', 'America/New_York')).toEqual(Array.from({ length: 50 }, () => '18:30'));
    // Expanded first and placed then: on the calendar's own clock, which does not change, their hours differ.
    expect(new Set(hoursOf(events, 'paris', SAO_PAULO)).size).toBe(2);
  });

  it('sync-rule 20: says of a series in a zone that is not known that its clock is the calendar’s, and is never UTC in silence', async () => {
    const start = `${DAY_ONE}T09:00:00-03:00`;
    put('unknown', {
      ...{ id: 'mars', summary: 'mars', start: { dateTime: start, timeZone: 'Mars/Olympus' }, recurrence: ['RRULE:FREQ=DAILY;COUNT=2'] },
      end: { dateTime: `${DAY_ONE}T10:00:00-03:00`, timeZone: 'Mars/Olympus' },
    });
    const person = await reader('unknown');
    const events = await person.events(`${DAY_ONE}/${dayFromNow(10)}`);
    expect(hoursOf(events, 'mars', SAO_PAULO)).toEqual(['09:00', '09:00']);
    const told = (await person.view(person.connectionId)).calendars[0]?.sync;
    expect(told).toMatchObject({ state: 'fresh', unreadable: 1, problems: [{ code: 'component.unknown-zone', count: 1 }] });
    expect(told?.problems[0]?.reason).toContain('time zone');
  });

  it('sync-rule 24: tells meetings apart by every letter of their ids, shows one in two calendars once, and gives no title of a private one away', async () => {
    const [shared, other] = ['c_shared@group.calendar.google.com', 'c_busy@group.calendar.google.com'];
    for (const [id, accessRole] of [
      [shared, 'owner'],
      [other, 'freeBusyReader'],
    ] as const) {
      linked.google.calendars.putCalendar({ id, summary: id, timeZone: 'UTC', watchable: false });
      linked.google.calendars.share(addressOf('identity'), id, { accessRole });
    }
    const both = { recurrence: ['RRULE:FREQ=DAILY;COUNT=3'], iCalUID: 'both@people.example' };
    put(
      'identity',
      googleHour('lower', DAY_ONE, '08:00', 'UTC', { iCalUID: 'meeting@people.example' }),
      googleHour('UPPER', DAY_ONE, '08:00', 'UTC', { iCalUID: 'MEETING@people.example' }),
      googleHour('upper', DAY_ONE, '11:00', 'UTC', { iCalUID: 'another@people.example' }),
      googleHour('both', DAY_ONE, '13:00', 'UTC', both),
      googleHour('private', DAY_ONE, '16:00', 'UTC', { summary: SECRET, visibility: 'private' }),
    );
    linked.google.calendars.putEvent(shared, googleHour('copied', DAY_ONE, '13:00', 'UTC', { ...both, summary: 'both' }));
    linked.google.calendars.putEvent(other, googleHour('theirs', DAY_ONE, '18:00', 'UTC', { summary: SECRET }));
    const person = await reader('identity', ['red']);
    const events = await person.events(`${DAY_ONE}/${dayFromNow(5)}`);
    expect(events.slice(0, 6).map(({ title, private: isPrivate, copies }) => [title, isPrivate, copies.length])).toEqual(
      expect.arrayContaining([
        ['lower', false, 0],
        ['UPPER', false, 0],
        ['upper', false, 0],
        ['both', false, 1],
        [SECRET, true, 0],
        [null, true, 0],
      ]),
    );
    expect(events.filter(({ title }) => title === 'both')).toHaveLength(3);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);

    const mate = await personOf(linked.service, 'mate', ['red']);
    const asked = { users: ['identity'], range: `${DAY_ONE}/${dayFromNow(3)}` };
    const { status, body } = await mate.request<TeamAvailability>('POST', '/v1/calendar/availability', asked);
    expect([status, body.users[0]?.busy.length]).toEqual([200, 5]);
    put('identity', googleHour('private', DAY_ONE, '17:00', 'UTC', { summary: SECRET, visibility: 'confidential' }));
    await linked.clockwork.sweep(person, ...person.calendarIds);
    const changes = await person.changes();
    expect(changes).toHaveLength(1);
    const [{ held } = { held: '' }] = await linked.service.rows<{ held: string }>(
      `select string_agg(e::text, ' ') as held from user_calendar_events e where user_id = 'identity'`,
    );
    for (const told of [body, changes, held, linked.service.output()]) expect(JSON.stringify(told)).not.toContain(SECRET);
  });

  it('sync-rule 25: counts each event by one table, which events, busy times and slots agree on', async () => {
    const self = addressOf('signs');
    const invited = (responseStatus: string): EventBody => ({
      organizer: { email: 'ivy@people.example' },
      attendees: [
        { email: 'ivy@people.example', responseStatus: 'accepted' },
        { email: self, responseStatus },
      ],
    });
    const table: readonly (readonly [string, EventBody, string])[] = [
      ['plain', {}, 'busy'],
      ['transparent', { transparency: 'transparent' }, 'free'],
      ['accepted', invited('accepted'), 'busy'],
      ['declined', invited('declined'), 'free'],
      ['unanswered', invited('needsAction'), 'needs-action'],
      ['maybe', invited('tentative'), 'tentative'],
      ['tentative', { status: 'tentative' }, 'tentative'],
      ['away', { eventType: 'outOfOffice' }, 'busy'],
      ['office', { eventType: 'workingLocation' }, 'free'],
      ['birthday', { eventType: 'birthday', visibility: 'private' }, 'free'],
      ['focus', { eventType: 'focusTime' }, 'busy'],
      ['focus shown free', { eventType: 'focusTime', transparency: 'transparent' }, 'free'],
      ['mail', { eventType: 'fromGmail' }, 'busy'],
      ['own', { organizer: { email: self }, attendees: [{ email: self, responseStatus: 'needsAction', organizer: true }] }, 'busy'],
    ];
    const readings = (): number =>
      linked.google.requests().filter(({ account, path }) => account === self && path.endsWith('/events')).length;
    const timeOf = (index: number): string => `${String(index).padStart(2, '0')}:00`;
    put('signs', ...table.map(([id, more], index) => googleHour(id, DAY_ONE, timeOf(index), 'UTC', more)));
    const person = await reader('signs');
    const range = `${DAY_ONE}T00:00:00Z/${DAY_ONE}T${timeOf(table.length)}:00Z`;
    expect((await person.events(range)).map(({ title, busy }) => [title, busy])).toEqual(table.map(([id, , busy]) => [id, busy]));
    const taken = async (): Promise<readonly (readonly [string, boolean])[]> => {
      const busy = await busyOn(person, range);
      const asked = { users: ['signs'], range, durationMinutes: 60, workingHours: false };
      const { body } = await person.request<TeamAvailability>('POST', '/v1/calendar/availability', asked);
      expect(body.users[0]?.busy).toEqual(busy);
      return table.map(([id], index) => {
        const start = `${DAY_ONE}T${timeOf(index)}:00.000Z`;
        const isTaken = busy.some((span) => span.start <= start && span.end > start);
        expect([id, body.slots?.some((slot) => slot.start === start)]).toEqual([id, !isTaken]);
        return [id, isTaken];
      });
    };
    expect(await taken()).toEqual(table.map(([id, , busy]) => [id, busy !== 'free']));
    expect((await person.request('PATCH', '/v1/calendar/settings', { tentativeIsBusy: false })).status).toBe(200);
    expect(await taken()).toEqual(table.map(([id, , busy]) => [id, busy === 'busy']));

    const countsAs = (row: (typeof table)[number], focusTimeIsBusy: boolean): string =>
      row[1]['eventType'] === 'focusTime' && !focusTimeIsBusy ? 'free' : row[2];
    await person.changes();
    const before = readings();
    for (const focusTimeIsBusy of [false, true]) {
      expect((await person.request('PATCH', '/v1/calendar/settings', { focusTimeIsBusy })).status).toBe(200);
      const expected = table.map((row) => [row[0], countsAs(row, focusTimeIsBusy)]);
      expect((await person.events(range)).map(({ title, busy }) => [title, busy])).toEqual(expected);
      expect(await taken()).toEqual(expected.map(([id, busy]) => [id, busy === 'busy']));
      // What is free in its calendar is free with either choice, so that nothing is told of it.
      const told = (await person.changes()).map(({ change, event }) => [change, event?.start, event?.busy]);
      const focus = table.findIndex(([id]) => id === 'focus');
      expect(told).toEqual([['changed', `${DAY_ONE}T${timeOf(focus)}:00.000Z`, focusTimeIsBusy ? 'busy' : 'free']]);
    }
    expect(readings()).toBe(before);
  });

  it('sync-rule 25: counts focus time that comes later as its owner has chosen, whichever came first', async () => {
    put('later', googleHour('plain', DAY_ONE, '08:00'), googleHour('turned', DAY_ONE, '09:00'));
    const person = await reader('later');
    expect((await person.request('PATCH', '/v1/calendar/settings', { focusTimeIsBusy: false })).status).toBe(200);
    const daily = { eventType: 'focusTime', recurrence: ['RRULE:FREQ=DAILY;COUNT=3'] };
    put(
      'later',
      googleHour('daily', DAY_ONE, '10:00', 'UTC', daily),
      googleHour('turned', DAY_ONE, '09:00', 'UTC', { eventType: 'focusTime' }),
    );
    await linked.clockwork.sweep(person, ...person.calendarIds);
    const range = `${DAY_ONE}/${dayFromNow(6)}`;
    const counted = async (): Promise<readonly string[]> => (await person.events(range)).map(({ title, busy }) => `${title ?? ''} ${busy}`);
    expect(await counted()).toEqual(['plain busy', 'turned free', 'daily free', 'daily free', 'daily free']);
    expect(await busyOn(person, range)).toHaveLength(1);
    expect((await person.changes()).map(({ change, event }) => `${change} ${event?.busy ?? ''}`).sort()).toEqual([
      ...['added free', 'added free', 'added free', 'changed free'],
    ]);
    expect((await person.request('PATCH', '/v1/calendar/settings', { focusTimeIsBusy: true })).status).toBe(200);
    expect(await counted()).toEqual(['plain busy', 'turned busy', 'daily busy', 'daily busy', 'daily busy']);
    expect(await busyOn(person, range)).toHaveLength(3);
    expect((await person.changes()).map(({ change, event }) => `${change} ${event?.busy ?? ''}`)).toEqual(
      Array.from({ length: 4 }, () => 'changed busy'),
    );
  });

  it('sync-rule 29: shows special events, and asks Google for nothing but to read', async () => {
    const kinds = ['outOfOffice', 'focusTime', 'workingLocation', 'birthday', 'fromGmail', 'somethingNew'] as const;
    put('special', ...kinds.map((eventType, index) => googleHour(eventType, DAY_ONE, `1${index}:00`, 'UTC', { eventType })));
    const person = await reader('special');
    expect((await person.shown()).map((line) => line.split(' ')[1])).toEqual([...kinds]);
    await linked.clockwork.sweep(person, ...person.calendarIds);
    const asked = linked.google.requests().filter(({ account, path }) => account === addressOf('special') && path.startsWith('/calendar/'));
    expect(new Set(asked.filter(({ path }) => !path.endsWith('/watch')).map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  it('sync-rule 31: reads the instant by the offset, which is the calendar’s, and the clock of a series by its own zone', async () => {
    const weekly = { recurrence: ['RRULE:FREQ=WEEKLY;COUNT=50'] };
    put(
      'offsets',
      googleHour('los angeles', DAY_ONE, '09:00', 'America/Los_Angeles', weekly),
      {
        ...{ id: 'flight', summary: 'flight', start: { dateTime: `${DAY_ONE}T10:20:00`, timeZone: 'Europe/Berlin' } },
        end: { dateTime: `${dayFromNow(3)}T06:40:00`, timeZone: 'Asia/Tokyo' },
      },
      {
        ...{ id: 'back', summary: 'back', start: { dateTime: `${dayFromNow(9)}T10:20:00`, timeZone: 'Asia/Tokyo' } },
        end: { dateTime: `${dayFromNow(9)}T12:40:00`, timeZone: 'Asia/Kolkata' },
      },
    );
    const person = await reader('offsets');
    const events = await person.events(`${DAY_ONE}/${dayFromNow(360)}`);
    expect(hoursOf(events, 'los angeles', 'America/Los_Angeles')).toEqual(Array.from({ length: 50 }, () => '09:00'));
    const flight = events.find(({ title }) => title === 'flight');
    expect([clockIn('Europe/Berlin', flight?.start ?? ''), clockIn('Asia/Tokyo', flight?.end ?? '')]).toEqual(['10:20', '06:40']);
    expect([flight?.timeZone, flight?.endTimeZone]).toEqual(['Europe/Berlin', 'Asia/Tokyo']);
    const back = events.find(({ title }) => title === 'back');
    expect([back?.start, back?.end, back?.timeZone]).toEqual([
      ...[`${dayFromNow(9)}T01:20:00.000Z`, `${dayFromNow(9)}T07:10:00.000Z`],
      'Asia/Tokyo',
    ]);
  });
};

export const meaningRules: GoogleSuite = { title: 'What a Google calendar means, through the whole service,', zones, suite };
