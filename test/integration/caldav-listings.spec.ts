import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { allTold, event, nearHttp, nearProvider, type Scan, scanAll, task } from '../support/caldav.js';
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

/** Somebody who reads the calendar again and again, and remembers as a sync does. */
const reader = () => {
  const held = new Map<string, string | null>();
  let cursor: string | null = null;
  return {
    held: () => [...held.keys()].map((path) => path.replace(FOLDER, '')).sort(),
    forget: () => {
      cursor = null;
    },
    read: async (list = false): Promise<Scan> => {
      const known = new Map(held);
      const request = {
        ...{ cursor, list, held: known.size },
        known: (paths: readonly string[]) =>
          Promise.resolve(new Map(paths.flatMap((path) => (known.has(path) ? [[path, known.get(path) ?? null]] : [])))),
      };
      const scan = await scanAll(provider, { serverUrl: server.url, username: 'anna', password: 'geheim' }, server.calendar, request);
      const met = new Set<string>();
      for (const change of scan.changes) {
        const path = change.kind === 'object' ? change.object.remoteId : change.remoteId;
        if (change.kind === 'removed') held.delete(path);
        else met.add(path);
        if (change.kind === 'object') held.set(path, change.object.etag);
        if (change.kind === 'other' || change.kind === 'unreadable') held.set(path, change.etag);
        if (change.kind === 'missing') held.set(path, null);
      }
      if (scan.end.whole) for (const path of held.keys()) if (!met.has(path)) held.delete(path);
      cursor = scan.end.cursor;
      return scan;
    },
  };
};

const kept = (name: string, etag = '"1"'): Kept => ({ listed: FOLDER + name, known: [FOLDER + name], etag, text: event(name) });
const many = (count: number, prefix = 'e'): readonly Kept[] =>
  Array.from({ length: count }, (_, index) => kept(`${prefix}${String(index).padStart(3, '0')}.ics`));
const names = (objects: readonly Kept[]): readonly string[] => objects.map(({ listed }) => listed.replace(FOLDER, '')).sort();
const rungOf = ({ end }: Scan): unknown => (JSON.parse(end.cursor ?? 'null') as { rung?: unknown } | null)?.rung;

describe('a server that answers a token it does not know with everything, and says nothing of what is gone', () => {
  it.each([
    [30, 12],
    [8, 4],
    [1, 1],
  ])('of %i objects is found out when it names %i', async (before, after) => {
    const anna = reader();
    server.delta = { changed: [], removed: [] };
    server.objects = many(before);
    await anna.read();
    server.objects = many(after, 'new');
    server.delta = null;
    expect((await anna.read()).end.whole).toBe(true);
    expect(anna.held()).toEqual(names(server.objects));
  });

  it('of many objects, and few now, is found out when everything is listed, once a day', async () => {
    const anna = reader();
    server.delta = { changed: [], removed: [] };
    server.objects = many(40);
    await anna.read();
    server.objects = many(3, 'new');
    server.delta = null;
    await anna.read();
    expect(anna.held()).toHaveLength(43);
    await anna.read(true);
    expect(anna.held()).toEqual(names(server.objects));
  });

  it('and nothing at all is found out then too', async () => {
    const anna = reader();
    server.delta = { changed: [], removed: [] };
    server.objects = many(5);
    await anna.read();
    server.objects = [];
    await anna.read();
    expect(anna.held()).toHaveLength(5);
    await anna.read(true);
    expect(anna.held()).toEqual([]);
  });
});

describe('a delta', () => {
  it('of few objects is followed by no listing, one of many by one, and what is known is not read again', async () => {
    const anna = reader();
    server.delta = { changed: [], removed: [] };
    server.objects = many(50);
    await anna.read();
    server.asked.clear();
    const edited = (count: number, etag: string): readonly Kept[] => server.objects.slice(0, count).map((object) => ({ ...object, etag }));
    const edit = (count: number, etag: string): void => {
      const changed = edited(count, etag);
      server.objects = [...changed, ...server.objects.slice(count)];
      server.delta = { changed, removed: [] };
    };
    edit(9, '"2"');
    await anna.read();
    expect([server.asked.get('list'), server.asked.get('multiget')]).toEqual([undefined, 1]);
    edit(10, '"3"');
    const { changes } = await anna.read();
    expect([server.asked.get('list'), server.asked.get('query')]).toEqual([1, undefined]);
    expect(changes.filter(({ kind }) => kind === 'object')).toHaveLength(10);
  });
});

describe('what one way of listing lacks', () => {
  it.each(['sync', 'list'] as const)('%s, at first, is asked for by the next and kept', async (way) => {
    const anna = reader();
    server.objects = many(20);
    if (way === 'list') server.refuses.sync = 501;
    await anna.read();
    expect(anna.held()).toHaveLength(20);
    // The token is refused, everything is read again, and the first listing has no members.
    server.lacks[way] = () => true;
    anna.forget();
    const again = await anna.read();
    expect(anna.held()).toEqual(names(server.objects));
    expect(again.changes.map(({ kind }) => kind)).not.toContain('removed');
    expect(rungOf(again)).toBe('list');
  });

  it('in part is asked for by the next, and gone is what both lack', async () => {
    const anna = reader();
    server.objects = many(20);
    await anna.read();
    server.lacks.sync = ({ listed }) => listed.endsWith('3.ics');
    server.objects = server.objects.filter(({ listed }) => !listed.endsWith('7.ics'));
    anna.forget();
    await anna.read();
    expect(anna.held()).toEqual(names(server.objects));
  });

  it('is found by somebody who held nothing before', async () => {
    const anna = reader();
    server.objects = many(3);
    server.lacks.sync = () => true;
    const first = await anna.read();
    expect([anna.held(), rungOf(first)]).toEqual([names(server.objects), 'list']);
  });

  it('is found when no list of everything can be had, by a query', async () => {
    const anna = reader();
    server.objects = many(20);
    server.lacks.sync = () => true;
    server.refuses.list = 403;
    await anna.read();
    expect(anna.held()).toEqual(names(server.objects));
    server.delta = { changed: [], removed: [] };
    await anna.read(true);
    expect(anna.held()).toEqual(names(server.objects));
  });

  it('is kept by the daily listing as well, until all of them lack it', async () => {
    const anna = reader();
    server.objects = many(20);
    server.delta = { changed: [], removed: [] };
    await anna.read();
    server.lacks.list = ({ listed }) => listed.endsWith('3.ics');
    await anna.read(true);
    expect(anna.held()).toEqual(names(server.objects));
    server.lacks.sync = server.lacks.list;
    await anna.read(true);
    expect(anna.held()).toEqual(names(server.objects).filter((name) => !name.endsWith('3.ics')));
  });

  it('and no other way tells is gone', async () => {
    const anna = reader();
    server.objects = many(5);
    Object.assign(server.refuses, { sync: 501, query: 500 });
    await anna.read();
    server.objects = many(4);
    await anna.read(true);
    expect(anna.held()).toEqual(names(server.objects));
  });
});

describe('an object that did not change', () => {
  it.each([
    ['without an etag of its own', () => null],
    ['with another etag than is listed', (etag: string) => `W/${etag.replace(/"$/, '-gzip"')}`],
    ['with the etag that is listed', (etag: string) => etag],
  ])('is not fetched again where contents come by GET, %s', async (_, etag) => {
    const anna = reader();
    server.objects = many(3);
    server.refuses = { sync: 501, multiget: 501 };
    server.written = { ...server.written, etag };
    await anna.read();
    expect(server.got).toHaveLength(3);
    await anna.read();
    expect(server.got).toHaveLength(3);
    server.objects = server.objects.map((object, index) => (index === 0 ? { ...object, etag: '"2"' } : object));
    await anna.read();
    expect(server.got).toHaveLength(4);
  });

  it('is not fetched again where it makes no sense', async () => {
    const anna = reader();
    server.objects = [kept('lunch.ics'), { ...kept('odd.ics'), text: 'BEGIN:NONSENSE' }];
    server.refuses = { sync: 501 };
    await anna.read();
    const fetched = server.asked.get('multiget');
    await anna.read();
    expect([anna.held(), server.asked.get('multiget')]).toEqual([names(server.objects), fetched]);
  });

  it.each([
    ['by GET', { multiget: 501 }],
    ['by a multiget', {}],
    ['by GET, on the rung of a ctag', { sync: 501, multiget: 501 }],
    ['by a multiget, on the rung of a ctag', { sync: 501 }],
    ['by a multiget, on the rung of a query', { sync: 501, list: 403 }],
  ])('is not fetched again where it holds no event and comes %s', async (_, refuses) => {
    const anna = reader();
    server.objects = [kept('lunch.ics'), { ...kept('wash.ics'), text: task('Wash up') }];
    server.refuses = refuses;
    server.delta = { changed: [], removed: [] };
    const first = await anna.read();
    expect(allTold(first)).toEqual(['object lunch.ics', `other ${FOLDER}wash.ics`]);
    const contents = (): number => server.got.length + (server.asked.get('multiget') ?? 0);
    const fetched = contents();
    for (const list of [false, true, true]) await anna.read(list);
    expect(contents()).toBe(fetched);
    server.objects = server.objects.map((object) => ({ ...object, etag: '"2"', text: event('Event now') }));
    expect(allTold(await anna.read(true)).filter((line) => line === 'object Event now')).toHaveLength(2);
  });
});
