import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { type OwnAvailability, type TeamAvailability } from '../../../src/availability/availability.contract.js';
import { vault } from '../../../src/infra/vault/vault.postgres.js';
import { type Sql } from '../../../src/kernel/sql.js';
import { type Sealer } from '../../../src/kernel/vault.js';
import { type EventView } from '../../../src/merged-events/events.contract.js';
import { readSyncCursor, type SyncCursor, writeSyncCursor } from '../../../src/sync/sync-cursor.js';
import { objectName } from '../../../src/sync/upsert.js';
import { dayFromNow, icsOfEvent, stampOn } from '../../support/events.js';
import { type CaldavLinked, type CaldavSuite } from '../../support/linked-caldav.js';
import { type Person, personOf } from '../../support/linked-service.js';

const DAY_ONE = dayFromNow(2);
const compact = (day: string): string => day.replaceAll('-', '');
const SECRET = 'zqsecretxj';

/** What a clock shows in a zone: `2026-03-01 09:00`. */
const localIn = (timeZone: string, instant = ''): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(new Date(instant));

const titled = (title: string, ...more: readonly string[]): readonly [string, string] => [
  `${title}.ics`,
  icsOfEvent(title, [`SUMMARY:${title}`, ...more]),
];

/** An hour on the first day, in UTC. */
const hour = (title: string, time: string, ...more: readonly string[]): readonly [string, string] =>
  titled(title, `DTSTART:${stampOn(DAY_ONE, `${time}0000`)}`, 'DURATION:PT1H', ...more);

const weekly = (title: string, zone: string): readonly [string, string] =>
  titled(title, `DTSTART;TZID=${zone}:${compact(DAY_ONE)}T090000`, 'DURATION:PT1H', 'RRULE:FREQ=WEEKLY;COUNT=50');

/** A zone of a server's own, an hour and three quarters before any other. */
const ownZone = (id: string): string =>
  [
    'BEGIN:VTIMEZONE',
    `TZID:${id}`,
    'BEGIN:STANDARD',
    'DTSTART:19700101T000000',
    'TZOFFSETFROM:+0545',
    'TZOFFSETTO:+0545',
    'END:STANDARD',
    'END:VTIMEZONE',
  ].join('\r\n');

const withZone = (id: string, [file, ics]: readonly [string, string]): readonly [string, string] => [
  file,
  ics.replace('BEGIN:VEVENT', `${ownZone(id)}\r\nBEGIN:VEVENT`),
];

const SELF = 'signs@sandbox.example';
const invited = (answer: string): readonly string[] => [
  ...['ORGANIZER:mailto:ivy@people.example', 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:ivy@people.example'],
  `ATTENDEE;PARTSTAT=${answer}:mailto:${SELF}`,
];

/** What an event says of itself, and how it counts. */
const SIGNS: readonly (readonly [string, readonly string[], EventView['busy']])[] = [
  ['plain', [], 'busy'],
  ['opaque', ['TRANSP:OPAQUE'], 'busy'],
  ['transparent', ['TRANSP:TRANSPARENT'], 'free'],
  ['accepted', invited('ACCEPTED'), 'busy'],
  ['declined', invited('DECLINED'), 'free'],
  ['unanswered', invited('NEEDS-ACTION'), 'needs-action'],
  ['maybe', invited('TENTATIVE'), 'tentative'],
  ['tentative', ['STATUS:TENTATIVE'], 'tentative'],
  ['shown free', ['X-MICROSOFT-CDO-BUSYSTATUS:FREE'], 'free'],
  ['shown tentative', ['X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE'], 'tentative'],
  ['away', ['X-MICROSOFT-CDO-BUSYSTATUS:OOF'], 'busy'],
  ['elsewhere', ['X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE'], 'free'],
  ['declined and tentative', ['STATUS:TENTATIVE', ...invited('DECLINED')], 'free'],
];

const timeOf = (index: number): string => String(index).padStart(2, '0');

const days = (title: string, from: number, ...more: readonly string[]): readonly [string, string] =>
  titled(title, `DTSTART;VALUE=DATE:${compact(dayFromNow(from))}`, ...more);

const until = (day: number): string => `DTEND;VALUE=DATE:${compact(dayFromNow(day))}`;

const SHELVES = {
  days: {
    work: Object.fromEntries([days('two', 10, until(12)), days('none', 20, until(20)), days('open', 30), days('past', -40, until(-29))]),
  },
  clocks: {
    work: Object.fromEntries([
      ...[weekly('iana', 'Europe/Paris'), weekly('windows', '"Eastern Standard Time"'), weekly('unknown', 'Of no list')],
      ...[withZone('Customized Time Zone', weekly('customized', 'Customized Time Zone'))],
      withZone('tzone://Microsoft/Custom', weekly('exchange', '"tzone://Microsoft/Custom"')),
    ]),
  },
  identity: {
    work: {
      ...Object.fromEntries([hour('lower', '08'), hour('LOWER', '08'), hour('both', '11'), hour('private', '14', 'CLASS:PRIVATE')]),
      'confidential.ics': icsOfEvent('confidential', [
        `DTSTART:${stampOn(DAY_ONE, '160000')}`,
        'DURATION:PT1H',
        `SUMMARY:${SECRET}`,
        'CLASS:CONFIDENTIAL',
      ]),
    },
    home: Object.fromEntries([hour('both', '11')]),
  },
  signs: { work: Object.fromEntries(SIGNS.map(([title, lines], index) => hour(title, timeOf(index), ...lines))) },
  mapped: { one: Object.fromEntries([hour('placed', '09', 'LOCATION:Canteen')]), two: Object.fromEntries([hour('other', '10')]) },
};

const suite = (given: () => CaldavLinked): void => {
  let linked: CaldavLinked;
  beforeAll(() => {
    linked = given();
  });

  type Reader = Person & Readonly<{ connectionId: string; calendarIds: readonly string[] }>;
  const reader = async (account: keyof typeof SHELVES, teams: readonly string[] = []): Promise<Reader> => {
    const person = await personOf(linked.service, account, teams);
    const { connectionId, calendars } = await linked.link(person, account);
    await person.changes();
    return { ...person, connectionId, calendarIds: calendars.map(({ calendarId }) => calendarId) };
  };
  const busyOn = async (person: Person, range: string) =>
    (await person.request<OwnAvailability>('GET', `/v1/calendar/availability?range=${range}`)).body.busy;

  it('sync-rule 19: takes whole days as days, their end exclusive, and as busy in the zone of their calendar', async () => {
    const person = await reader('days');
    const shown = (await person.events(`${dayFromNow(5)}/${dayFromNow(50)}`)).map(({ title, start, end, allDay }) => [
      title,
      start,
      end,
      allDay,
    ]);
    expect(shown).toEqual([
      ['two', dayFromNow(10), dayFromNow(12), true],
      ['none', dayFromNow(20), dayFromNow(21), true],
      ['open', dayFromNow(30), dayFromNow(31), true],
    ]);
    expect((await person.request('PATCH', '/v1/calendar/settings', { timeZone: 'Asia/Tokyo' })).status).toBe(200);
    const busy = await busyOn(person, `${dayFromNow(8)}/${dayFromNow(40)}`);
    expect(busy.map(({ start, end }) => [localIn('Europe/Paris', start), localIn('Europe/Paris', end)])).toEqual(
      (
        [
          [10, 12],
          [20, 21],
          [30, 31],
        ] as const
      ).map((ends) => ends.map((day) => `${dayFromNow(day)} 00:00`)),
    );
    await linked.clockwork.sweep(person, ...person.calendarIds);
    await person.sync({ full: true });
    expect(await person.changes()).toEqual([]);
  });

  it('sync-rule 20: keeps a series to the clock that its zone’s name or definition means, and says where neither is known', async () => {
    const events = await (await reader('clocks')).events(`${dayFromNow(1)}/${dayFromNow(364)}`);
    const clocks = (title: string, zone: string): readonly string[] =>
      events.filter((event) => event.title === title).map(({ start }) => localIn(zone, start).slice(11));
    const nine = Array.from({ length: 50 }, () => '09:00');
    expect(clocks('iana', 'Europe/Paris')).toEqual(nine);
    expect(clocks('windows', 'America/New_York')).toEqual(nine);
    // Kathmandu has that offset, all the year.
    for (const title of ['customized', 'exchange']) expect(clocks(title, 'Asia/Kathmandu')).toEqual(nine);
    expect(clocks('unknown', 'Europe/Paris')).toEqual(nine);
    const assumed = events.filter(({ floating }) => floating);
    expect(assumed.map(({ title, timeZone }) => [title, timeZone])).toEqual(nine.map(() => ['unknown', 'Europe/Paris']));
  });

  it('sync-rule 24: tells meetings apart by every letter of their ids, shows one in two calendars once, and gives no title of a private one away', async () => {
    const person = await reader('identity', ['blue']);
    const events = await person.events(`${DAY_ONE}/${dayFromNow(3)}`);
    expect(events.map(({ title, private: isPrivate, copies }) => [title, isPrivate, copies.length])).toEqual(
      expect.arrayContaining([
        ['lower', false, 0],
        ['LOWER', false, 0],
        ['both', false, 1],
        ['private', true, 0],
        [SECRET, true, 0],
      ]),
    );
    expect(events).toHaveLength(5);
    const mate = await personOf(linked.service, 'mate', ['blue']);
    const asked = { users: ['identity'], range: `${DAY_ONE}/${dayFromNow(3)}` };
    const { status, body } = await mate.request<TeamAvailability>('POST', '/v1/calendar/availability', asked);
    expect([status, body.users[0]?.busy.length]).toEqual([200, 4]);
    await linked.put('identity', 'work', 'confidential.ics', hour('confidential', '17', `DESCRIPTION:${SECRET}`, 'CLASS:CONFIDENTIAL')[1]);
    await linked.clockwork.sweep(person, ...person.calendarIds);
    const changes = await person.changes();
    expect(changes.map(({ change }) => change)).toEqual(['changed']);
    const [{ held } = { held: '' }] = await linked.service.rows<{ held: string }>(
      `select string_agg(e::text, ' ') as held from user_calendar_events e where user_id = 'identity'`,
    );
    for (const told of [body, changes, held, linked.service.output()]) expect(JSON.stringify(told)).not.toContain(SECRET);
  });

  it('sync-rule 25: counts each event by one table, which events, busy times and slots agree on', async () => {
    const person = await reader('signs');
    const range = `${DAY_ONE}T00:00:00Z/${DAY_ONE}T${timeOf(SIGNS.length)}:00:00Z`;
    expect((await person.events(range)).map(({ title, busy }) => [title, busy])).toEqual(SIGNS.map(([title, , busy]) => [title, busy]));
    const free = async (): Promise<readonly string[]> => {
      const busy = await busyOn(person, range);
      const asked = { users: ['signs'], range, durationMinutes: 60, workingHours: false };
      const { body } = await person.request<TeamAvailability>('POST', '/v1/calendar/availability', asked);
      expect(body.users[0]?.busy).toEqual(busy);
      const starts = SIGNS.map((_, index) => `${DAY_ONE}T${timeOf(index)}:00:00.000Z`);
      const offered = starts.map((start) => body.slots?.some((slot) => slot.start === start));
      const taken = starts.map((start) => busy.some((span) => span.start <= start && span.end > start));
      expect(offered).toEqual(taken.map((isTaken) => !isTaken));
      return SIGNS.flatMap(([title], index) => (taken[index] === true ? [] : [title]));
    };
    const counting = (...taken: readonly EventView['busy'][]): readonly string[] =>
      SIGNS.flatMap(([title, , busy]) => (taken.includes(busy) ? [] : [title]));
    expect(await free()).toEqual(counting('busy', 'tentative', 'needs-action'));
    expect((await person.request('PATCH', '/v1/calendar/settings', { tentativeIsBusy: false })).status).toBe(200);
    expect(await free()).toEqual(counting('busy'));
  });

  it('sync-rule 32: is read whole within a day of a newer mapping, which brings to old events what it has learned to read', async () => {
    const person = await reader('mapped');
    const { rows, dataDir } = linked.service;
    const query = rows as Sql['query'];
    const sealer: Sealer = await vault(
      { query, transaction: (work) => work({ query }), listen: () => () => Promise.resolve() },
      Buffer.from(await readFile(join(dataDir, 'master.key'), 'utf8'), 'base64'),
    ).connection('mapped', person.connectionId);
    const cursorOf = async (calendarId: string): Promise<SyncCursor> => {
      const [row] = await rows<{ cursor: string }>('select cursor from sync_state where calendar_id = $1', [calendarId]);
      return readSyncCursor(sealer.open(`cursor:${calendarId}`, row?.cursor ?? ''));
    };
    const present = (await cursorOf(person.calendarIds[0] ?? '')).mapping ?? 0;
    // As a program left it whose mapping read no locations.
    for (const calendarId of person.calendarIds) {
      const { cursor } = await cursorOf(calendarId);
      const older = sealer.seal(`cursor:${calendarId}`, writeSyncCursor({ mapping: present - 1, cursor }));
      await rows('update sync_state set cursor = $2 where calendar_id = $1', [calendarId, older]);
      await rows(`update remote_object set hash = 'as it was without a location' where calendar_id = $1`, [calendarId]);
      for (const { ref, sealed } of await rows<{ ref: string; sealed: string }>(
        'select ref, sealed from event_contents where calendar_id = $1',
        [calendarId],
      )) {
        const held = JSON.parse(sealer.open(objectName(calendarId, ref), sealed)) as { contents: Record<string, unknown>[] };
        const poorer = { ...held, contents: held.contents.map((contents) => ({ ...contents, location: null })) };
        await rows('update event_contents set sealed = $3 where calendar_id = $1 and ref = $2', [
          ...[calendarId, ref, sealer.seal(objectName(calendarId, ref), JSON.stringify(poorer))],
        ]);
      }
    }
    const placed = async (): Promise<string | null | undefined> =>
      (await person.events(`${DAY_ONE}/${dayFromNow(3)}`)).find(({ title }) => title === 'placed')?.location;
    const generations = async () =>
      rows<{ generation: number; hours: string }>(
        `select generation, extract(epoch from generation_due_at - now()) / 3600 as hours from sync_state where calendar_id = any($1)`,
        [person.calendarIds],
      );
    await linked.clockwork.sweep(person, ...person.calendarIds);
    const waiting = await generations();
    expect([await placed(), waiting.map(({ generation }) => generation)]).toEqual([null, [1, 1]]);
    expect(waiting.every(({ hours }) => Number(hours) <= 24)).toBe(true);
    expect(new Set(waiting.map(({ hours }) => Number(hours).toFixed(2))).size).toBe(2);

    await rows('update sync_state set generation_due_at = now() where calendar_id = any($1)', [person.calendarIds]);
    await linked.clockwork.sweep(person, ...person.calendarIds);
    expect([await placed(), (await generations()).map(({ generation }) => generation)]).toEqual(['Canteen', [2, 2]]);
    expect((await cursorOf(person.calendarIds[0] ?? '')).mapping).toBe(present);
    expect((await person.changes()).map(({ change }) => change)).toEqual(['changed', 'changed']);
  });
};

export const meaningRules: CaldavSuite = {
  title: 'What a calendar of a CalDAV server means, through the whole service,',
  shelves: SHELVES,
  suite,
};
