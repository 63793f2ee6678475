import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { feedCodec } from '../../src/sync/feed.codec.js';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';
import { type Change, type ScanPage } from '../../src/provider/calendar-provider.js';
import { readCursor } from '../../src/merged-events/event-cursor.js';
import { type EventPage } from '../../src/merged-events/events.contract.js';
import { MergedEvents, MergedEventsHandler } from '../../src/merged-events/events.query.js';
import { memoryAccount, type MemoryAccount, NOW } from '../support/builders.js';
import { metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  adoptedTwo,
  claim,
  chunks,
  keysOfVault,
  lunch,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { Superseded } from '../../src/kernel/due-work.js';

beforeAll(startSyncing);
afterAll(stopSyncing);

/** A provider that gives these pages and says that they are everything. */
const telling = (...pages: readonly (readonly Change[])[]): MemoryAccount => {
  const account = memoryAccount();
  return {
    ...account,
    provider: {
      ...account.provider,
      scan: async function* () {
        for (const changes of pages) yield await Promise.resolve<ScanPage>({ changes, expected: changes.length });
        return { cursor: 'end', whole: true, again: false, expected: pages.flat().length };
      },
    },
  };
};
const object = (held: CalendarObject): Change => ({ kind: 'object', object: held });
const removed = (remoteId: string): Change => ({ kind: 'removed', remoteId });

describe('An object that a server lists twice', () => {
  it('is one object, in its last version, and stops nothing', async () => {
    const calendar = await adopted(telling([object(lunch('a', 1, 'old')), object(lunch('b', 2)), object(lunch('a', 3, 'new'))]));
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['b', 'new']);
  });

  it('is gone when that was said last, and there when it came back', async () => {
    const calendar = await adopted(
      telling([object(lunch('a', 1)), object(lunch('b', 2)), removed('a'), object(lunch('c', 3)), removed('c'), object(lunch('c', 4))]),
    );
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['b', 'c']);
  });

  it('is one object also where a chunk of the log holds it twice', async () => {
    const calendar = await adopted(telling([object(lunch('a', 1, 'old'))]));
    await sync(calendar);
    const [chunk] = await chunks(calendar);
    if (chunk === undefined) throw new Error('nothing was written');
    const twice = { ...chunk, final: false, upserts: [...chunk.upserts, ...chunk.upserts] };
    await stores.store.append(`feed-${calendar.calendarId}`, null, [twice], feedCodec, metadata());
    expect(await shown(calendar)).toEqual(['old']);
  });
});

const ics = (...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n');

const parsed = (remoteId: string, ...lines: readonly string[]): CalendarObject =>
  parseResource(ics(...lines), { remoteId, etag: null, ownAddresses: [] });

describe('A resource that holds several UIDs, which RFC 4791 4.1 forbids', () => {
  /** An event for each of the names, all at the same time. */
  const together = (...names: readonly string[]): CalendarObject => {
    const events = names.map((name) => [`UID:${name}`, 'DTSTART:20261123T100000Z', 'DURATION:PT1H', `SUMMARY:${name}`]);
    return parsed('export.ics', ...events.flatMap((lines, index) => (index === 0 ? lines : ['END:VEVENT', 'BEGIN:VEVENT', ...lines])));
  };

  it('has them all, page by page, in one calendar after another version of it', async () => {
    const account = memoryAccount();
    const calendar = await adopted(account);
    account.put(together('breakfast', 'lunch', 'dinner'));
    await sync(calendar);
    expect([...(await shown(calendar))].sort()).toEqual(['breakfast', 'dinner', 'lunch']);
    const before = await pagesOf(calendar);
    expect(before.map(({ title }) => title).sort()).toEqual(['breakfast', 'dinner', 'lunch']);
    account.put(together('dinner', 'breakfast', 'supper'));
    await sync(calendar);
    await shown(calendar);
    const after = await pagesOf(calendar);
    expect(after.map(({ title }) => title).sort()).toEqual(['breakfast', 'dinner', 'supper']);
    expect(after.filter(({ id }) => before.some((known) => known.id === id)).map(({ title }) => title)).toEqual(
      expect.arrayContaining(['breakfast', 'dinner']),
    );
    expect(new Set(after.map(({ id }) => id)).size).toBe(3);
    account.remove('export.ics');
    await sync(calendar);
    expect(await shown(calendar)).toEqual([]);
  });

  it('shows what is in another calendar as well once, with its copy', async () => {
    const [work, home] = await adoptedTwo();
    const weekly = ['UID:weekly', 'DTSTART:20261123T150000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=2', 'SUMMARY:weekly'];
    work.account.put(
      parsed('export.ics', 'UID:lunch', 'DTSTART:20261123T100000Z', 'SUMMARY:lunch', 'END:VEVENT', 'BEGIN:VEVENT', ...weekly),
    );
    home.account.put(parsed('lunch.ics', 'UID:lunch', 'DTSTART:20261123T100000Z', 'SUMMARY:lunch'), parsed('weekly.ics', ...weekly));
    for (const calendar of [work, home]) {
      await sync(calendar);
      await shown(calendar);
    }
    const found = await pagesOf(work);
    expect(found.map(({ title, copies }) => [title, copies.length])).toEqual([
      ['lunch', 1],
      ['weekly', 1],
      ['weekly', 1],
    ]);
  });
});

describe('Text that no database stores', () => {
  it('in rules, zones and titles stops nothing', async () => {
    const calendar = await adopted(
      telling([
        object(
          parsed('rule', 'UID:1', 'DTSTART:20261123T100000Z', 'RRULE:FREQ=DAILY;COUNT=2;X-A\u0000=1\ud800', 'SUMMARY:ru\u0000le \ud800'),
        ),
        object(parsed('zone', 'UID:2\u0000', 'DTSTART;TZID=\udfff\u0000:20261124T150000', 'SUMMARY:zone')),
        object(lunch('whole', 5)),
      ]),
    );
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['rule', 'rule', 'zone', 'whole']);
  });
});

/** What the owner of a calendar is shown of it, asked for one by one. */
const pagesOf = async ({ userId }: Adopted): Promise<EventPage['items']> => {
  const events = new MergedEventsHandler(stores.database, keysOfVault(), { now: () => NOW });
  const range = { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' };
  const found: EventPage['items'] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const asked = { range, provider: null, calendarId: null, cursor: cursor === undefined ? null : readCursor(cursor), limit: 1 };
    const page = await events.execute(new MergedEvents({ userId, roles: ['user'], teams: [] }, asked));
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
};

describe('A worker that wakes up late', () => {
  const lateBy = async (work: (calendar: Adopted) => Promise<void>): Promise<Adopted> => {
    const account = memoryAccount(1);
    const calendar = await adopted(account);
    account.put(lunch('a', 1));
    await sync(calendar);
    account.put(lunch('a', 1));
    const { row, lease } = await claim(calendar);
    account.beforeNextPage(() => work(calendar));
    // Nothing is new, so nothing is appended, and no permit is asked for before what is known is written down.
    const deceived = { ...lease, permit: () => Promise.resolve() };
    await expect(syncCalendar(runtimeOf(calendar))(row, deceived)).rejects.toBeInstanceOf(Superseded);
    return calendar;
  };
  const known = ({ calendarId }: Adopted) =>
    stores.database.query('select ref, etag, hash, fault from remote_object where calendar_id = $1', [calendarId]);

  it('remembers nothing of a calendar that another one took over', async () => {
    let successors: unknown;
    const calendar = await lateBy(async (taken) => {
      await claim(taken);
      successors = await known(taken);
    });
    expect(await known(calendar)).toEqual(successors);
  });

  it('remembers nothing of a calendar that was revoked', async () => {
    const calendar = await lateBy(async ({ calendarId }) => {
      await stores.database.query('delete from sync_state where calendar_id = $1', [calendarId]);
      await stores.database.query('delete from remote_object where calendar_id = $1', [calendarId]);
    });
    expect(await known(calendar)).toEqual([]);
    await expect(stateOf(calendar)).rejects.toThrow('no such row');
  });
});
