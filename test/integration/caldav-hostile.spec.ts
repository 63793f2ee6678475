import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fixedGrant } from '../../src/provider/grant.js';
import { allTold, allowed, event, knownAfter, nearHttp, nearProvider, type Scan, scanAll } from '../support/caldav.js';
import {
  answered,
  asks,
  eachRow,
  type Fault,
  type FaultProxy,
  listing,
  multiget,
  query,
  startFaultProxy,
  sync,
  withoutSync,
} from '../support/fault-proxy.js';
import { type Radicale, startRadicale } from '../support/radicale.js';

const http = nearHttp();
const provider = nearProvider(http);
let radicale: Radicale;
let proxy: FaultProxy;
let calendar: string;
let made = 0;

const there = (): string => calendar.replace(radicale.url, proxy.url);
const path = (filename: string): string => new URL(calendar).pathname + filename;
const account = () => ({ serverUrl: proxy.url, username: radicale.user, password: radicale.password });
const scan = (request: Parameters<typeof scanAll>[3] = {}): Promise<Scan> => scanAll(provider, account(), there(), request);
const since = (earlier: Scan): Promise<Scan> => scan({ cursor: earlier.end.cursor, known: knownAfter(earlier) });

const ALL = ['object A', 'object B', 'object C'];

const multistatus = (rows: string, token = ''): string =>
  `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${rows}${token === '' ? '' : `<d:sync-token>${token}</d:sync-token>`}</d:multistatus>`;
const full = '<d:response><d:href>/</d:href><d:status>HTTP/1.1 507 More</d:status></d:response>';
const found = (href: string, properties = '<d:getetag>"1"</d:getetag>'): string =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;

beforeAll(async () => {
  radicale = await startRadicale();
  proxy = await startFaultProxy(radicale.url);
});
beforeEach(async () => {
  made += 1;
  calendar = await radicale.makeCalendar(`calendar${made}`);
  for (const [index, title] of ['A', 'B', 'C'].entries()) await radicale.put(calendar, `${title}.ics`, event(title, `2026031${index}`));
  proxy.clear();
});
afterAll(async () => {
  await http.close();
  await proxy.stop();
  await radicale.stop();
});

describe('a server whose listing never ends', () => {
  it.each([
    ['goes round in circles', (part: number) => multistatus(full, `part-${part % 3}`)],
    ['invents a new token each time', (part: number) => multistatus(full, `part-${part}`)],
    ['gives a token of a megabyte', () => multistatus('', 'x'.repeat(1_000_000))],
  ])('because it %s is asked a bounded number of times, then read by the next rung', async (_, answer) => {
    let part = 0;
    proxy.inject({ when: sync, instead: () => answered(207, {}, answer((part += 1))) });
    const whole = await scan();
    expect(allTold(whole)).toEqual(ALL);
    expect(part).toBeLessThanOrEqual(1_000);
    expect(JSON.parse(whole.end.cursor ?? '')).toMatchObject({ rung: 'list' });
  });

  it('because it invents objects without end is given up as too large', async () => {
    let part = 0;
    const hrefs = (from: number) => Array.from({ length: 40_000 }, (_, index) => `<d:href>/${from}/${index}</d:href>`).join('');
    const named = (from: number) => `<d:response>${hrefs(from)}<d:status>HTTP/1.1 404 No</d:status></d:response>`;
    proxy.inject({ when: sync, instead: () => answered(207, {}, multistatus(named(part) + full, `part-${(part += 1)}`)) });
    await expect(scan()).rejects.toMatchObject({ fault: 'too-large' });
    expect(part).toBe(3);
  });

  it('because its names are endless is given up long before there are as many', async () => {
    let rows = 0;
    const named = (index: number) => found(`/${index}/${'x'.repeat(4_000)}.ics`);
    const answer = (part: number) => {
      rows += 4_000;
      return multistatus(Array.from({ length: 4_000 }, (_, index) => named(part * 4_000 + index)).join('') + full, `part-${part}`);
    };
    let part = 0;
    proxy.inject({ when: sync, instead: () => answered(207, {}, answer((part += 1))) });
    await expect(scan()).rejects.toMatchObject({ fault: 'too-large' });
    expect(rows).toBeLessThan(10_000);
  });

  it('because one of its rows has more parts than any is given up as nonsense', async () => {
    const endless = `<d:response><d:href>/a.ics</d:href>${'<d:status/>'.repeat(200_000)}</d:response>`;
    proxy.inject({ when: sync, instead: answered(207, {}, multistatus(endless, 'token')) });
    await expect(scan()).rejects.toMatchObject({ fault: 'malformed' });
  });
});

describe('a server that answers 500 to a sync token', () => {
  const upset: Fault = { when: (seen) => sync(seen) && !seen.body.includes('<d:sync-token></d:sync-token>'), instead: answered(500) };

  it('but lists everything without it is compared by etags, and nothing is read twice', async () => {
    const whole = await scan();
    await radicale.put(calendar, 'A.ics', event('A2', '20260401', 'A'));
    await radicale.delete(calendar, 'B.ics');
    proxy.clear();
    proxy.inject(upset);
    const delta = await since(whole);
    expect(allTold(delta)).toEqual(['object A2', `unchanged ${path('C.ics')}`]);
    expect(delta.end.whole).toBe(true);
    expect(delta.end.cursor).not.toBe(whole.end.cursor);
    proxy.clear();
    expect(allTold(await scan({ cursor: delta.end.cursor, known: knownAfter(whole) }))).toEqual([]);
  });

  it('and to everything else is unavailable', async () => {
    const whole = await scan();
    proxy.inject({ when: sync, instead: answered(500) });
    await expect(since(whole)).rejects.toMatchObject({ fault: 'unavailable' });
  });
});

describe('a listing with rows of different fates', () => {
  const refusing = (filename: string, status: number) =>
    eachRow(listing, (row) =>
      row.includes(filename) ? `<response><href>${path(filename)}</href><status>HTTP/1.1 ${status} No</status></response>` : row,
    );

  it('leaves out what went meanwhile, and asks for what the server could not look at', async () => {
    proxy.inject(withoutSync, refusing('B.ics', 404));
    expect(allTold(await scan())).toEqual(['object A', 'object C']);
    for (const status of [403, 500]) {
      proxy.clear();
      proxy.inject(withoutSync, refusing('B.ics', status));
      expect(allTold(await scan())).toEqual(ALL);
    }
  });

  it('is no listing when it is the calendar that is refused', async () => {
    proxy.inject(withoutSync, {
      when: listing,
      answer: () =>
        answered(207, {}, multistatus(`<d:response><d:href>${path('')}</d:href><d:status>HTTP/1.1 500 No</d:status></d:response>`)),
    });
    await expect(scan()).rejects.toMatchObject({ fault: 'unavailable' });
  });
});

describe('a server with names that lead elsewhere', () => {
  it('is asked for them at its own address only', async () => {
    const hrefs = [
      '//127.0.0.2:9/a.ics',
      'http://127.0.0.2:9//127.0.0.3:9/b.ics',
      '/x/../../c.ics',
      `/${'/'.repeat(300_000)}x`,
      'javascript:alert(1)',
    ];
    proxy.inject({ when: sync, answer: () => answered(207, {}, multistatus(hrefs.map((href) => found(href)).join(''), 'token')) });
    proxy.inject({ when: multiget, answer: () => answered(207, {}, multistatus('')) });
    proxy.inject({ when: ({ method }) => method === 'GET', instead: answered(404) });
    const outcomes = allTold(await scan());
    expect(outcomes.map((line) => line.replace(/ \S+/, ''))).toEqual([
      ...['missing', 'missing', 'missing'],
      ...['unreadable object.bad-address', 'unreadable object.bad-address'],
    ]);
    const asked = proxy.seen.filter(({ method }) => method === 'GET').map(({ path: address }) => address);
    expect(asked).toHaveLength(new Set(asked).size);
    expect(asked).toEqual(expect.arrayContaining(['/a.ics', '//127.0.0.3:9/b.ics', '/c.ics']));
  });

  it('may list one name many times: it is one object', async () => {
    proxy.inject(eachRow(sync, (row) => row + row + row));
    proxy.inject(eachRow(multiget, (row) => row + row));
    expect(allTold(await scan())).toEqual(ALL);
  });
});

describe('a server that lies about etags', () => {
  it('by giving changed objects the old one is found out when everything is read again', async () => {
    const lie = {
      when: () => true,
      answer: (answer: ReturnType<typeof answered>) => ({
        ...answer,
        body: answer.body.replace(/<getetag>.*?<\/getetag>/g, '<getetag>"1"</getetag>'),
      }),
    };
    proxy.inject(lie);
    const whole = await scan();
    await radicale.put(calendar, 'A.ics', event('A2', '20260401', 'A'));
    expect(allTold(await since(whole))).toEqual([`unchanged ${path('A.ics')}`]);
    expect(allTold(await scan({ known: knownAfter(whole) }))).toEqual(['object A2', 'object B', 'object C']);
  });

  it('by giving unchanged objects a new one each time is read again, to the same contents', async () => {
    let version = 0;
    proxy.inject({
      when: () => true,
      answer: (answer) => ({
        ...answer,
        body: answer.body.replace(/<getetag>.*?<\/getetag>/g, () => `<getetag>"${(version += 1)}"</getetag>`),
      }),
    });
    expect(
      allTold(await scan({ soon: { start: '2026-03-10T00:00:00.000Z', end: '2026-03-12T00:00:00.000Z' } })).filter(
        (line) => line === 'object A',
      ).length,
    ).toBeGreaterThan(0);
    expect(new Set(allTold(await scan()))).toEqual(new Set(ALL));
  });

  it('by giving an endless one is read as one that gives none', async () => {
    proxy.inject({
      when: () => true,
      answer: (answer) => ({
        ...answer,
        body: answer.body.replace(/<getetag>.*?<\/getetag>/g, `<getetag>"${'x'.repeat(100_000)}"</getetag>`),
      }),
    });
    const { changes } = await scan();
    expect(changes.map((change) => change.kind === 'object' && change.object.etag)).toEqual([null, null, null]);
  });
});

describe('an account that says it holds', () => {
  const home = asks('calendar-home-set');
  const calendars = (seen: { method: string; depth: string | null; body: string }) =>
    seen.depth === '1' && seen.body.includes('calendar-timezone');
  const discover = () => provider.discover(fixedGrant(account()), allowed());
  const type = '<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>';

  it.each([
    ['more calendars than anybody', Array.from({ length: 300 }, (_, index) => found(`/alice/${index}/`, type)).join('')],
    ['a calendar that cannot be listed', `<d:response><d:href>/alice/1/</d:href><d:status>HTTP/1.1 500 No</d:status></d:response>`],
  ])('%s is refused as a whole', async (_, rows) => {
    proxy.inject({ when: calendars, answer: () => answered(207, {}, multistatus(rows)) });
    await expect(discover()).rejects.toHaveProperty('fault');
  });

  it('a calendar with an endless name shows the beginning of it', async () => {
    proxy.inject({
      when: calendars,
      answer: () => answered(207, {}, multistatus(found('/alice/1/', `${type}<d:displayname>${'é'.repeat(200_000)}</d:displayname>`))),
    });
    const {
      calendars: [only],
    } = await discover();
    expect(only?.name).toBe('é'.repeat(500));
  });

  it('its calendars in a thousand places is not followed to them', async () => {
    const places = Array.from({ length: 1_000 }, (_, index) => `<d:href>/alice/${index}/</d:href>`).join('');
    proxy.inject({
      when: home,
      answer: () => answered(207, {}, multistatus(found('/alice/', `<c:calendar-home-set>${places}</c:calendar-home-set>`))),
    });
    await expect(discover()).rejects.toMatchObject({ fault: 'malformed' });
    expect(proxy.seen.length).toBeLessThan(10);
  });
});

describe('urgent days that hold the same object twice', () => {
  it('are told as they came; the writer keeps the last', async () => {
    proxy.inject(eachRow(query, (row) => row + row));
    const { changes } = await scan({ soon: { start: '2026-03-10T00:00:00.000Z', end: '2026-03-11T00:00:00.000Z' } });
    expect(new Set(changes.map((change) => change.kind === 'object' && change.object.remoteId))).toEqual(
      new Set(['A', 'B', 'C'].map((name) => path(`${name}.ics`))),
    );
  });
});
