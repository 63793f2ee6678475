import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fixedGrant } from '../../src/provider/grant.js';
import {
  allowed,
  allTold,
  etagsOf,
  event,
  knownAfter,
  knownAs,
  nearHttp,
  nearProvider,
  nothingKnown,
  scanAll,
  task,
  told,
  WINDOW,
} from '../support/caldav.js';
import { type Radicale, startRadicale } from '../support/radicale.js';

const http = nearHttp();
const provider = nearProvider(http);
let radicale: Radicale;
let calendar: string;
let made = 0;

const secret = () => ({ serverUrl: radicale.url, username: radicale.user, password: radicale.password });
const scan = (request: Parameters<typeof scanAll>[3] = {}) => scanAll(provider, secret(), calendar, request);
const path = (filename: string): string => new URL(calendar).pathname + filename;

beforeAll(async () => {
  radicale = await startRadicale();
});
beforeEach(async () => {
  made += 1;
  calendar = await radicale.makeCalendar(`calendar ${made}`, { components: ['VEVENT', 'VTODO'] });
});
afterAll(async () => {
  await http.close();
  await radicale.stop();
});

describe('scanning a CalDAV calendar', () => {
  it('reads it whole, then only what changed', async () => {
    await radicale.put(calendar, 'lunch @noon.ics', event('Lunch'));
    const etag = await radicale.put(calendar, 'walk.ics', event('Walk'));
    const whole = await scan();
    expect(allTold(whole)).toEqual(['object Lunch', 'object Walk']);
    expect(whole.end).toMatchObject({ whole: true, expected: 2 });
    expect(etagsOf(whole).get(path('walk.ics'))).toBe(etag);

    await radicale.put(calendar, 'walk.ics', event('Long walk', '20260311', 'Walk'));
    await radicale.delete(calendar, 'lunch @noon.ics');
    const delta = await scan({ cursor: whole.end.cursor, known: knownAfter(whole) });
    expect(allTold(delta)).toEqual(['object Long walk', `removed ${path('lunch%20%40noon.ics')}`]);
    expect(delta.end).toMatchObject({ whole: false, expected: 2 });

    const nothing = await scan({ cursor: delta.end.cursor });
    expect(nothing.changes).toEqual([]);
    expect(nothing.end).toMatchObject({ whole: false, expected: 0 });
  });

  it('does not read again what is known at the very same version', async () => {
    const before = await scan();
    const etag = await radicale.put(calendar, 'walk.ics', event('Walk'));
    const delta = await scan({ cursor: before.end.cursor, known: knownAs(etag) });
    expect(allTold(delta)).toEqual([`unchanged ${path('walk.ics')}`]);
  });

  it('shows the urgent days first, and reads each object once', async () => {
    for (const day of ['20260310', '20260311', '20260601', '20270101']) await radicale.put(calendar, `${day}.ics`, event(day, day));
    const soon = { start: '2026-03-10T00:00:00.000Z', end: '2026-03-12T00:00:00.000Z' };
    const { pages, expected, end } = await scan({ soon });
    expect(pages.map((page) => page.map(told).sort())).toEqual([
      ['object 20260310', 'object 20260311'],
      ['object 20260601', 'object 20270101'],
    ]);
    expect(expected).toEqual([null, 4]);
    expect(end).toMatchObject({ whole: true, expected: 4 });
  });

  it('leaves tasks alone', async () => {
    await radicale.put(calendar, 'task.ics', task('Wash up'));
    await radicale.put(calendar, 'lunch.ics', event('Lunch'));
    expect(allTold(await scan())).toEqual(['object Lunch', `other ${path('task.ics')}`]);
  });

  it('knows its owner among the invited', async () => {
    const own = await startRadicale([{ name: 'Alice@example.org', password: 'secret' }]);
    try {
      const account = { serverUrl: own.url, username: 'Alice@example.org', password: 'secret' };
      const invited = event('Party').replace(
        'END:VEVENT',
        'ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.org\r\nATTENDEE:mailto:bob@example.org\r\nEND:VEVENT',
      );
      await own.put(await own.makeCalendar('home'), 'party.ics', invited);
      const [home] = (await provider.discover(fixedGrant(account), allowed())).calendars;
      const { changes } = await scanAll(provider, account, home?.remoteId ?? '');
      const attendees = changes.flatMap((change) =>
        change.kind === 'object' ? (change.object.components[0]?.contents.attendees ?? []) : [],
      );
      expect(attendees.map(({ email, self }) => [email, self])).toEqual([
        ['alice@example.org', true],
        ['bob@example.org', false],
      ]);
    } finally {
      await own.stop();
    }
  });

  it('reads an empty calendar as empty', async () => {
    const { changes, end } = await scan();
    expect(changes).toEqual([]);
    expect(end).toMatchObject({ whole: true, expected: 0 });
  });

  it('asks for a new start when the server does not know the token, and when the cursor makes no sense', async () => {
    const cursor = JSON.stringify({ rung: 'sync', token: 'http://radicale.org/ns/sync/' + '0'.repeat(64) });
    await expect(scan({ cursor })).rejects.toMatchObject({ fault: 'cursor-expired' });
    await expect(scan({ cursor: 'nonsense' })).rejects.toMatchObject({ fault: 'cursor-expired' });
  });

  it('says that the calendar is gone, before and after it was read', async () => {
    const { end } = await scan();
    await radicale.deleteCalendar(calendar);
    await expect(scan()).rejects.toMatchObject({ fault: 'calendar-gone' });
    await expect(scan({ cursor: end.cursor })).rejects.toMatchObject({ fault: 'calendar-gone' });
  });

  it('reads calendars of thousands in pages of hundreds, as fast as they are taken', async () => {
    await radicale.seed(calendar, new Map(Array.from({ length: 2_000 }, (_, index) => [`${index}.ics`, event(`Event ${index}`)])));
    const { changes, pages, end } = await scan();
    expect(new Set(changes.map(told)).size).toBe(2_000);
    expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(250);
    expect(end.expected).toBe(2_000);

    let permits = 0;
    const permit = () => {
      permits += 1;
      return Promise.resolve();
    };
    const call = { ...allowed(), permit };
    const pagewise = provider.scan(fixedGrant(secret()), calendar, {
      cursor: null,
      soon: null,
      window: WINDOW,
      known: nothingKnown,
      held: 0,
      list: false,
      call,
    });
    await pagewise.next();
    const asked = permits;
    await new Promise((resolve) => setImmediate(resolve));
    expect(permits).toBe(asked);
    await pagewise.return({ cursor: null, whole: false, again: false, expected: 0 });
  });

  it('stops before the next request when leave is taken away, with the very same error', async () => {
    await radicale.put(calendar, 'lunch.ics', event('Lunch'));
    const revoked = new Error('revoked');
    for (let granted = 0; granted < 3; granted += 1) {
      let left = granted;
      const permit = () => (left-- > 0 ? Promise.resolve() : Promise.reject(revoked));
      await expect(scan({ call: { ...allowed(), permit } })).rejects.toBe(revoked);
    }
  });

  it('stops when it is aborted, with the reason given', async () => {
    const stop = new AbortController();
    const reason = new Error('shutting down');
    const permit = () => {
      stop.abort(reason);
      return Promise.resolve();
    };
    await expect(scan({ call: { signal: stop.signal, permit } })).rejects.toBe(reason);
  });
});
