import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostileCalendar, type Lie } from './hostile.calendars.js';

/**
 * A CalDAV server whose accounts (the first part of a path, any password) hold what they are given. It tells every object, also outside the days it is
 * asked for. An account that lies tells the truth until `lie` is called.
 */
export type HostileServer = Readonly<{
  /** With a slash at the end. */
  url: string;
  lie: () => void;
  /** Gives an object another text; the next delta tells it. */
  change: (account: string, calendar: string, file: string, text: string) => void;
  /** Answers come so many milliseconds later from now on. */
  slow: (milliseconds: number) => void;
  /** Requests so far. */
  requests: () => number;
  stop: () => Promise<void>;
}>;

export type HostileAccount = Readonly<{ calendars: ReadonlyMap<string, HostileCalendar>; lie: Lie | null }>;

type Held = Readonly<{ text: string; revision: number }>;
type World = {
  accounts: Map<string, Map<string, Map<string, Held>>>;
  lies: ReadonlyMap<string, Lie | null>;
  lying: boolean;
  delay: number;
  revision: number;
};
type Place = Readonly<{ account: string; calendar: string; depth: string; body: string }>;

const NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/"';
const TOKEN = 'urn:hostile:';
const NONSENSE = [
  `<d:multistatus ${NAMESPACES}>${'<d:response><d:href>/elsewhere/%zz</d:href></d:wrong>'.repeat(20_000)}`,
  `<html><body>${'Sign in to go on. '.repeat(50_000)}`,
  `<d:multistatus ${NAMESPACES}>${'<d:response><d:href>//%%%</d:href><d:status>HTTP/1.1 999</d:status></d:response>'.repeat(10_000)}</d:multistatus>`,
] as const;

const row = (href: string, properties: string): string =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;

const homeRow = (account: string): string =>
  row(
    `/${account}/`,
    `<d:current-user-principal><d:href>/${account}/</d:href></d:current-user-principal>` +
      `<c:calendar-home-set><d:href>/${account}/</d:href></c:calendar-home-set><d:resourcetype><d:collection/></d:resourcetype>`,
  );

const calendarRow = (account: string, calendar: string, revision: number): string =>
  row(
    `/${account}/${calendar}/`,
    `<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>${calendar}</d:displayname>` +
      '<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>' +
      `<cs:getctag>${TOKEN}${revision}</cs:getctag>`,
  );

const objectRow = (home: string, file: string, { text, revision }: Held, withData: boolean): string =>
  row(home + file, `<d:getetag>"${revision}"</d:getetag>${withData ? `<c:calendar-data>${text}</c:calendar-data>` : ''}`);

const listed = ({ accounts, revision }: World, { account, calendar, depth }: Place): readonly string[] => {
  const calendars = accounts.get(account) ?? new Map<string, Map<string, Held>>();
  const objects = [...(calendars.get(calendar) ?? [])];
  const within =
    calendar === ''
      ? [...calendars.keys()].map((name) => calendarRow(account, name, revision))
      : objects.map(([file, held]) => objectRow(`/${account}/${calendar}/`, file, held, false));
  return [calendar === '' ? homeRow(account) : calendarRow(account, calendar, revision), ...(depth === '1' ? within : [])];
};

const reported = (world: World, { account, calendar, body }: Place): readonly string[] => {
  const home = `/${account}/${calendar}/`;
  const objects = world.accounts.get(account)?.get(calendar) ?? new Map<string, Held>();
  const withData = body.includes('calendar-data');
  if (body.includes('calendar-multiget'))
    return [...body.matchAll(/<d:href>([^<]*)<\/d:href>/g)].map(([, href = '']) => {
      const file = href.slice(home.length);
      const held = objects.get(file);
      return held === undefined
        ? `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`
        : objectRow(home, file, held, true);
    });
  const since = Number(/<d:sync-token>urn:hostile:(\d+)</.exec(body)?.[1] ?? -1);
  return [...objects].filter(([, { revision }]) => revision > since).map(([file, held]) => objectRow(home, file, held, withData));
};

const answerOf = (world: World, method: string, place: Place): string => {
  const rows = method === 'PROPFIND' ? listed(world, place) : reported(world, place);
  const token = place.body.includes('sync-collection>') ? `<d:sync-token>${TOKEN}${world.revision}</d:sync-token>` : '';
  return `<?xml version="1.0" encoding="utf-8"?><d:multistatus ${NAMESPACES}>${rows.join('')}${token}</d:multistatus>`;
};

const placeOf = async (incoming: IncomingMessage): Promise<Place> => {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const { authorization = '', depth } = incoming.headers;
  const [user = ''] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':');
  const [account = user, calendar = ''] = (incoming.url ?? '/').split('/').filter((part) => part !== '');
  return { account, calendar, depth: typeof depth === 'string' ? depth : '', body: Buffer.concat(parts).toString() };
};

const deliver = (text: string, lie: Lie | null, turn: number, outgoing: ServerResponse): void => {
  if (lie === 'hangs') return;
  outgoing.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' });
  if (lie === 'cut') outgoing.write(text.slice(0, text.length / 2), () => outgoing.destroy());
  else outgoing.end(lie === null ? text : NONSENSE[turn % NONSENSE.length]);
};

export const startHostileServer = async (accounts: ReadonlyMap<string, HostileAccount>): Promise<HostileServer> => {
  const held = ({ calendars }: HostileAccount) =>
    new Map([...calendars].map(([name, objects]) => [name, new Map([...objects].map(([file, text]) => [file, { text, revision: 0 }]))]));
  const world: World = {
    accounts: new Map([...accounts].map(([name, account]) => [name, held(account)])),
    lies: new Map([...accounts].map(([name, { lie }]) => [name, lie])),
    lying: false,
    delay: 0,
    revision: 0,
  };
  let requests = 0;
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const place = await placeOf(incoming);
    requests += 1;
    if (world.delay > 0) await sleep(world.delay);
    const lie = world.lying ? (world.lies.get(place.account) ?? null) : null;
    deliver(answerOf(world, incoming.method ?? '', place), lie, requests, outgoing);
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`,
    lie: () => {
      world.lying = true;
    },
    change: (account, calendar, file, text) => {
      world.revision += 1;
      world.accounts.get(account)?.get(calendar)?.set(file, { text, revision: world.revision });
    },
    slow: (milliseconds) => {
      world.delay = milliseconds;
    },
    requests: () => requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
