import { beforeAll, describe, expect, it } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DAY, HOUR, icsOf, type Item } from '../support/calendar-item.js';
import { answered, anything, type FaultProxy, multiget, startFaultProxy } from '../support/fault-proxy.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';

/** What every personal word here begins with. */
const MARK = 'zqxjkvwhumbo';
const USER = { name: `${MARK}-user`, password: `${MARK}-password` };
const PERSON = 'person-of-this-test';

const today = Math.floor(Date.now() / DAY) * DAY;

const marked = (number: number): Item => ({
  uid: `${MARK}-uid-${number}`,
  master: { title: `${MARK} title`, start: today + number * DAY + 9 * HOUR, length: HOUR, zone: 'Europe/Paris', status: 'CONFIRMED' },
  rule: number % 2 === 0 ? 'FREQ=DAILY;COUNT=5' : null,
  until: null,
  exdates: [],
  rdates: [],
  overrides: [],
  lines: [
    `LOCATION:${MARK} place`,
    `DESCRIPTION:${MARK} notes ${'and more '.repeat(400)}`,
    `URL:https://${MARK}.example.com/join`,
    `ORGANIZER;CN=${MARK} chair:mailto:${MARK}.chair@example.com`,
    `ATTENDEE;CN=${MARK} guest;PARTSTAT=ACCEPTED:mailto:${MARK}.guest@example.com`,
  ],
});

/** The word as base64 has it when so many bytes of a group of three precede it, without the characters it shares with its neighbours. */
const inBase64 = (word: string, preceding: number): string =>
  Buffer.from(`${'\0'.repeat(preceding)}${word}`)
    .toString('base64')
    .slice(Math.ceil((preceding * 8) / 6), Math.floor(((preceding + word.length) * 8) / 6));

const spellings = (word: string): readonly string[] => [
  word,
  word.toUpperCase(),
  Buffer.from(word, 'utf16le').subarray(0, -1).toString(),
  Buffer.from(word).toString('hex'),
  Buffer.from(word).toString('hex').toUpperCase(),
  ...[0, 1, 2].map((preceding) => inBase64(word, preceding)),
];

const found = (bytes: Buffer, words: readonly string[]): readonly string[] => words.filter((word) => bytes.includes(word));

type Sight = Readonly<{ file: string; word: string }>;

const lookThrough = async (folder: string, words: readonly string[]): Promise<readonly Sight[]> => {
  const sights: Sight[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A running database removes files while one looks.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    sights.push(...found(bytes, words).map((word) => ({ file: relative(folder, path), word })));
  }
  return sights;
};

describe('Nothing personal can be read at rest', () => {
  const opened = suiteResources();
  let radicale: Radicale;
  let proxy: FaultProxy;
  let service: Service;
  let me: Client;
  let calendar: string;
  let connection: ConnectionView;

  beforeAll(async () => {
    radicale = await opened(startRadicale([USER]));
    proxy = await opened(startFaultProxy(radicale.url));
    service = await opened(startService({ LOG_LEVEL: 'debug' }));
    me = await service.as(PERSON);
    calendar = await radicale.makeCalendar(`${MARK}-path`, { displayname: `${MARK} calendar` });
    for (const number of [1, 2, 3, 4]) await radicale.put(calendar, `${MARK}-file-${number}.ics`, icsOf(marked(number)));
    connection = await me.connect({ url: proxy.url, user: USER.name, password: USER.password });
    await me.settled();
  });

  const checkpoint = () => service.rows('checkpoint');

  const expectNothing = async (): Promise<void> => {
    expect(await lookThrough(service.dataDir, spellings(MARK))).toEqual([]);
    expect(
      service
        .output()
        .split('\n')
        .filter((line) => found(Buffer.from(line), spellings(MARK)).length > 0),
    ).toEqual([]);
  };

  const touch = (title: string) => {
    const item = marked(1);
    return radicale.put(calendar, `${MARK}-file-1.ics`, icsOf({ ...item, master: { ...item.master, title } }));
  };

  it('though its owner reads all of it', async () => {
    const [day, next] = [1, 2].map((days) => new Date(today + days * DAY).toISOString().slice(0, 10));
    expect(await me.events(`${day ?? ''}/${next ?? ''}`)).toMatchObject([
      {
        title: `${MARK} title`,
        location: `${MARK} place`,
        organizer: { name: `${MARK} chair`, email: `${MARK}.chair@example.com` },
        attendees: [{ name: `${MARK} guest`, email: `${MARK}.guest@example.com` }],
      },
    ]);
    expect(connection).toMatchObject({ account: USER.name, calendars: [{ name: `${MARK} calendar` }] });
  });

  it('by somebody who looks through the files and knows what to look for', async () => {
    await checkpoint();
    // The look is sharp enough to see what is kept in clear.
    expect((await lookThrough(service.dataDir, [PERSON])).length).toBeGreaterThan(1);
    await expectNothing();
  });

  it('after readings that failed in every way', async () => {
    const title = `${MARK} title, changed`;
    await touch(title);
    proxy.inject({ when: multiget, times: 1, answer: (answer) => ({ ...answer, body: answer.body.replace('DTSTART', 'DTSTERT') }) });
    await me.sync();
    for (const status of [400, 403, 404, 409, 500, 401]) {
      await touch(`${title} ${status}`);
      proxy.inject({
        when: anything,
        times: 3,
        instead: answered(status, { 'content-type': 'text/html' }, `<p>${MARK} said ${title}</p>`),
      });
      await me.sync();
      expect(proxy.seen.length).toBeGreaterThan(0);
      proxy.clear();
    }
    const credentials = { serverUrl: proxy.url, username: USER.name, password: `${MARK}-wrong` };
    const refused = await me.request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
    const wrong = await me.request('POST', '/v1/calendar/connections', {
      provider: 'caldav',
      consent: true,
      credentials: { [MARK]: title },
    });
    const nowhere = await me.request('POST', '/v1/calendar/connections', {
      provider: 'caldav',
      consent: true,
      credentials: { ...credentials, serverUrl: `http://${MARK}.invalid/` },
    });
    expect([refused.status, wrong.status, nowhere.status]).toEqual([422, 400, expect.any(Number)]);
    await me.request('GET', `/v1/calendar/events?range=${MARK}`);
    await checkpoint();
    await expectNothing();
  });

  it('after the account was revoked, or the service stopped', async () => {
    await me.request('DELETE', `/v1/calendar/connections/${connection.connectionId}`);
    const keys = () => service.rows('select 1 from vault where connection_id = $1', [connection.connectionId]);
    await eventually('its keys are destroyed', async () => (await keys()).length === 0);
    await expectNothing();
    await service.halt();
    await expectNothing();
  });
});
