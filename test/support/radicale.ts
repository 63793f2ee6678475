import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/embedded/free.port.js';

export type RadicaleUser = Readonly<{ name: string; password: string }>;

export type CalendarProperties = Readonly<{
  displayname?: string;
  /** `#rrggbbaa` */
  color?: string;
  components?: readonly string[];
  /** An iCalendar text with a VTIMEZONE. */
  timezone?: string;
}>;

/** A real CalDAV server of the suite's own, on a free port and in a temporary folder. Calendars are named by their absolute URL. */
export type Radicale = Readonly<{
  /** With a slash at the end. */
  url: string;
  user: string;
  password: string;
  makeCalendar: (name: string, properties?: CalendarProperties, user?: string) => Promise<string>;
  /** Etag of what was stored. */
  put: (calendar: string, filename: string, ics: string) => Promise<string>;
  delete: (calendar: string, filename: string) => Promise<void>;
  deleteCalendar: (calendar: string) => Promise<void>;
  /** The server no longer knows any sync token it gave for the calendar. */
  forgetTokens: (calendar: string) => Promise<void>;
  /** The server knows none of its users, until told otherwise. */
  refuse: (isRefused: boolean) => Promise<void>;
  /** Writes objects straight into the server's storage: thousands in a second. */
  seed: (calendar: string, objects: ReadonlyMap<string, string>) => Promise<void>;
  stop: () => Promise<void>;
}>;

const START_LIMIT = 60_000;

/** Ten years, in seconds: where the tests are run in a year ahead, the files of tokens are dated by the day that is. */
const TOKEN_AGE = 315_360_000;

const DEFAULT_USERS: readonly RadicaleUser[] = [{ name: 'alice', password: 'open sesame' }];

const configuration = (port: number, folder: string): string => `[server]
hosts = 127.0.0.1:${port}
max_connections = 64
[auth]
type = htpasswd
htpasswd_filename = ${folder}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = ${folder}/storage
max_sync_token_age = ${TOKEN_AGE}
[logging]
level = error
`;

type Answer = Readonly<{ status: number; etag: string; body: string }>;

// Not by `fetch`: undici pauses on bodies that are not read, and fails when Radicale, which speaks HTTP/1.0, then closes the connection.
const send = (method: string, url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag ?? '', body: Buffer.concat(parts).toString() });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });

const answers = (url: string): Promise<boolean> =>
  send('GET', url, {}, '').then(
    () => true,
    () => false,
  );

const exited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const admit = (folder: string, users: readonly RadicaleUser[]): Promise<void> =>
  writeFile(join(folder, 'users'), users.map(({ name, password }) => `${name}:${password}\n`).join(''));

const start = async (folder: string, users: readonly RadicaleUser[]): Promise<Readonly<{ url: string; child: ChildProcess }>> => {
  const port = await freePort();
  await admit(folder, users);
  await writeFile(join(folder, 'config'), configuration(port, folder));
  const child = spawn('radicale', ['--config', join(folder, 'config')], { stdio: 'ignore' });
  let failure = null as Error | null;
  child.once('error', (error) => {
    failure = error;
  });
  const url = `http://127.0.0.1:${port}/`;
  const until = performance.now() + START_LIMIT;
  while (!(await answers(url))) {
    if (failure !== null) throw new Error('Radicale cannot be run: apt-get install radicale', { cause: failure });
    if (exited(child)) throw new Error('Radicale ended while it started.');
    if (performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error('Radicale did not start.');
    }
    await sleep(25);
  }
  return { url, child };
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const makeCalendarBody = ({ displayname, color, components = ['VEVENT'], timezone }: CalendarProperties): string =>
  [
    '<c:mkcalendar xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:i="http://apple.com/ns/ical/"><set><prop>',
    displayname === undefined ? '' : `<displayname>${escaped(displayname)}</displayname>`,
    color === undefined ? '' : `<i:calendar-color>${color}</i:calendar-color>`,
    timezone === undefined ? '' : `<c:calendar-timezone>${escaped(timezone)}</c:calendar-timezone>`,
    `<c:supported-calendar-component-set>${components.map((name) => `<c:comp name="${name}"/>`).join('')}</c:supported-calendar-component-set>`,
    '</prop></set></c:mkcalendar>',
  ].join('');

/** Starts Radicale; the first user is the one whose calendars are made unless another is named. */
export const startRadicale = async (users: readonly RadicaleUser[] = DEFAULT_USERS): Promise<Radicale> => {
  const [owner = { name: '', password: '' }] = users;
  const folder = await mkdtemp(join(tmpdir(), 'radicale-'));
  const { url, child } = await start(folder, users);

  const authorization = (address: string): string => {
    const name = decodeURIComponent(new URL(address).pathname.split('/')[1] ?? '');
    const { password } = users.find((user) => user.name === name) ?? owner;
    return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  };
  const homeOf = (calendar: string): string => join(folder, 'storage', 'collection-root', decodeURIComponent(new URL(calendar).pathname));
  const ask = async (method: string, address: string, body: string, type: string): Promise<Answer> => {
    const answer = await send(method, address, { authorization: authorization(address), 'content-type': type }, body);
    if (answer.status >= 300) throw new Error(`Radicale answered ${answer.status} to ${method}.`);
    return answer;
  };

  return {
    url,
    user: owner.name,
    password: owner.password,
    makeCalendar: async (name, properties = {}, user = owner.name) => {
      const calendar = `${url}${encodeURIComponent(user)}/${encodeURIComponent(name)}/`;
      await ask('MKCALENDAR', calendar, makeCalendarBody(properties), 'application/xml');
      return calendar;
    },
    put: async (calendar, filename, ics) => {
      const { etag } = await ask('PUT', calendar + encodeURIComponent(filename), ics, 'text/calendar');
      return etag;
    },
    delete: async (calendar, filename) => {
      await ask('DELETE', calendar + encodeURIComponent(filename), '', 'text/plain');
    },
    deleteCalendar: async (calendar) => {
      await ask('DELETE', calendar, '', 'text/plain');
    },
    forgetTokens: (calendar) => rm(join(homeOf(calendar), '.Radicale.cache', 'sync-token'), { recursive: true, force: true }),
    // Radicale reads the file at every request.
    refuse: (isRefused) => admit(folder, isRefused ? [] : users),
    seed: async (calendar, objects) => {
      const home = homeOf(calendar);
      await mkdir(home, { recursive: true });
      for (const [filename, ics] of objects) await writeFile(join(home, filename), ics);
      // Radicale reads each file once and remembers; that is its time, not ours.
      await ask('REPORT', calendar, '<sync-collection xmlns="DAV:"><sync-token/><prop><getetag/></prop></sync-collection>', 'text/xml');
    },
    stop: async () => {
      const ended = exited(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
