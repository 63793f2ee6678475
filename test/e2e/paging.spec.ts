import { beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, HOUR, icsOf, type Item } from '../support/calendar-item.js';
import { instancesIn, lines } from '../support/oracle.js';
import { suiteResources } from '../support/opened.js';
import { emptyCalendar, startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { fileOf, seedItems } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { type EventPage } from '../../src/merged-events/events.contract.js';
import { dateOf, today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const meeting = (uid: string, day: number, title: string): Item => ({
  uid,
  master: { title, start: today + day * DAY + 12 * HOUR, length: HOUR, zone: 'Europe/Paris', status: 'CONFIRMED' },
  rule: null,
  until: null,
  exdates: [],
  rdates: [],
  overrides: [],
  lines: [],
});

describe('A year with more than 10,000 occurrences', () => {
  const items = seedItems({ events: 2_800, seed: 5, from: new Date(today), recurring: 0.5 });
  const instances = items.map((item) => instancesIn(icsOf(item), wholeWindow));
  const expected = instances.flat();
  const opened = suiteResources();
  let sandbox: TestSandbox;
  let service: Service;
  let me: Client;
  let work: string;
  let home: string;

  beforeAll(async () => {
    const objects = new Map(items.map((item) => [fileOf(item), icsOf(item)]));
    sandbox = await opened(startTestSandbox([{ ...emptyCalendar('work'), timeZone: 'UTC', objects }, emptyCalendar('home')]));
    [work, home] = [sandbox.calendar('work'), sandbox.calendar('home')];
    service = await opened(startService());
    me = await service.as('ada');
    await me.connect(sandbox);
    await me.settled();
  });

  const page = async (query: string): Promise<EventPage> => (await me.request<EventPage>('GET', `/v1/calendar/events?${query}`)).body;

  /** Follows at most so many pages, doing something after each. */
  const pages = async (limit: number, most: number, between: () => Promise<void> = () => Promise.resolve()) => {
    const found: EventPage['items'] = [];
    let cursor: string | null = '';
    for (let count = 0; cursor !== null && count < most; count += 1) {
      const next = await page(`range=${WHOLE_WINDOW}&limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      found.push(...next.items);
      cursor = next.nextCursor;
      await between();
    }
    return found;
  };

  it.each([500, 100])('is read whole in pages of %d, without a gap or a double', async (limit) => {
    const found = await pages(limit, Infinity);
    expect(found.length).toBeGreaterThan(10_000);
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(lines(found)).toEqual(lines(expected));
  });

  it('is in the same order in pages of any size, by start', async () => {
    const large = await pages(500, 2);
    expect(await pages(7, 100)).toEqual(large.slice(0, 700));
    const starts = large.filter(({ allDay }) => !allDay).map(({ start }) => start);
    expect(starts).toEqual([...starts].sort());
  });

  it('loses and doubles nothing when other events change between the pages', async () => {
    const bystanders = new Set(items.slice(500).map(({ uid }) => uid));
    const steady = instances.slice(500).flat();
    let round = 0;
    const found = await pages(500, Infinity, async () => {
      for (const item of items.slice(round * 5, round * 5 + 5)) {
        const start = item.master.start + 3 * DAY;
        await sandbox.put(
          work,
          fileOf(item),
          icsOf({ ...meeting(item.uid, 0, 'Moved while paging'), master: { ...item.master, title: 'Moved while paging', start } }),
        );
      }
      if (round % 4 === 0) await me.sync();
      round += 1;
    });
    expect(round).toBeGreaterThan(20);
    const changed = new Set(lines(instances.slice(0, 500).flat()));
    const others = lines(found).filter((line) => !changed.has(line) && !line.endsWith('Moved while paging'));
    expect(bystanders.size).toBe(2_300);
    expect(others).toEqual(lines(steady).filter((line) => !changed.has(line)));
  });

  it('shows a meeting that is in two calendars once, and says where else it is', async () => {
    const lunch = meeting('lunch-with-eve', 2, 'Lunch with Eve');
    for (const calendar of [work, home]) await sandbox.put(calendar, fileOf(lunch), icsOf(lunch));
    await me.sync();
    const found = (await me.events(`${dateOf(today + 2 * DAY)}/${dateOf(today + 3 * DAY)}`)).filter(
      ({ title }) => title === 'Lunch with Eve',
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.copies).toHaveLength(1);
    expect(found[0]?.copies[0]?.calendarId).not.toBe(found[0]?.calendarId);
  });

  it('shows a changed event once a sync is done', async () => {
    await sandbox.put(home, 'dentist.ics', icsOf(meeting('dentist', 4, 'Dentist')));
    await me.sync();
    await sandbox.put(home, 'dentist.ics', icsOf(meeting('dentist', 5, 'Dentist, later')));
    await me.sync();
    const found = await me.events(`${dateOf(today + 4 * DAY)}/${dateOf(today + 6 * DAY)}`);
    expect(found.filter(({ title }) => title?.startsWith('Dentist'))).toMatchObject([{ title: 'Dentist, later' }]);
  });

  it.each([
    ['a range that ends before it starts', 'range=2026-03-02/2026-03-01', 'range.invalid'],
    ['a range that is none', 'range=tomorrow', 'range.invalid'],
    ['a day that does not exist', 'range=2026-02-30/2026-03-05', 'range.invalid'],
    ['more than 400 days', 'range=2026-01-01/2027-03-01', 'range.invalid'],
    ['no range', 'limit=5', 'request.invalid'],
    ['a cursor it never gave', `range=${WHOLE_WINDOW}&cursor=garbage`, 'cursor.invalid'],
    ['a cursor that is no text', `range=${WHOLE_WINDOW}&cursor=%25E0%25A4%25A`, 'cursor.invalid'],
    ['a cursor with a time that is none', `range=${WHOLE_WINDOW}&cursor=1~00000000-0000-0000-0000-000000000000~a~b`, 'cursor.invalid'],
    ['an unknown provider', `range=${WHOLE_WINDOW}&provider=fax`, 'request.invalid'],
    ['pages that are too large', `range=${WHOLE_WINDOW}&limit=501`, 'request.invalid'],
  ])('refuses %s', async (_, query, code) => {
    const { status, body } = await me.request('GET', `/v1/calendar/events?${query}`);
    expect([status, body]).toEqual([400, expect.objectContaining({ code })]);
  });
});
