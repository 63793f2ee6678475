import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** An object as a server keeps it: `listed` as its answers name it, `known` the addresses it is found by, in a multiget or by GET. */
export type Kept = Readonly<{ listed: string; known: readonly string[]; etag: string | null; text: string }>;

/** How a server tells what it has. */
type Way = 'sync' | 'list' | 'query' | 'multiget';

/**
 * A calendar of somebody else's server, as peculiar as a test needs it: it knows its objects only by the addresses it says, lists what it likes
 * by each way, and counts what it is asked.
 */
export type DavServer = {
  /** With a slash at the end. */
  readonly url: string;
  readonly calendar: string;
  /** Of the calendar; it is found by no other spelling. */
  readonly path: string;
  objects: readonly Kept[];
  /** Objects that an answer leaves out although they are there, by their `listed`. */
  lacks: Partial<Record<Way, (object: Kept) => boolean>>;
  /** Refuses a way with a status. */
  refuses: Partial<Record<Way, number>>;
  /** What `sync-collection` tells since a token; null: everything there is, as a server that does not know the token and does not say so. */
  delta: Readonly<{ changed: readonly Kept[]; removed: readonly string[] }> | null;
  /** What the contents come in: how `calendar-data` is written, and the body of a GET. */
  written: Readonly<{ xml: (text: string) => string; body: (text: string) => Buffer; type: string; etag: (etag: string) => string | null }>;
  readonly asked: Map<string, number>;
  readonly got: string[];
  stop: () => Promise<void>;
};

const NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/"';

export const escapeXml = (text: string): string => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
const unescapeXml = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

const row = (href: string, properties: string): string =>
  `<d:response><d:href>${escapeXml(href)}</d:href><d:propstat><d:prop>${properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
const gone = (href: string): string =>
  `<d:response><d:href>${escapeXml(href)}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`;
const tagged = ({ etag }: Kept): string => (etag === null ? '' : `<d:getetag>${etag}</d:getetag>`);

const wayOf = (method: string, depth: unknown, body: string): Way | 'GET' | 'about' => {
  if (method === 'GET') return 'GET';
  if (body.includes('sync-collection>')) return 'sync';
  if (body.includes('calendar-multiget')) return 'multiget';
  if (body.includes('calendar-query')) return 'query';
  return depth === '1' ? 'list' : 'about';
};

const bodyOf = async (incoming: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

const ABOUT =
  '<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>' +
  '<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>';

const entrance = (path: string): string => {
  const home = `<d:href>${escapeXml(path.replace(/[^/]+\/$/, ''))}</d:href>`;
  return `<d:current-user-principal>${home}</d:current-user-principal><c:calendar-home-set>${home}</c:calendar-home-set>`;
};

const rowsOf = (server: DavServer, way: Way, path: string, body: string): readonly string[] => {
  const { objects, lacks, delta, written } = server;
  const there = objects.filter((object) => lacks[way]?.(object) !== true);
  const whole = (object: Kept, href: string): string =>
    row(href, `${tagged(object)}<c:calendar-data>${written.xml(object.text)}</c:calendar-data>`);
  const token = /<d:sync-token>([^<]*)</.exec(body)?.[1] ?? '';
  switch (way) {
    case 'multiget':
      return [...body.matchAll(/<d:href>([^<]*)<\/d:href>/g)].map(([, escaped = '']) => {
        const href = unescapeXml(escaped);
        const object = there.find(({ known }) => known.includes(href));
        return object === undefined ? gone(href) : whole(object, href);
      });
    case 'query':
      return there.map((object) => (body.includes('calendar-data') ? whole(object, object.listed) : row(object.listed, tagged(object))));
    case 'list':
      return [row(path, ABOUT), ...there.map((object) => row(object.listed, tagged(object)))];
    case 'sync': {
      const changed = token === '' || delta === null ? there : delta.changed;
      const removed = token === '' || delta === null ? [] : delta.removed;
      return [row(path, ABOUT), ...changed.map((object) => row(object.listed, tagged(object))), ...removed.map(gone)];
    }
  }
};

const answer = (server: DavServer, { method = '', url = '', headers }: IncomingMessage, body: string, outgoing: ServerResponse): void => {
  const way = wayOf(method, headers['depth'], body);
  server.asked.set(way, (server.asked.get(way) ?? 0) + 1);
  const pathname = server.path;
  if (way === 'GET') {
    server.got.push(url);
    const object = server.objects.find(({ known, listed }) => known.includes(url) && server.lacks.multiget?.({ listed } as Kept) !== true);
    const etag = object?.etag === undefined || object.etag === null ? null : server.written.etag(object.etag);
    outgoing.writeHead(object === undefined ? 404 : 200, { 'content-type': server.written.type, ...(etag === null ? {} : { etag }) });
    outgoing.end(object === undefined ? '' : server.written.body(object.text));
    return;
  }
  const refused = way === 'about' ? undefined : server.refuses[way];
  if (refused !== undefined) {
    outgoing.writeHead(refused).end();
    return;
  }
  // An address in another spelling is no address here.
  if (!pathname.startsWith(url)) {
    outgoing.writeHead(404).end();
    return;
  }
  const isDiscovery = body.includes('supported-calendar-component-set');
  const rows =
    way === 'about' || isDiscovery ? [row(isDiscovery ? pathname : url, ABOUT + entrance(pathname))] : rowsOf(server, way, pathname, body);
  const token = way === 'sync' ? `<d:sync-token>token-${server.asked.get('sync') ?? 0}</d:sync-token>` : '';
  outgoing.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' });
  outgoing.end(`<?xml version="1.0" encoding="utf-8"?><d:multistatus ${NAMESPACES}>${rows.join('')}${token}</d:multistatus>`);
};

/** Starts such a server, with an empty calendar. */
export const startDavServer = async (path = '/cal/anna/arbeit/'): Promise<DavServer> => {
  const server = createServer((incoming, outgoing) => {
    bodyOf(incoming).then(
      (body) => {
        answer(dav, incoming, body, outgoing);
      },
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  const dav: DavServer = {
    url,
    calendar: url.slice(0, -1) + path,
    path,
    objects: [],
    lacks: {},
    refuses: {},
    delta: null,
    written: { xml: escapeXml, body: (text) => Buffer.from(text), type: 'text/calendar; charset=utf-8', etag: (etag) => etag },
    asked: new Map(),
    got: [],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return dav;
};
