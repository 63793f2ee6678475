import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type GraphBody, graphId } from '../../src/embedded/microsoft/event.js';
import { type MicrosoftSandbox, startMicrosoftSandbox } from '../../src/embedded/microsoft.sandbox.js';
import { movedClock } from '../support/google-sandbox.js';
import {
  ANN,
  ANNS,
  askGraph,
  type Asking,
  READ,
  type Reply,
  startGraphListener,
  startGraphPeople,
  tokensFor,
} from '../support/microsoft-sandbox.js';
import { moduleOf } from '../support/npm-package.js';
import { pythonWith } from '../support/python.js';

type Json = Readonly<Record<string, unknown>>;
type Schema = Readonly<{
  safeParse: (value: unknown) => Readonly<{ success: boolean; error?: Readonly<{ issues: readonly Json[] }> }>;
  shape: Json;
}>;

const ALL = `${READ} Calendars.ReadWrite MailboxSettings.Read`;
const WINDOW = 'startDateTime=2026-10-01T00:00:00Z&endDateTime=2027-02-01T00:00:00Z';

const clock = movedClock();
let python: string;
let schemas: Readonly<Record<string, Schema | undefined>>;
let sandbox: MicrosoftSandbox;
let token: unknown;

beforeAll(async () => {
  python = await pythonWith(['msgraph-sdk==1.65.0', 'O365==2.1.10']);
  const client = await moduleOf('@softeria/ms-365-mcp-server', '0.155.0', join('dist', 'generated', 'client.js'));
  schemas = (client as Readonly<{ schemas: typeof schemas }>).schemas;
});

/** Graph writes null for what a thing does not have; its description knows such a member as one that is left out. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (each === null ? [] : [[name, withoutNulls(each)]])));
};

/** Holds one thing that was answered against Microsoft's description of it. */
const described = (name: string, value: unknown): void => {
  const parsed = schemas[`microsoft_graph_${name}`]?.safeParse(withoutNulls(value));
  expect([name, parsed?.success, parsed?.error?.issues]).toEqual([name, true, undefined]);
};

/** Asks, and holds the answer against Microsoft's description of it, and each row of a list by itself. */
const checked = async (name: string, path: string, how: Asking = {}): Promise<Reply> => {
  const reply = await askGraph(sandbox, token, path, how);
  expect([path, reply.status]).toEqual([path, how.method === 'POST' ? 201 : 200]);
  const rows = reply.json['value'];
  if (!Array.isArray(rows)) described(name, reply.json);
  else for (const row of rows) described(name, row);
  return reply;
};

const rowsOf = ({ json }: Reply): readonly Json[] => json['value'] as readonly Json[];
const put = (key: string, more: GraphBody = {}): string =>
  sandbox.mailboxes.putEvent(ANNS, {
    id: key,
    subject: key,
    start: { dateTime: '2026-11-24T09:00:00', timeZone: 'Romance Standard Time' },
    end: { dateTime: '2026-11-24T10:00:00', timeZone: 'Romance Standard Time' },
    ...more,
  });
const FIVE_DAYS: GraphBody = {
  recurrence: { pattern: { type: 'daily', interval: 1 }, range: { type: 'numbered', startDate: '2026-11-24', numberOfOccurrences: 5 } },
};

describe('Microsoft’s own description of Graph', () => {
  it('describes every answer about the made-up people', async () => {
    sandbox = await startMicrosoftSandbox({ clock, port: 0, timeZone: 'Europe/Berlin', restlessness: null });
    let seen = 0;
    for (const account of ['mia@work.example', 'mia@home.example', 'noah@work.example']) {
      token = (await tokensFor(sandbox, { account }, { scope: ALL }))['access_token'];
      await checked('user', 'me');
      await checked('mailboxSettings', 'me/mailboxSettings');
      await checked('calendar', 'me/calendar');
      for (const { id } of rowsOf(await checked('calendar', 'me/calendars?$top=100'))) {
        const path = `me/calendars/${id as string}`;
        for (const list of ['events?$top=1000', `calendarView?${WINDOW}&$top=1000`, `calendarView/delta?${WINDOW}`]) {
          const rows = rowsOf(await checked('event', `${path}/${list}`));
          seen += rows.length;
          const series = rows.find((row) => row['type'] === 'seriesMaster');
          if (series !== undefined) await checked('event', `${path}/events/${series['id'] as string}/instances?${WINDOW}`);
          if (rows[0] !== undefined) await checked('event', `${path}/events/${rows[0]['id'] as string}`);
        }
      }
    }
    expect(seen).toBeGreaterThan(500);
    await sandbox.stop();
  });

  it('describes what is written, moved, removed and subscribed to', async () => {
    sandbox = await startGraphPeople(clock);
    token = (await tokensFor(sandbox, {}, { scope: ALL }))['access_token'];
    const listener = await startGraphListener();
    put('series', FIVE_DAYS);
    const event = {
      subject: 'New',
      start: { dateTime: '2026-11-24T09:00:00', timeZone: 'UTC' },
      end: { dateTime: '2026-11-24T10:00:00', timeZone: 'UTC' },
    };
    const created = await checked('event', 'me/events', { method: 'POST', body: event });
    await checked('event', `me/events/${created.json['id'] as string}`, { method: 'PATCH', body: { isAllDay: true } });
    const round = await checked('event', `me/calendarView/delta?${WINDOW}`);
    sandbox.mailboxes.removeOccurrence(ANNS, 'series', '2026-11-25T08:00:00Z');
    put('exception', { id: undefined, seriesMasterId: 'series', originalStart: '2026-11-26T08:00:00Z' });
    expect(rowsOf(await checked('event', String(round.json['@odata.deltaLink'])))).toHaveLength(2);
    const order = {
      changeType: 'updated',
      notificationUrl: listener.url,
      resource: 'me/events',
      expirationDateTime: '2026-11-24T00:00:00Z',
    };
    const { json } = await checked('subscription', 'subscriptions', { method: 'POST', body: order });
    await checked('subscription', `subscriptions/${json['id'] as string}`, {
      method: 'PATCH',
      body: { expirationDateTime: '2026-11-25T00:00:00Z' },
    });
    await checked('subscription', 'subscriptions');
    await sandbox.stop();
    await listener.stop();
  });
});

describe('Microsoft’s own SDK for Python', () => {
  type Held = Readonly<{
    pages: number;
    events: Readonly<Record<string, readonly [string, string | null, string, string | null]>>;
    unknown: readonly string[];
  }>;
  let child: ReturnType<typeof spawn>;
  afterAll(() => {
    child.kill();
  });

  it('makes a whole delta round, and goes on from its link', async () => {
    sandbox = await startGraphPeople(clock);
    token = (await tokensFor(sandbox))['access_token'];
    const script = join(import.meta.dirname, 'graph_reader.py');
    child = spawn(python, [script, sandbox.url, token as string, ANNS, '2026-10-01T00:00:00Z', '2027-02-01T00:00:00Z'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
    const read = async (): Promise<Held> => {
      child.stdin?.write('\n');
      return JSON.parse(String((await lines.next()).value)) as Held;
    };
    const id = (key: string): string => graphId(key, true);
    for (const key of ['one', 'two', 'three']) put(key);
    put('series', FIVE_DAYS);
    sandbox.switchOn({ fault: 'empty-pages' });
    const first = await read();
    expect([first.pages, Object.keys(first.events).length]).toEqual([6, 9]);
    expect(first.events[id('series.0.20261125T080000Z')]).toEqual(['occurrence', null, '2026-11-25T08:00:00.0000000', id('series')]);
    // The SDK's descriptions are older than these two, which Graph has answered since 2023.
    expect(first.unknown).toEqual(['@odata.etag', 'occurrenceId', 'uid']);
    put('one', { subject: 'changed' });
    sandbox.mailboxes.removeEvent(ANNS, 'two');
    sandbox.mailboxes.removeEvent(ANNS, 'series');
    put('later');
    const { events } = await read();
    expect(new Map(Object.entries(events).map(([key, [, subject]]) => [key, subject]))).toEqual(
      new Map(
        [
          ['one', 'changed'],
          ['three', 'three'],
          ['later', 'later'],
        ].map(([key = '', subject]) => [id(key), subject]),
      ),
    );
    expect((await read()).events).toEqual(events);
    await sandbox.stop();
  });
});

describe('O365, which knows nothing of this project,', () => {
  it('lists calendars, writes a series, changes it and deletes it', async () => {
    sandbox = await startGraphPeople(clock);
    // Its paths hold ids as they are.
    sandbox.mailboxes.putCalendar({ id: 'AQMkMade==', name: 'Made', owner: { name: 'Ann Anybody', address: ANN } });
    sandbox.mailboxes.share(ANN, 'AQMkMade==', { role: 'owner' });
    token = (await tokensFor(sandbox, {}, { scope: ALL }))['access_token'];
    const script = join(import.meta.dirname, 'o365_client.py');
    const { stdout } = await promisify(execFile)(python, [script, sandbox.url, token as string, 'Made']);
    const row = (subject: string) => (day: number) => [subject, `2026-11-${day}T09:00:00+01:00`, 'Room Aspen'];
    expect(JSON.parse(stdout)).toEqual({
      calendars: ['Calendar', 'Team', 'Quiet', 'Nowhere holidays', 'Made'],
      saved: true,
      written: [24, 25, 26].map(row('Written by O365')),
      changed: true,
      after: [24, 25, 26].map(row('Changed by O365')),
      deleted: true,
      left: [],
    });
    await sandbox.stop();
  });
});
