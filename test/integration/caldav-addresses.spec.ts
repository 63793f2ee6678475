import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
  type Scan,
  scanAll,
  told,
} from '../support/caldav.js';
import { type DavServer, type Kept, startDavServer } from '../support/dav-server.js';

const http = nearHttp();
const provider = nearProvider(http);
const FOLDER = '/cal/anna/arbeit/';
let server: DavServer;

beforeEach(async () => {
  server = await startDavServer(FOLDER);
});
afterEach(() => server.stop());
afterAll(() => http.close());

const scan = (request: Parameters<typeof scanAll>[3] = {}): Promise<Scan> =>
  scanAll(provider, { serverUrl: server.url, username: 'anna', password: 'geheim' }, server.calendar, request);
const since = (earlier: Scan, request: Parameters<typeof scanAll>[3] = {}): Promise<Scan> =>
  scan({ cursor: earlier.end.cursor, known: knownAfter(earlier), held: etagsOf(earlier).size, ...request });

let version = 0;
/** An object that is listed as one text and found only by `known`, which is the same text unless it is said. */
const kept = (name: string, known: readonly string[] = [name], title = name): Kept => ({
  listed: FOLDER + name,
  known: known.map((each) => FOLDER + each),
  etag: `"${(version += 1)}"`,
  text: event(title, '20260310', `uid-${version}`),
});

describe('an address that only one spelling finds', () => {
  it.each([
    ['a colon that is escaped', '2012-08-07+08%3A42.ics', []],
    ['a slash that is escaped', 'AAA%2FBBB%3D.EML', []],
    ['a percent sign that is escaped', 'fe80%25eth0.ics', []],
    ['a raw at sign', 'anna@example.org.ics', []],
    ['an escaped at sign', 'anna%40example.org.ics', []],
    ['a raw plus sign', 'a+b.ics', []],
    ['an escaped plus sign', 'a%2Bb.ics', []],
    ['escapes in small letters', 'caf%c3%a9.ics', []],
    ['escapes of what needs none', '%61bc.ics', []],
    ['an escape within an escape', 'a%2525b.ics', []],
    ['octets that are no UTF-8', 'caf%E9.ics', []],
    ['a semicolon and a comma', 'a;b,c.ics', []],
    ['an ampersand and an apostrophe', "a&b'c.ics", []],
    ['letters that are not escaped', 'größe.ics', ['gr%C3%B6%C3%9Fe.ics']],
    ['a space', 'two words.ics', ['two%20words.ics']],
    ['a question mark', 'who?.ics', ['who%3F.ics']],
    ['a hash', 'no#1.ics', ['no%231.ics']],
    ['a lone percent sign', '100%.ics', ['100%25.ics']],
    ['much at once', 'ev 12 é+@%.ics', ['ev%2012%20%C3%A9+@%25.ics']],
  ])('%s: it is asked for by the very text the server uses', async (_, name, sent) => {
    server.objects = [kept(name, [name, ...sent], 'Found')];
    expect(allTold(await scan())).toEqual(['object Found']);
    // A GET cannot have spaces and letters in it: those alone are escaped.
    server.refuses.multiget = 501;
    expect(allTold(await scan())).toEqual(['object Found']);
  });

  it.each([
    ['does not know the text it lists, in an answer for many', 'ev 12 é+@%.ics', 'ev%2012%20%C3%A9%2B%40%25.ics'],
    ['lists names without escaping them, escapes among them', 'x%41y.ics', 'x%2541y.ics'],
    ['lists escaped names and knows raw ones', 'anna%40example.org.ics', 'anna@example.org.ics'],
    ['lists raw names and knows escaped ones', 'anna@example.org.ics', 'anna%40example.org.ics'],
  ])('on a server that %s: it is found by another', async (_, name, known) => {
    server.objects = [kept(name, [known], 'Found'), kept('plain.ics')];
    expect(allTold(await scan())).toEqual(['object Found', 'object plain.ics']);
    server.refuses.multiget = 501;
    expect(allTold(await scan())).toEqual(['object Found', 'object plain.ics']);
  });

  it('is not taken for another object that is there', async () => {
    const [gone, there] = [kept('x%41y.ics', []), kept('x%2541y.ics')];
    server.objects = [
      { ...gone, etag: '"1"' },
      { ...there, etag: '"1"' },
    ];
    const whole = await scan();
    expect(allTold(whole)).toEqual([`missing ${FOLDER}xAy.ics`, 'object x%2541y.ics']);
  });
});

describe('a calendar that only one spelling finds', () => {
  it.each(['/cal/anna@example.org/arbeit/', '/cal/anna%40example.org/arbeit/', '/cal/anna/a+b;c/', '/cal/anna/caf%c3%a9/'])(
    '%s: it is read by the very text the server uses, and known by one for all',
    async (path) => {
      await server.stop();
      server = await startDavServer(path);
      const object = { listed: `${path}lunch.ics`, known: [`${path}lunch.ics`], etag: '"1"', text: event('Lunch') };
      server.objects = [object];
      const secret = { serverUrl: server.url, username: 'anna', password: 'geheim' };
      const { calendars } = await provider.discover(fixedGrant(secret), allowed());
      const canonical = path
        .split('/')
        .map((name) => encodeURIComponent(decodeURIComponent(name)))
        .join('/');
      expect(calendars).toMatchObject([{ remoteId: server.url.slice(0, -1) + canonical, address: server.url.slice(0, -1) + path }]);
      expect(allTold(await scanAll(provider, secret, calendars[0]?.address ?? ''))).toEqual(['object Lunch']);
    },
  );
});

describe('the same address in another spelling', () => {
  it('is the same object in every answer', async () => {
    server.objects = [kept('anna@example.org.ics', ['anna@example.org.ics', 'anna%40example.org.ics'], 'One')];
    const whole = await scan();
    const [one] = server.objects;
    if (one === undefined) throw new Error('there is no object');
    for (const respelled of [
      `${FOLDER}anna%40example.org.ics`,
      `https://other.example${FOLDER}anna@example.org.ics`,
      `/${FOLDER}anna@example.org.ics`,
      '/cal//anna/arbeit/./anna@example.org.ics',
    ]) {
      server.objects = [{ ...one, listed: respelled }];
      const listed = await since(whole, { list: true });
      expect(listed.changes.map(({ kind }) => kind)).not.toContain('removed');
      expect(new Set(listed.changes.map(told))).toEqual(new Set([`unchanged ${FOLDER}anna%40example.org.ics`]));
    }
  });

  it('is another object where the server lists both', async () => {
    const both = [kept('a@b.ics', ['a@b.ics'], 'Raw'), kept('a%40b.ics', ['a%40b.ics'], 'Escaped')];
    server.objects = both.map((object) => ({ ...object, etag: '"1"' }));
    const whole = await scan({ soon: { start: '2026-03-10T00:00:00.000Z', end: '2026-03-11T00:00:00.000Z' } });
    const last = new Map(whole.changes.flatMap((change) => (change.kind === 'object' ? [[change.object.remoteId, told(change)]] : [])));
    expect([...last]).toEqual(
      expect.arrayContaining([
        [`${FOLDER}a@b.ics`, 'object Raw'],
        [`${FOLDER}a%40b.ics`, 'object Escaped'],
      ]),
    );
    expect(last.size).toBe(2);
    // Each changes, and goes, by itself.
    const [raw, escaped] = both;
    if (raw === undefined || escaped === undefined) throw new Error('there are no two');
    const renamed = { ...raw, etag: '"2"', text: event('Raw again') };
    server.objects = [renamed, { ...escaped, etag: '"1"' }];
    server.delta = { changed: [renamed], removed: [] };
    expect(allTold(await since(whole)).filter((line) => !line.startsWith('unchanged'))).toEqual(['object Raw again']);
    server.objects = [{ ...escaped, etag: '"1"' }];
    server.delta = { changed: [], removed: [raw.listed] };
    expect(allTold(await since(whole)).filter((line) => !line.startsWith('unchanged'))).toEqual([`removed ${FOLDER}a@b.ics`]);
  });

  it('becomes another object when that is seen later', async () => {
    const raw = { ...kept('a@b.ics', ['a@b.ics'], 'Raw'), etag: '"1"' };
    server.objects = [raw];
    const whole = await scan();
    const escaped = { ...kept('a%40b.ics', ['a%40b.ics'], 'Escaped'), etag: '"1"' };
    server.objects = [raw, escaped];
    server.delta = { changed: [escaped], removed: [] };
    const delta = await since(whole);
    expect(delta.end.whole).toBe(true);
    expect(new Set(allTold(delta))).toEqual(new Set(['object Raw', `unchanged ${FOLDER}a%40b.ics`]));
  });
});

describe('what is listed and not there when it is asked for', () => {
  const lost = kept('lost.ics', []);

  it('is not removed by the scan that lists it; the next, at once, finds that it is gone', async () => {
    server.objects = [kept('there.ics'), lost];
    const first = await scan();
    expect(allTold(first)).toEqual([`missing ${FOLDER}lost.ics`, 'object there.ics']);
    expect(first.end.again).toBe(true);
    server.objects = server.objects.slice(0, 1);
    server.delta = { changed: [], removed: [] };
    const second = await since(first, { held: 2 });
    expect(second.end).toMatchObject({ whole: true, again: false });
    expect(second.changes.some((change) => 'remoteId' in change && change.remoteId.includes('lost'))).toBe(false);
  });

  it('or that it cannot be read, says so, and goes on', async () => {
    server.objects = [kept('there.ics'), lost];
    server.delta = { changed: [], removed: [] };
    const first = await scan();
    const second = await since(first);
    expect(allTold(second)).toEqual([`unchanged ${FOLDER}there.ics`, `unreadable ${FOLDER}lost.ics object.not-delivered`]);
    expect(second.end.again).toBe(false);
    // Asked for again with the next listing, not with every scan.
    expect((await since(first, { cursor: second.end.cursor })).changes).toEqual([]);
    const found = { ...lost, known: [lost.listed] };
    server.objects = [found];
    const daily = await scan({ cursor: second.end.cursor, list: true, known: knownAs(null), held: 1 });
    expect(allTold(daily)).toEqual(['object lost.ics']);
  });

  it('keeps the cursor where it was until that is decided', async () => {
    server.objects = [kept('there.ics')];
    const whole = await scan();
    const token = (read: Scan): unknown => (JSON.parse(read.end.cursor ?? '') as { token: unknown }).token;
    server.objects = [...server.objects, lost];
    server.delta = { changed: [lost], removed: [] };
    const first = await since(whole, { held: 100 });
    expect([token(first), first.end.again, first.end.whole]).toEqual([token(whole), true, false]);
    expect(allTold(first)).toEqual([`missing ${FOLDER}lost.ics`]);
    const second = await since(whole, { cursor: first.end.cursor });
    expect(token(second)).not.toBe(token(whole));
    expect(allTold(second)).toContain(`unreadable ${FOLDER}lost.ics object.not-delivered`);
  });

  it.each([
    ['a ctag', { sync: 501 }],
    ['a query', { sync: 501, list: 403 }],
  ])('is decided on the rung of %s as well', async (_, refuses) => {
    server.objects = [kept('there.ics'), lost];
    server.refuses = refuses;
    const first = await scan();
    expect([allTold(first), first.end.again]).toEqual([[`missing ${FOLDER}lost.ics`, 'object there.ics'], true]);
    const second = await since(first);
    expect(allTold(second)).toEqual([`unchanged ${FOLDER}there.ics`, `unreadable ${FOLDER}lost.ics object.not-delivered`]);
    expect(second.end.again).toBe(false);
  });
});

describe('what is listed under no address', () => {
  const rungs = [
    ['a sync token', {}],
    ['a ctag', { sync: 501 }],
    ['a query', { sync: 501, list: 403 }],
  ] as const;
  const nowhere = [
    ['another scheme', 'mailto:anna@example.org'],
    ['a name', 'urn:uuid:4b1d5a3e-1c7d-4a53-8d6a-0b8f5a8f9d11'],
    ['nothing', ''],
    ['more than 4,096 characters', `${FOLDER}${'a'.repeat(4_100)}.ics`],
    ['the same from another folder', `https://other.example/${'ä'.repeat(5_000)}.ics`],
  ] as const;
  const odd = (listed: string, etag = '"1"'): Kept => ({ listed, known: [], etag, text: event('Odd') });
  const unreadable = (read: Scan): readonly string[] =>
    read.changes.flatMap((change) => (change.kind === 'unreadable' ? [`${change.code} ${change.etag ?? 'none'}`] : []));

  it.each(rungs.flatMap(([rung, refuses]) => nowhere.map(([name, listed]) => [rung, name, refuses, listed] as const)))(
    'is counted as unreadable, on the rung of %s, when its href is %s, and keeps nothing else from being read',
    async (_, __, refuses, listed) => {
      server.refuses = refuses;
      server.objects = [kept('there.ics'), odd(listed)];
      const first = await scan();
      expect([unreadable(first), allTold(first).at(0)]).toEqual([['object.bad-address "1"'], 'object there.ics']);
      expect([first.changes.length, first.end.whole, first.end.again]).toEqual([2, true, false]);
      const [id] = first.changes.flatMap((change) => (change.kind === 'unreadable' ? [change.remoteId] : []));
      expect(id?.length).toBeLessThan(100);
      server.delta = { changed: [], removed: [] };
      // The same again, and known by what it was kept under: nothing more is asked of it.
      const etags = new Map([...etagsOf(first), [id ?? '', '"1"']]);
      const known: Parameters<typeof since>[1] = {
        list: true,
        held: 2,
        known: (ids) =>
          Promise.resolve(new Map(ids.flatMap((each) => (etags.has(each) ? [[each, etags.get(each) ?? null] as const] : [])))),
      };
      expect(new Set(allTold(await since(first, known)))).toEqual(new Set([`unchanged ${FOLDER}there.ics`, `unchanged ${id ?? ''}`]));
    },
  );

  it('is counted as many times as there are different ones, is told when it changes, and goes when the server says so', async () => {
    server.objects = [kept('there.ics')];
    const whole = await scan();
    const [one, other] = [odd('urn:one'), odd('urn:other', '"2"')];
    server.delta = { changed: [one, other], removed: [] };
    server.objects = [...server.objects, one, other];
    const delta = await since(whole, { held: 100 });
    expect(unreadable(delta).toSorted()).toEqual(['object.bad-address "1"', 'object.bad-address "2"']);
    const ids = delta.changes.flatMap((change) => (change.kind === 'unreadable' && change.etag === '"1"' ? [change.remoteId] : []));
    server.delta = { changed: [], removed: ['urn:one'] };
    expect(allTold(await since(whole, { cursor: delta.end.cursor, held: 100 }))).toEqual([`removed ${ids[0] ?? ''}`]);
  });

  it('is gone when a listing of everything lacks it', async () => {
    server.objects = [kept('there.ics'), { ...odd('urn:one'), etag: null }];
    const whole = await scan();
    expect(unreadable(whole)).toEqual(['object.bad-address none']);
    server.objects = server.objects.slice(0, 1);
    const later = await since(whole, { list: true, held: 2 });
    expect([unreadable(later), later.end.whole]).toEqual([[], true]);
  });
});
