import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readSyncCursor } from '../../src/sync/sync-cursor.js';
import { memoryAccount } from '../support/builders.js';
import { nearHttp, nearProvider, task } from '../support/caldav.js';
import { type DavServer, type Kept, startDavServer } from '../support/dav-server.js';
import {
  type Adopted,
  adopted,
  chunks,
  facts,
  factTypes,
  lunch,
  MINUTE,
  passTime,
  runtimeOf,
  claim,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
  sync,
} from '../support/synced-calendar.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { fixedGrant } from '../../src/provider/grant.js';

const DAY = 24 * 60 * MINUTE;
const http = nearHttp();
let server: DavServer;

beforeAll(startSyncing);
beforeEach(async () => {
  server = await startDavServer();
  server.delta = { changed: [], removed: [] };
});
afterEach(() => server.stop());
afterAll(async () => {
  await http.close();
  await stopSyncing();
});

/** A calendar that is read from the server. */
const onServer = (): Promise<Adopted> => {
  const provider = nearProvider(http);
  const secret = () => ({ serverUrl: server.url, username: 'anna', password: 'geheim' });
  const scan: typeof provider.scan = (_, __, request) => provider.scan(fixedGrant(secret()), server.calendar, request);
  return adopted({ ...memoryAccount(), provider: { ...provider, scan } });
};

const event = (title: string, day: number): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', `UID:${title}`, `DTSTART:202612${String(day).padStart(2, '0')}T090000Z`, 'DURATION:PT1H', `SUMMARY:${title}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'); // oxfmt-ignore

let version = 0;
const kept = (title: string, day: number): Kept => {
  const listed = `/cal/anna/arbeit/${title}.ics`;
  return { listed, known: [listed], etag: `"${(version += 1)}"`, text: event(title, day) };
};
const many = (count: number): readonly Kept[] =>
  Array.from({ length: count }, (_, index) => kept(`event-${String(index).padStart(2, '0')}`, 1 + index));
const lost = (object: Kept): Kept => {
  // A query would bring it.
  server.refuses.query = 403;
  return { ...object, known: [] };
};

const unread = async ({ calendarId }: Adopted): Promise<readonly string[]> =>
  (
    await stores.database.query<{ fault: string }>('select fault from remote_object where calendar_id = $1 and fault is not null', [
      calendarId,
    ])
  ).map(({ fault }) => fault);
const listed = async ({ calendarId }: Adopted): Promise<void> => {
  await stores.database.query(`update sync_state set list_due_at = '2000-01-01' where calendar_id = $1`, [calendarId]);
};

describe('An object that is listed and not there when it is asked for', () => {
  it('is shown as it was, and looked for again at once: listed again, it is counted as unreadable and shown as it was', async () => {
    const calendar = await onServer();
    const [a, b] = [kept('a', 1), kept('b', 2)];
    server.objects = [a, b];
    await sync(calendar);
    const changed = lost({ ...b, etag: '"new"' });
    server.objects = [a, changed];
    server.delta = { changed: [changed], removed: [] };
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: null, dueIn: 0 });
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a', 'b'], []]);
    await sync(calendar);
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a', 'b'], ['object.not-delivered']]);
    expect((await stateOf(calendar)).dueIn).toBeGreaterThan(0);
    // In a new generation as well.
    await stores.database.query('update sync_state set full_requested = true where calendar_id = $1', [calendar.calendarId]);
    for (let run = 0; run < 2; run += 1) await sync(calendar);
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a', 'b'], ['object.not-delivered']]);
  });

  it('is gone when it is not listed again', async () => {
    const calendar = await onServer();
    const [a, b] = [kept('a', 1), kept('b', 2)];
    server.objects = [a, b];
    await sync(calendar);
    const changed = lost({ ...b, etag: '"new"' });
    server.objects = [a, changed];
    server.delta = { changed: [changed], removed: [] };
    await sync(calendar);
    server.objects = [a];
    server.delta = { changed: [], removed: [] };
    await sync(calendar);
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a'], []]);
  });

  it('is counted too when it was never held, and read when it can be had', async () => {
    const calendar = await onServer();
    const [a, b] = [kept('a', 1), kept('b', 2)];
    server.objects = [a, lost(b)];
    await sync(calendar);
    expect(await unread(calendar)).toEqual([]);
    await sync(calendar);
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a'], ['object.not-delivered']]);
    server.objects = [a, b];
    await listed(calendar);
    await sync(calendar);
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a', 'b'], []]);
  });
});

describe('A calendar that its server made again', () => {
  it('is held when most of it would go, and is what the server holds after another reading', async () => {
    const calendar = await onServer();
    server.objects = many(25);
    await sync(calendar);
    server.objects = [kept('new', 3)];
    server.delta = null;
    await listed(calendar);
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: 'mass-change-held' });
    expect(await shown(calendar)).toHaveLength(26);
    await sync(calendar);
    expect(await shown(calendar)).toEqual(['new']);
  });
});

describe('Everything of a calendar', () => {
  it('is listed once a day, and what went in silence is removed', async () => {
    const calendar = await onServer();
    server.objects = [kept('a', 1), kept('b', 2), kept('c', 3)];
    await sync(calendar);
    const [, ...left] = server.objects;
    server.objects = left;
    passTime(20 * 60 * MINUTE);
    await sync(calendar);
    expect([await shown(calendar), server.asked.get('list')]).toEqual([['a', 'b', 'c'], undefined]);
    passTime(4 * 60 * MINUTE);
    await sync(calendar);
    expect([await shown(calendar), server.asked.get('list')]).toEqual([['b', 'c'], 1]);
    await sync(calendar);
    expect(server.asked.get('list')).toBe(1);
  });

  it('is asked for once a day, and not with every reading, of a server that refuses', async () => {
    const calendar = await onServer();
    server.objects = [kept('a', 1)];
    await sync(calendar);
    Object.assign(server.refuses, { list: 403, query: 403 });
    server.lacks.sync = () => true;
    await listed(calendar);
    await sync(calendar);
    const asked = new Map(server.asked);
    await sync(calendar);
    expect([server.asked.get('list'), server.asked.get('query')]).toEqual([asked.get('list'), asked.get('query')]);
  });
});

describe('An object that holds no event any more', () => {
  it('is not shown, is not read again, and is shown when it holds the same event again', async () => {
    const calendar = await onServer();
    const [a, b] = [kept('a', 1), kept('b', 2)];
    server.objects = [a, b];
    await sync(calendar);
    const become = async (text: string): Promise<void> => {
      const changed = { ...b, text, etag: `"${(version += 1)}"` };
      server.objects = [a, changed];
      server.delta = { changed: [changed], removed: [] };
      await sync(calendar);
      server.delta = { changed: [], removed: [] };
    };
    await become(task('b'));
    expect([await shown(calendar), await unread(calendar)]).toEqual([['a'], []]);
    const fetched = server.asked.get('multiget');
    await listed(calendar);
    await sync(calendar);
    expect([await shown(calendar), server.asked.get('multiget')]).toEqual([['a'], fetched]);
    await become(b.text);
    expect(await shown(calendar)).toEqual(['a', 'b']);
    expect(await facts(calendar)).toContainEqual(expect.objectContaining({ type: 'BaselineCompleted', objects: 2 }));
  });

  it('goes only after another reading when it is one of most', async () => {
    const calendar = await onServer();
    server.objects = many(25);
    await sync(calendar);
    server.objects = server.objects.map((object) => ({ ...object, text: task('x'), etag: `"${(version += 1)}"` }));
    server.delta = null;
    await sync(calendar);
    expect(await stateOf(calendar)).toMatchObject({ fault: 'mass-change-held' });
    expect(await shown(calendar)).toHaveLength(25);
    await sync(calendar);
    expect(await shown(calendar)).toEqual([]);
  });
});

describe('A calendar that holds more than is read', () => {
  it('says so, keeps what is shown, and waits', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1), lunch('b', 2));
    await sync(calendar);
    calendar.account.put(...many(9).map(({ listed: name }) => lunch(name, 3)));
    const { row, lease } = await claim(calendar);
    await syncCalendar({ ...runtimeOf(calendar), mostListed: 4 })(row, lease);
    expect(await stateOf(calendar)).toMatchObject({ fault: 'too-large', dueIn: 5 * MINUTE });
    expect(await shown(calendar)).toEqual(expect.arrayContaining(['a', 'b']));
  });
});

describe('A mapping that reads more than the one before', () => {
  const mapped = (calendar: Adopted, mapping: number): Adopted => ({
    ...calendar,
    account: { ...calendar.account, provider: { ...calendar.account.provider, mapping } },
  });
  const mappingOf = async (calendar: Adopted): Promise<number | null> =>
    readSyncCursor(calendar.sealer.open(`cursor:${calendar.calendarId}`, (await stateOf(calendar)).cursor ?? '')).mapping;
  const dueIn = async (calendar: Adopted): Promise<number> => {
    const { generation_due_at: due } = await stateOf(calendar);
    return (due?.getTime() ?? NaN) - runtimeOf(calendar).clock.now();
  };

  it('has every calendar read again within a day, spread over it, and read on from its cursor until then', async () => {
    const calendars = await Promise.all(Array.from({ length: 8 }, () => adopted()));
    const times: number[] = [];
    for (const calendar of calendars) {
      calendar.account.put(lunch('a', 1));
      await sync(mapped(calendar, 1));
      await sync(mapped(calendar, 2));
      const due = await dueIn(calendar);
      times.push(due);
      expect([due <= DAY, await mappingOf(calendar), calendar.account.scans().at(-1)]).toEqual([true, 1, '1']);
    }
    expect(new Set(times).size).toBe(times.length);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(DAY / 100);
    const [one] = calendars;
    if (one === undefined) throw new Error('there is none');
    const [due] = times;
    passTime(due ?? 0);
    await sync(mapped(one, 2));
    expect([await mappingOf(one), await factTypes(one)]).toEqual([
      2,
      ['GenerationStarted', 'BaselineCompleted', 'GenerationStarted', 'BaselineCompleted'],
    ]);
    await sync(mapped(one, 2));
    expect(await dueIn(one)).toBeGreaterThan(11 * DAY);
  });

  it('comes to no later time with every look', async () => {
    const calendar = await adopted();
    await sync(mapped(calendar, 1));
    await sync(mapped(calendar, 2));
    const { generation_due_at: due } = await stateOf(calendar);
    passTime(MINUTE);
    const share = Number.parseInt(calendar.calendarId.slice(0, 8), 16) / 2 ** 32;
    if (share * DAY > 2 * MINUTE) await sync(mapped(calendar, 2));
    expect((await stateOf(calendar)).generation_due_at).toEqual(due);
  });

  it('counts as newer than one that was not written down, as by the first release', async () => {
    const calendar = await adopted();
    calendar.account.put(lunch('a', 1));
    await sync(calendar);
    const bare = calendar.sealer.seal(`cursor:${calendar.calendarId}`, '1');
    await stores.database.query('update sync_state set cursor = $2 where calendar_id = $1', [calendar.calendarId, bare]);
    await sync(calendar);
    expect(calendar.account.scans()).toEqual([null, '1']);
    expect(await dueIn(calendar)).toBeLessThanOrEqual(DAY);
    expect(await chunks(calendar)).toHaveLength(1);
  });
});
