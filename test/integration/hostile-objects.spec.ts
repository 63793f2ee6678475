import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { feedCodec } from '../../src/calendar/calendar.codec.js';
import { type CalendarObject } from '../../src/calendar/calendar-object.js';
import { parseResource } from '../../src/provider/caldav/ics.mapping.js';
import { type Change, type ScanPage } from '../../src/provider/calendar-provider.js';
import { memoryAccount, type MemoryAccount } from '../support/builders.js';
import { metadata } from '../support/store.js';
import {
  type Adopted,
  adopted,
  claim,
  chunks,
  lunch,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';
import { syncCalendar } from '../../src/calendar/sync.run.js';
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
        return { cursor: 'end', whole: true, expected: pages.flat().length };
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
