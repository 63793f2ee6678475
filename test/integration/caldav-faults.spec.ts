import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { allTold, etagsOf, event, knownAfter, knownAs, nearHttp, nearProvider, type Scan, scanAll, told } from '../support/caldav.js';
import {
  answered,
  anything,
  eachRow,
  type Fault,
  type FaultProxy,
  listing,
  multiget,
  query,
  refusal,
  type Seen,
  startFaultProxy,
  sync,
  truncatedTo,
  withoutEtags,
  withoutSync,
  withoutSyncAndCtag,
} from '../support/fault-proxy.js';
import { caldavProvider } from '../../src/provider/caldav/caldav.provider.js';
import { type Radicale, startRadicale } from '../support/radicale.js';

const http = nearHttp();
const provider = nearProvider(http);
/** Does not wait long for a server that says nothing. */
const impatient = nearHttp({ headersTimeout: 1_000, bodyTimeout: 1_000 });
let radicale: Radicale;
let proxy: FaultProxy;
let calendar: string;
let made = 0;

const there = (): string => calendar.replace(radicale.url, proxy.url);
const path = (filename: string): string => new URL(calendar).pathname + filename;
const scan = (request: Parameters<typeof scanAll>[3] = {}, by = provider): Promise<Scan> =>
  scanAll(by, { serverUrl: proxy.url, username: radicale.user, password: radicale.password }, there(), request);
const since = (earlier: Scan): Promise<Scan> => scan({ cursor: earlier.end.cursor, known: knownAfter(earlier) });
const rungOf = ({ end }: Scan): unknown => (JSON.parse(end.cursor ?? 'null') as { rung?: unknown } | null)?.rung;

const ALL = ['object A', 'object B', 'object C', 'object D'];

beforeAll(async () => {
  radicale = await startRadicale();
  proxy = await startFaultProxy(radicale.url);
});
beforeEach(async () => {
  made += 1;
  calendar = await radicale.makeCalendar(`calendar${made}`);
  for (const [index, title] of ['A', 'B', 'C', 'D'].entries())
    await radicale.put(calendar, `${title}.ics`, event(title, `2026031${index}`));
  proxy.clear();
});
afterAll(async () => {
  await Promise.all([http.close(), impatient.close()]);
  await proxy.stop();
  await radicale.stop();
});

describe('a server that can be read on', () => {
  it('sync-rule 17: is asked about a calendar and its owner by a whole reading, and once in a quarter of an hour by those after it', async () => {
    let now = Date.now();
    const patient = caldavProvider({ http, clock: { now: () => now } });
    const asked = ({ method, body }: Seen): boolean => method === 'PROPFIND' && /supported-report-set|calendar-home-set/.test(body);
    /** Changes an object and reads on; answers what the server was asked beside the objects. */
    const readOn = async (earlier: Scan, title: string): Promise<readonly [Scan, number]> => {
      await radicale.put(calendar, 'A.ics', event(title, '20260401', 'A'));
      proxy.clear();
      const later = await scan({ cursor: earlier.end.cursor, known: knownAfter(earlier) }, patient);
      expect(allTold(later)).toEqual([`object ${title}`]);
      return [later, proxy.seen.filter(asked).length];
    };
    const whole = await scan({}, patient);
    const questions = proxy.seen.filter(asked).length;
    expect(questions).toBeGreaterThan(0);
    const [second, soon] = await readOn(whole, 'A2');
    now += 14 * 60_000;
    const [third, stillKnown] = await readOn(second, 'A3');
    now += 2 * 60_000;
    const [fourth, again] = await readOn(third, 'A4');
    const [, thenKnown] = await readOn(fourth, 'A5');
    expect([soon, stillKnown, again, thenKnown]).toEqual([0, 0, questions, 0]);
  });
});

describe('a server that truncates its answers', () => {
  it('is asked on until it has told everything, at first and later', async () => {
    proxy.inject(truncatedTo(1));
    const whole = await scan();
    expect(allTold(whole)).toEqual(ALL);
    expect(proxy.seen.filter(sync)).toHaveLength(4);
    await radicale.put(calendar, 'A.ics', event('A2', '20260401', 'A'));
    await radicale.delete(calendar, 'B.ics');
    expect(allTold(await since(whole))).toEqual(['object A2', `removed ${path('B.ics')}`]);
  });

  it('is not asked without end when its token stands still', async () => {
    const { end } = await scan();
    const still = `<d:multistatus xmlns:d="DAV:"><d:response><d:href>/</d:href><d:status>HTTP/1.1 507 No</d:status></d:response><d:sync-token>TOKEN</d:sync-token></d:multistatus>`;
    proxy.inject({
      when: sync,
      answer: (_, { body }) => answered(207, {}, still.replace('TOKEN', /sync-token>(.*?)</.exec(body)?.[1] ?? '')),
    });
    await expect(scan({ cursor: end.cursor })).rejects.toMatchObject({ fault: 'cursor-expired' });
    proxy.clear();
    proxy.inject({ when: sync, instead: answered(207, {}, still) });
    const whole = await scan();
    expect(allTold(whole)).toEqual(ALL);
    expect(rungOf(whole)).toBe('list');
  });
});

describe('a server that refuses the sync token', () => {
  it.each([
    [403, 'valid-sync-token'],
    [409, 'valid-sync-token'],
    [403, null],
    [400, null],
    [412, null],
    [415, null],
  ] as const)('with %i %s is read whole again', async (status, condition) => {
    const { end } = await scan();
    proxy.inject({ when: sync, instead: refusal(status, condition) });
    await expect(scan({ cursor: end.cursor })).rejects.toMatchObject({ fault: 'cursor-expired' });
  });

  it('because the account lost its rights is not read at all', async () => {
    const { end } = await scan();
    proxy.inject({ when: sync, instead: refusal(403, 'need-privileges') });
    await expect(scan({ cursor: end.cursor })).rejects.toMatchObject({ fault: 'forbidden' });
    proxy.inject({ when: anything, instead: refusal(403) });
    await expect(scan()).rejects.toMatchObject({ fault: 'forbidden' });
  });
});

describe('a server without sync-collection', () => {
  const changeAndRead = async (): Promise<readonly [Scan, Scan, Scan]> => {
    const whole = await scan();
    const nothing = await since(whole);
    await radicale.put(calendar, 'A.ics', event('A2', '20260401', 'A'));
    await radicale.delete(calendar, 'B.ics');
    return [whole, nothing, await scan({ cursor: nothing.end.cursor, known: knownAfter(whole) })];
  };
  const CHANGED = ['object A2', `unchanged`, `unchanged`];
  const short = (read: Scan): readonly string[] =>
    read.changes.map((change) => (change.kind === 'unchanged' ? 'unchanged' : told(change))).sort();

  it('is read by its ctag and its list of etags', async () => {
    proxy.inject(withoutSync);
    const [whole, nothing, delta] = await changeAndRead();
    expect(allTold(whole)).toEqual(ALL);
    expect(rungOf(whole)).toBe('list');
    expect(nothing.changes).toEqual([]);
    expect(nothing.end.whole).toBe(false);
    expect(short(delta)).toEqual(CHANGED);
    expect(delta.end.whole).toBe(true);
    expect(proxy.seen.filter(sync)).toEqual([]);
    expect(proxy.seen.filter(listing)).toHaveLength(2);
  });

  it('and without ctag is listed every time, and reads only what changed', async () => {
    proxy.inject(...withoutSyncAndCtag);
    const [whole, nothing, delta] = await changeAndRead();
    expect(allTold(whole)).toEqual(ALL);
    expect(short(nothing)).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
    expect(short(delta)).toEqual(CHANGED);
    expect(proxy.seen.filter(multiget)).toHaveLength(2);
  });

  it('and without a list of everything is asked for the window, of which the scan is whole', async () => {
    await radicale.put(calendar, 'old.ics', event('Old', '20190101'));
    proxy.inject(withoutSync, { when: listing, instead: refusal(403, 'propfind-finite-depth') });
    const [whole, , delta] = await changeAndRead();
    expect(allTold(whole)).toEqual(ALL);
    expect(rungOf(whole)).toBe('query');
    expect(short(delta)).toEqual(CHANGED);
    expect(delta.end.whole).toBe(true);
  });

  it('that refuses what it advertises is read by the next rung', async () => {
    for (const status of [403, 405, 501, 507]) {
      proxy.clear();
      proxy.inject({ when: sync, instead: refusal(status) });
      expect(allTold(await scan())).toEqual(ALL);
    }
  });

  it('is never taken for empty when its list lacks the calendar itself', async () => {
    proxy.inject(withoutSync, { when: listing, instead: answered(207, {}, '<d:multistatus xmlns:d="DAV:"/>') });
    await expect(scan()).rejects.toMatchObject({ fault: 'malformed' });
  });
});

describe('a server that does not deliver what it lists', () => {
  const only = (filename: string, change: (row: string) => string | null): Fault =>
    eachRow(multiget, (row) => (row.includes(filename) ? change(row) : row));
  const failing = (status: number) => (row: string) =>
    `<response>${/<href>.*?<\/href>/.exec(row)?.[0] ?? ''}<status>HTTP/1.1 ${status} No</status></response>`;
  const alone = (filename: string) => (seen: { method: string; path: string }) => seen.method === 'GET' && seen.path.endsWith(filename);

  it('is asked again for what a short answer left out', async () => {
    proxy.inject({ ...eachRow(multiget, (row) => (/[ABC]\.ics/.test(row) ? null : row)), times: 1 });
    expect(allTold(await scan())).toEqual(ALL);
    expect(proxy.seen.filter(multiget)).toHaveLength(2);
  });

  it('is asked for each object alone when it leaves it out for good, or denies that it is there', async () => {
    for (const change of [() => null, failing(404), failing(500)]) {
      proxy.clear();
      proxy.inject(only('B.ics', change));
      expect(allTold(await scan())).toEqual(ALL);
      expect(proxy.seen.filter(alone('B.ics'))).toHaveLength(1);
    }
  });

  it('leaves to the next scan what is not there, and tells what cannot be had', async () => {
    for (const [change, status, outcome] of [
      [failing(404), 404, `missing ${path('B.ics')}`],
      [failing(404), 410, `missing ${path('B.ics')}`],
      [() => null, 403, `unreadable ${path('B.ics')} object.not-delivered`],
      [failing(500), 500, `unreadable ${path('B.ics')} object.server-error`],
    ] as const) {
      proxy.clear();
      proxy.inject(only('B.ics', change), { when: alone('B.ics'), instead: answered(status) });
      expect(allTold(await scan())).toEqual(['object A', 'object C', 'object D', outcome].sort());
    }
  });

  it('is asked with the old cursor until it gives what it lists', async () => {
    for (const faults of [[], [withoutSync]]) {
      proxy.clear();
      proxy.inject(...faults);
      const whole = await scan();
      await radicale.put(calendar, 'B.ics', event(`B${faults.length}`, '20260401', 'B'));
      proxy.clear();
      proxy.inject(...faults, only('B.ics', failing(500)), { when: alone('B.ics'), instead: answered(500) });
      const delta = await since(whole);
      expect(allTold(delta)).toContain(`unreadable ${path('B.ics')} object.server-error`);
      expect(delta.end.cursor).toBe(whole.end.cursor);
      proxy.clear();
      expect(allTold(await scan({ cursor: delta.end.cursor, known: knownAfter(whole) }))).toContain(`object B${faults.length}`);
    }
  });

  it('is read one by one when it knows no multiget', async () => {
    proxy.inject({ when: multiget, instead: refusal(501) });
    expect(allTold(await scan())).toEqual(ALL);
  });

  it('hides nothing else behind an object that makes no sense', async () => {
    proxy.inject(only('B.ics', (row) => row.replace('BEGIN:VEVENT', 'BEGIN:NONSENSE')));
    const lines = allTold(await scan());
    expect(lines.filter((line) => line.startsWith('object'))).toEqual(['object A', 'object C', 'object D']);
    expect(lines.find((line) => line.startsWith('unreadable'))).toContain(path('B.ics'));
  });
});

describe('a server that spells things its own way', () => {
  it('without etags is read again each time it lists an object', async () => {
    proxy.inject(withoutSync, withoutEtags);
    const whole = await scan();
    expect(allTold(whole)).toEqual(ALL);
    await radicale.put(calendar, 'A.ics', event('A2', '20260401', 'A'));
    const delta = await scan({ cursor: whole.end.cursor, known: knownAs(null) });
    expect(allTold(delta)).toEqual(['object A2', 'object B', 'object C', 'object D']);
  });

  it('may write the same address in different ways', async () => {
    await radicale.put(calendar, 'E@F.ics', event('E'));
    const whole = await scan();
    proxy.inject(eachRow(anything, (row) => row.replaceAll('%40', '@').replace(/<href>(?=\/)/, `<href>${proxy.url.slice(0, -1)}`)));
    const respelt = await scan();
    expect(allTold(respelt)).toEqual([...ALL, 'object E']);
    expect(respelt.changes.every((change) => change.kind === 'object' && etagsOf(whole).has(change.object.remoteId))).toBe(true);
  });
});

describe('a server that fails', () => {
  it.each([429, 503])('with %i is asked again, and left in peace when it asks for more time than there is', async (status) => {
    proxy.inject({ when: anything, times: 2, instead: answered(status) });
    expect(allTold(await scan())).toEqual(ALL);
    proxy.inject({ when: anything, instead: answered(status, { 'retry-after': '600' }) });
    await expect(scan()).rejects.toMatchObject({ fault: 'throttled', retryAfter: 600 });
  });

  it('only needs a new password after two refusals in a row', async () => {
    proxy.inject({ when: multiget, times: 1, instead: answered(401) });
    expect(allTold(await scan())).toEqual(ALL);
    proxy.inject({ when: multiget, instead: answered(401) });
    await expect(scan()).rejects.toMatchObject({ fault: 'access-revoked' });
  });

  it('is unavailable when it breaks off, falls silent or does not answer, and read when that passes', async () => {
    for (const delivery of ['half', 'stalls', 'nothing'] as const) {
      proxy.clear();
      proxy.inject({ when: sync, times: 1, delivery });
      expect(allTold(await scan({}, nearProvider(impatient)))).toEqual(ALL);
    }
    proxy.inject({ when: multiget, delivery: 'half' });
    await expect(scan()).rejects.toMatchObject({ fault: 'unavailable' });
  });

  it.each([
    ['a page for people', answered(200, { 'content-type': 'text/html' }, '<html></html>')],
    ['half a document', answered(207, {}, '<d:multistatus xmlns:d="DAV:"><d:response><d:href>/a.ics</d:href>')],
    [
      'a document that expands itself',
      answered(207, {}, '<!DOCTYPE a [<!ENTITY b "cc">]><d:multistatus xmlns:d="DAV:">&b;</d:multistatus>'),
    ],
    ['another document', answered(207, {}, '<d:error xmlns:d="DAV:"/>')],
    ['nothing', answered(207)],
  ])('with %s is never an empty calendar', async (_, instead) => {
    const { end } = await scan();
    for (const when of [sync, multiget, anything]) {
      proxy.clear();
      proxy.inject({ when, instead });
      await expect(scan()).rejects.toMatchObject({ fault: 'malformed' });
    }
    await expect(scan({ cursor: end.cursor })).rejects.toMatchObject({ fault: 'malformed' });
  });
});

describe('the urgent days', () => {
  const soon = { start: '2026-03-10T00:00:00.000Z', end: '2026-03-12T00:00:00.000Z' };

  it('are left out when the server does not answer queries', async () => {
    proxy.inject({ when: query, instead: refusal(403, 'supported-filter') });
    expect(allTold(await scan({ soon }))).toEqual(ALL);
  });

  it('do not keep what was deleted while the rest was read, nor an old version of what changed', async () => {
    proxy.inject(
      eachRow(listing, (row) => (row.includes('A.ics') ? null : row)),
      eachRow(
        (seen) => query(seen) && !seen.body.includes('time-range'),
        (row) => (row.includes('A.ics') ? null : row),
      ),
      eachRow(sync, (row) =>
        row.includes('A.ics') ? null : row.includes('B.ics') ? row.replace(/<getetag>.*?<\/getetag>/, '<getetag>"newer"</getetag>') : row,
      ),
    );
    const lines = (await scan({ soon })).changes.map(told);
    expect(lines.slice(0, 2).sort()).toEqual(['object A', 'object B']);
    expect(lines[2]).toBe(`removed ${path('A.ics')}`);
    expect(lines.slice(3).sort()).toEqual(['object B', 'object C', 'object D']);
  });
});
