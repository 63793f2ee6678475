import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * A CalDAV server whose accounts (any name, any password) have one calendar of so many single events each, made up while they are sent: as large
 * as anybody likes, in no memory. Events stand evenly over the window a sync looks at.
 */
export type MadeCalendar = Readonly<{
  /** With a slash at the end. */
  url: string;
  /** Gives one event a new title. */
  change: (index: number) => void;
  /** From now on there are so many events: those with the highest numbers go. */
  shrink: (events: number) => void;
  /** No token given out so far is known any more. */
  forgetTokens: () => void;
  /** Requests so far, by what they asked for. */
  requests: ReadonlyMap<string, number>;
  stop: () => Promise<void>;
}>;

const DAY = 86_400_000;
const NAMESPACES =
  'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/" xmlns:ical="http://apple.com/ns/ical/"';
const HOME = /^\/dav\/([^/]+)\//;
const FILE = /\/event-(\d+)\.ics$/;
const PIECE = 65_536;

type World = {
  events: number;
  life: string;
  readonly changed: Map<number, number>;
  revision: number;
  readonly from: number;
  readonly padding: string;
};

const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');

const startOf = ({ from, events }: World, index: number): number => from + Math.floor((index * 390 * 1_440) / events) * 60_000;

const textOf = (world: World, index: number): string =>
  [
    ...[
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//made up//EN',
      'BEGIN:VEVENT',
      `UID:event-${index}@made.example`,
      'DTSTAMP:20260101T000000Z',
    ],
    `SUMMARY:Meeting ${index}, version ${world.changed.get(index) ?? 0}`,
    ...[
      'LOCATION:Room 4',
      `DESCRIPTION:${world.padding}`,
      `DTSTART:${stamp(startOf(world, index))}`,
      'DURATION:PT30M',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ],
  ].join('\r\n');

const etagOf = (world: World, index: number): string => `"${index}-${world.changed.get(index) ?? 0}"`;

const rowOf = (world: World, home: string, index: number, withData: boolean): string =>
  `<d:response><d:href>/dav/${home}/work/event-${index}.ics</d:href><d:propstat><d:prop><d:getetag>${etagOf(world, index)}</d:getetag>` +
  `${withData ? `<c:calendar-data>${textOf(world, index)}</c:calendar-data>` : ''}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;

const goneRow = (href: string): string => `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`;

/** What is true of every resource, said of each: the account's own place, and its calendar. */
const about = (home: string, token: string): string => {
  const properties =
    `<d:current-user-principal><d:href>/dav/${home}/</d:href></d:current-user-principal>` +
    `<c:calendar-home-set><d:href>/dav/${home}/</d:href></c:calendar-home-set>`;
  const calendar =
    '<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Work</d:displayname>' +
    '<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>' +
    `<cs:getctag>${token}</cs:getctag>`;
  return (
    `<d:response><d:href>/dav/${home}/work/</d:href><d:propstat><d:prop>${properties}${calendar}</d:prop>` +
    '<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>'
  );
};

type Query = Readonly<{ start: number; end: number }>;

const instantOf = (basic: string): number => Date.parse(basic.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

const rangeIn = (body: string): Query => {
  const [, start, end] = /time-range start="(\w+)" end="(\w+)"/.exec(body) ?? [];
  return start === undefined || end === undefined ? { start: -Infinity, end: Infinity } : { start: instantOf(start), end: instantOf(end) };
};

function* rowsOf(world: World, home: string, body: string): Generator<string> {
  const withData = body.includes('c:calendar-data');
  if (body.includes('calendar-multiget'))
    for (const [, href = ''] of body.matchAll(/<d:href>([^<]*)<\/d:href>/g)) {
      const index = Number(FILE.exec(href)?.[1] ?? NaN);
      yield index < world.events ? rowOf(world, home, index, withData) : goneRow(href);
    }
  else if (body.includes('calendar-query')) {
    const { start, end } = rangeIn(body);
    for (let index = 0; index < world.events; index += 1) {
      const at = startOf(world, index);
      if (at < end && at + DAY / 48 > start) yield rowOf(world, home, index, withData);
    }
  } else {
    const since = Number(/:(\d+)<\/d:sync-token>/.exec(body)?.[1] ?? NaN);
    if (Number.isNaN(since)) for (let index = 0; index < world.events; index += 1) yield rowOf(world, home, index, false);
    else for (const [index, revision] of world.changed) if (revision > since) yield rowOf(world, home, index, false);
  }
}

const tokenOf = ({ life, revision }: World): string => `urn:made:${life}:${revision}`;

function* answerOf(world: World, home: string, method: string, body: string): Generator<string> {
  yield `<?xml version="1.0" encoding="utf-8"?>\n<d:multistatus ${NAMESPACES}>`;
  if (method === 'PROPFIND') yield about(home, tokenOf(world));
  else yield* rowsOf(world, home, body);
  if (body.includes('sync-collection')) yield `<d:sync-token>${tokenOf(world)}</d:sync-token>`;
  yield '</d:multistatus>';
}

/** A few rows at a time, so that an answer costs few writes. */
function* piecesOf(parts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** Sent as the other side takes it. */
const send = (outgoing: ServerResponse, parts: Iterable<string>): Promise<void> => {
  outgoing.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' });
  return pipeline(Readable.from(piecesOf(parts)), outgoing);
};

const kindOf = (method: string, body: string): string =>
  /(sync-collection|calendar-multiget)/.exec(body)?.[1] ??
  (body.includes('calendar-query') ? `calendar-query${body.includes('time-range') ? ' of some days' : ''}` : method);

const bodyOf = async (incoming: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

/** `bytes`: about the length of each event's text. */
export const startMadeCalendar = async (events: number, bytes = 600): Promise<MadeCalendar> => {
  const from = Math.floor(Date.now() / DAY) * DAY - 29 * DAY;
  const padding = 'Agenda and notes. '.repeat(Math.ceil(Math.max(0, bytes - 270) / 18));
  const world: World = { events, life: randomUUID(), changed: new Map(), revision: 0, from, padding };
  const requests = new Map<string, number>();
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    const { method = '', url = '', headers } = incoming;
    const kind = kindOf(method, body);
    requests.set(kind, (requests.get(kind) ?? 0) + 1);
    const [user = ''] = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    const home = HOME.exec(url)?.[1] ?? encodeURIComponent(user);
    const stale = /<d:sync-token>([^<]+)<\/d:sync-token>/.exec(body)?.[1]?.startsWith(`urn:made:${world.life}:`) === false;
    if (stale) outgoing.writeHead(403).end(`<d:error ${NAMESPACES}><d:valid-sync-token/></d:error>`);
    else if (method === 'PROPFIND' || method === 'REPORT') await send(outgoing, answerOf(world, home, method, body));
    else outgoing.writeHead(405).end();
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    change: (index) => {
      world.revision += 1;
      world.changed.delete(index);
      world.changed.set(index, world.revision);
    },
    shrink: (left) => {
      Object.assign(world, { events: left, life: randomUUID() });
    },
    forgetTokens: () => {
      world.life = randomUUID();
    },
    requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
