import { beforeAll, describe, expect, it } from '@jest/globals';
import { type OwnAvailability } from '../../../src/availability/availability.contract.js';
import { type ConnectionView } from '../../../src/connection/connection.contract.js';
import { DAY, HOUR, icsOf, type Item, MINUTE } from '../../support/calendar-item.js';
import { dayFromNow, icsOfEvent, stampOn } from '../../support/events.js';
import { answered, listing, multiget, query, startFaultProxy } from '../../support/fault-proxy.js';
import { type CaldavLinked, type CaldavSuite } from '../../support/linked-caldav.js';
import { type Person, personOf } from '../../support/linked-service.js';
import { suiteResources } from '../../support/opened.js';
import { instancesIn, lines } from '../../support/oracle.js';
import { type FaultOrder } from '../../support/sandbox.js';
import { eventually } from '../../support/store.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../../support/whole-window.js';

/** An hour on a day from today on, in UTC. */
const hour = (title: string, day: number, time = '090000'): string =>
  icsOfEvent(title, [`DTSTART:${stampOn(dayFromNow(day), time)}`, 'DURATION:PT1H', `SUMMARY:${title}`]);

const many = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`event-${index}.ics`, hour(`event-${index}`, 2 + index)]));

/** Something a server does after its calendar was read (`later`) or always, and for how many answers. */
type Way = Readonly<{ account: string; title: string; faults: readonly FaultOrder[]; later: boolean }>;

const WAYS: readonly Way[] = [
  ...([400, 403, 409, 412] as const).map((status) => ({
    ...{ account: `forgets-${status}`, title: `forgets its tokens and says so with ${status}`, later: true },
    faults: [{ fault: 'token-refused', status, times: 1 } as const],
  })),
  { account: 'lists', title: 'forgets its tokens and lists everything', faults: [{ fault: 'everything-listed' }], later: true },
  { account: 'parts', title: 'answers in parts', faults: [{ fault: 'truncated', size: 2 }], later: false },
  { account: 'denies', title: 'denies objects it has', faults: [{ fault: 'multiget-missing', times: 1 }], later: true },
  {
    account: 'shortens',
    title: 'leaves objects out without a word',
    faults: [{ fault: 'multiget-short', size: 1, times: 1 }],
    later: true,
  },
  { account: 'etagless', title: 'tells no etags', faults: [{ fault: 'etag-unlisted' }], later: false },
  { account: 'syncless', title: 'knows no sync-collection', faults: [{ fault: 'sync-unsupported' }], later: false },
  {
    ...{ account: 'plain', title: 'knows neither sync-collection nor ctags', later: false },
    faults: [{ fault: 'sync-unsupported' }, { fault: 'ctag-unsupported' }],
  },
];

/** Six years old, still going on, with everything that a rule is changed by. */
const old = (zone: 'Europe/Paris' | 'America/New_York'): Item => {
  const first = Math.floor((today - 6 * 365 * DAY) / (7 * DAY)) * 7 * DAY + 17 * HOUR + 30 * MINUTE;
  const week = (index: number): number => first + (6 * 52 + index) * 7 * DAY;
  const part = { title: zone, length: HOUR, zone, status: 'CONFIRMED' } as const;
  return {
    ...{ uid: zone, master: { ...part, start: first }, rule: 'FREQ=WEEKLY', until: week(30), lines: [] },
    ...{ exdates: [week(4)], rdates: [week(6) + DAY] },
    overrides: [
      { ...part, title: 'moved', of: week(8), start: week(8) + 3 * HOUR, thisAndFuture: false },
      { ...part, of: week(10), start: week(10), status: 'CANCELLED', thisAndFuture: false },
    ],
  };
};

const calendars = ['a', 'b', 'c', 'd', 'e'];

const shelves = {
  unreadable: { work: many(3) },
  old: { work: { 'paris.ics': icsOf(old('Europe/Paris')), 'york.ics': icsOf(old('America/New_York')) } },
  swept: Object.fromEntries(calendars.map((name) => [name, {}])),
  ...{
    passwords: { work: many(1) },
    throttled: { work: many(1), home: many(1) },
    fast: { work: many(1) },
    thirsty: { work: many(1) },
    quick: { work: many(1) },
    moving: { work: many(1) },
  },
  ...Object.fromEntries([...WAYS.map(({ account }) => account), 'breaks'].map((account) => [account, { work: many(12) }])),
};

const suite = (given: () => CaldavLinked): void => {
  const opened = suiteResources();
  let linked: CaldavLinked;
  beforeAll(() => {
    linked = given();
  });

  type Reader = Person & Readonly<{ connectionId: string; calendarIds: readonly string[]; account: string }>;
  const reader = async (account: string, provider: 'caldav' | 'apple' = 'caldav'): Promise<Reader> => {
    const person = await personOf(linked.service, account);
    const { connectionId, calendars: found } = await linked.link(person, account, provider);
    await person.changes();
    return { ...person, connectionId, account, calendarIds: found.map(({ calendarId }) => calendarId) };
  };
  const sweep = ({ calendarIds, ...person }: Reader): Promise<void> => linked.clockwork.sweep(person, ...calendarIds);
  const viewOf = (person: Reader): Promise<ConnectionView> => person.view(person.connectionId);
  const stateOf = async ({ calendarIds }: Reader) => {
    const [row] = await linked.service.rows<{ seconds: string }>(
      'select extract(epoch from due_at - last_attempt_at) as seconds from sync_state where calendar_id = any($1) order by due_at',
      [calendarIds],
    );
    return Number(row?.seconds);
  };

  it('sync-rule 1: that cannot be read is not empty, and one object of it that makes no sense hides no other', async () => {
    await linked.suffer({ fault: 'malformed-object', account: 'unreadable' });
    const person = await reader('unreadable');
    const shown = [1, 2].map((index) => `${dayFromNow(2 + index)}T09:00:00.000Z event-${index}`);
    expect(await person.shown()).toEqual(shown);
    expect((await viewOf(person)).calendars[0]?.sync).toMatchObject({ state: 'fresh', unreadable: 1, problems: [{ count: 1 }] });

    const [from, to] = [dayFromNow(3), dayFromNow(4)];
    const availability = async () => (await person.request<OwnAvailability>('GET', `/v1/calendar/availability?range=${from}/${to}`)).body;
    await linked.suffer({ fault: 'senseless', account: 'unreadable' });
    await linked.clockwork.outdate(...person.calendarIds);
    await sweep(person);
    expect(await person.shown()).toEqual(shown);
    expect(await viewOf(person)).toMatchObject({ status: 'failing', code: 'malformed' });
    const unsure = await availability();
    const instants = (['00', '09', '10'] as const).map((time) => `${from}T${time}:00:00.000Z`);
    expect([unsure.busy, unsure.unknown]).toEqual([
      [{ start: instants[1], end: instants[2] }],
      [
        { start: instants[0], end: instants[1] },
        { start: instants[2], end: `${to}T00:00:00.000Z` },
      ],
    ]);

    await linked.suffer();
    for (const index of [0, 1, 2]) await linked.remove('unreadable', 'work', `event-${index}.ics`);
    await sweep(person);
    const { busy, unknown } = await availability();
    expect([await person.shown(), busy, unknown]).toEqual([[], [], []]);
    expect((await viewOf(person)).calendars[0]?.sync).toMatchObject({ state: 'fresh', unreadable: 0 });
  });

  it('sync-rule 8: shows all of a series that began years ago, expanded here by its zone, exceptions and end', async () => {
    const person = await reader('old');
    const expected = (['Europe/Paris', 'America/New_York'] as const).flatMap((zone) => instancesIn(icsOf(old(zone)), wholeWindow));
    expect(expected.length).toBeGreaterThan(50);
    expect(lines(await person.events(WHOLE_WINDOW))).toEqual(lines(expected));
    expect(linked.door.seen.filter(({ body }) => /<[a-z]*:?expand\b/i.test(body))).toEqual([]);
  });

  it('sync-rule 11: is read again within what was promised and spread over it, those that wait longest first', async () => {
    const person = await reader('swept');
    const { calendarIds } = person;
    const waits = await linked.service.rows<{ seconds: string }>(
      'select extract(epoch from due_at - last_success_at) as seconds from sync_state where calendar_id = any($1)',
      [calendarIds],
    );
    expect(waits.every(({ seconds }) => Number(seconds) >= 300 && Number(seconds) <= 600)).toBe(true);
    expect(new Set(waits.map(({ seconds }) => seconds)).size).toBeGreaterThan(1);

    const { calendars: named } = await viewOf(person);
    const overdue = [...calendars].reverse();
    const ids = overdue.map((name) => named.find((calendar) => calendar.name === name)?.calendarId ?? '');
    for (const name of calendars) await linked.put('swept', name, 'new.ics', hour(name, 3));
    linked.door.clear();
    // The first two are read at once, because so many of an account are; each of the others when one has ended.
    await linked.service.rows(
      `update sync_state set due_at = now() - interval '1 hour' * (10 - array_position($1::uuid[], calendar_id)) where calendar_id = any($1)`,
      [ids],
    );
    await linked.service.rows('notify sync_state');
    await eventually('all are read', async () => (await person.shown()).length === calendars.length);
    const order = [...new Set(linked.seenOf('swept').map(({ path }) => path.split('/').at(4) ?? ''))].filter((name) => name !== '');
    expect(order.slice(0, 2).sort()).toEqual(overdue.slice(0, 2).sort());
    expect(order).toHaveLength(5);
  });

  it('sync-rule 17: of Apple waits for a new app-specific password when the old one was refused twice, and not once', async () => {
    const person = await reader('passwords', 'apple');
    await linked.suffer({ fault: 'password-refused', times: 1, account: 'passwords' });
    await sweep(person);
    expect((await viewOf(person)).status).toBe('connected');
    await linked.suffer({ fault: 'password-refused', account: 'passwords' });
    await sweep(person);
    const refused = await viewOf(person);
    expect(refused).toMatchObject({ status: 'needs_reconnect', code: 'access-revoked' });
    expect([refused.reason, refused.nextStep].join(' ')).toMatch(/app-specific password.*account\.apple\.com/);
    expect(await person.shown()).toHaveLength(1);
    await linked.suffer();
    const credentials = linked.credentialsOf('passwords');
    const { status } = await person.request('POST', `/v1/calendar/connections/${person.connectionId}/reconnect`, { credentials });
    expect(status).toBeLessThan(300);
    await person.settled();
    expect(await viewOf(person)).toMatchObject({ status: 'connected', calendars: [{ calendarId: person.calendarIds[0] }] });
  });

  it('sync-rule 17: of Apple waits as long as its account is asked to, and no other account waits with it', async () => {
    const [slow, fast] = [await reader('throttled', 'apple'), await reader('fast', 'apple')];
    await linked.suffer({ fault: 'unavailable', retryAfter: 3_000, account: 'throttled' });
    const [asked = ''] = slow.calendarIds;
    await linked.clockwork.sweep(slow, asked);
    expect(await stateOf(slow)).toBeGreaterThanOrEqual(2_990);
    await linked.put('fast', 'work', 'new.ics', hour('new', 5));
    linked.door.clear();
    await sweep(fast);
    expect(await fast.shown()).toHaveLength(2);
    // Its calendars are not listed again at each reading.
    expect(linked.seenOf('fast').length).toBeGreaterThan(0);
    expect(linked.seenOf('fast')).toEqual(linked.seenOf('fast', 'work'));
    await linked.suffer();
  });

  it('sync-rule 17: of Apple whose requests of the minute are used up is read when there are more, and no other account waits', async () => {
    const budgets = async (): Promise<readonly string[]> =>
      (await linked.service.rows<{ account: string }>('select account from request_budget')).map(({ account }) => account);
    const others = await budgets();
    const thirsty = await reader('thirsty', 'apple');
    const mine = (await budgets()).filter((account) => !others.includes(account));
    expect(mine).toHaveLength(1);
    const fast = await reader('quick', 'apple');
    const empty = (for_: string) =>
      linked.service.rows(`update request_budget set spent_until = clock_timestamp() + $2::interval where account = any($1)`, [mine, for_]);
    await empty('59.9 seconds');
    const using = setInterval(() => void empty('59.9 seconds'), 50);
    try {
      for (const account of ['thirsty', 'quick']) await linked.put(account, 'work', 'new.ics', hour('new', 5));
      linked.door.clear();
      await linked.service.rows('update sync_state set due_at = now() where calendar_id = any($1)', [thirsty.calendarIds]);
      await sweep(fast);
      expect(await fast.shown()).toHaveLength(2);
      expect(linked.seenOf('thirsty')).toEqual([]);
      // It is at work and holds its claim: nothing has failed.
      const [row] = await linked.service.rows(
        'select claimed_until > clock_timestamp() as claimed, failures, fault, unforeseen from sync_state where calendar_id = any($1)',
        [thirsty.calendarIds],
      );
      expect(row).toEqual({ claimed: true, failures: 0, fault: null, unforeseen: 0 });
    } finally {
      clearInterval(using);
    }
    await empty('0 minutes');
    await eventually('there are requests again', async () => (await thirsty.shown()).length === 2);
    expect(await viewOf(thirsty)).toMatchObject({ status: 'connected', calendars: [{ sync: { state: 'fresh' } }] });
  });

  it('sync-rule 17: sends its password nowhere else, and reads nothing of what a server says it has not', async () => {
    const about = (seen: { path: string }): boolean => seen.path.includes('moving');
    const wrong =
      '<d:propstat><d:prop><d:getetag>"wrong"</d:getetag><d:displayname>wrong</d:displayname><c:calendar-data>wrong</c:calendar-data></d:prop>' +
      '<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>';
    linked.door.inject({ when: about, answer: (answer) => ({ ...answer, body: answer.body.replaceAll('</d:response>', wrong) }) });
    const person = await reader('moving');
    expect((await viewOf(person)).calendars.map(({ name }) => name)).toEqual(['work']);
    expect(await person.shown()).toHaveLength(1);
    const elsewhere = await opened(startFaultProxy(linked.door.url));
    await linked.suffer({ fault: 'redirected', to: elsewhere.url, account: 'moving' });
    await sweep(person);
    expect(elsewhere.seen.length).toBeGreaterThan(0);
    expect(elsewhere.seen.some(({ authorized }) => authorized)).toBe(false);
    expect(await viewOf(person)).toMatchObject({ status: 'failing', code: 'elsewhere' });
    expect(await person.shown()).toHaveLength(1);
    linked.door.clear();
    await linked.suffer();
  });

  describe('sync-rule 18: of a server that', () => {
    it.each(WAYS)('$title tells each change once, and nothing else', async ({ account, faults, later }) => {
      const mine = faults.map((fault) => ({ ...fault, account }));
      await linked.suffer(...(later ? [] : mine));
      const person = await reader(account);
      expect(await person.shown()).toHaveLength(12);
      await linked.put(account, 'work', 'event-3.ics', hour('event-3', 5, '150000'));
      await linked.put(account, 'work', 'event-4.ics', hour('event-4', 6, '150000'));
      await linked.put(account, 'work', 'new.ics', hour('new', 4, '160000'));
      await linked.remove(account, 'work', 'event-7.ics');
      if (later) await linked.suffer(...mine);
      linked.door.clear();
      await sweep(person);
      const downloaded = new Set(
        linked
          .seenOf(account)
          .filter(multiget)
          .flatMap(({ body }) => body.match(/[^/]+\.ics/g) ?? []),
      );
      // What could not be had the first time is asked for again.
      await sweep(person);
      const told = (await person.changes()).map(({ change, event }) => `${change} ${event?.start ?? ''}`).sort();
      const at = (day: number, time: string): string => `${dayFromNow(day)}T${time}:00:00.000Z`;
      expect(told).toEqual([`added ${at(4, '16')}`, `changed ${at(5, '15')}`, `changed ${at(6, '15')}`, `removed ${at(9, '09')}`]);
      expect(await person.shown()).toHaveLength(12);
      expect(await viewOf(person)).toMatchObject({ status: 'connected', calendars: [{ sync: { state: 'fresh', unreadable: 0 } }] });
      if (account === 'syncless' || account === 'plain') expect([...downloaded].sort()).toEqual(['event-3.ics', 'event-4.ics', 'new.ics']);
    });

    it('breaks off while it is read whole after a forgotten token removes nothing', async () => {
      await linked.suffer({ fault: 'token-refused', account: 'breaks' });
      const person = await reader('breaks');
      const before = await person.shown();
      await linked.remove('breaks', 'work', 'event-7.ics');
      const isWhole = (seen: Parameters<typeof listing>[0]): boolean =>
        seen.path.includes('breaks') && (listing(seen) || query(seen) || multiget(seen));
      linked.door.inject({ when: isWhole, instead: answered(500) });
      await sweep(person);
      expect([await person.shown(), await person.changes()]).toEqual([before, []]);
      linked.door.clear();
      await sweep(person);
      expect((await person.changes()).map(({ change }) => change)).toEqual(['removed']);
      await linked.suffer();
    });
  });
};

export const readingRules: CaldavSuite = { title: 'A calendar of a CalDAV server, through the whole service,', shelves, suite };
