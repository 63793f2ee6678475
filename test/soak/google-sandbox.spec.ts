import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type GoogleSandbox, startGoogleSandbox } from '../../src/embedded/google.sandbox.js';
import {
  ANN,
  askApi,
  type GoogleReply,
  HOLIDAYS,
  movedClock,
  newChannelId,
  startListener,
  startTwoPeople,
  tokensFor,
} from '../support/google-sandbox.js';
import { pythonWith } from '../support/python.js';

type Json = Readonly<Record<string, unknown>>;
type Method = Readonly<{ scopes: readonly string[]; parameters?: Json; response?: Readonly<{ $ref: string }> }>;
type Discovery = Readonly<{
  schemas: Json;
  auth: Readonly<{ oauth2: Readonly<{ scopes: Json }> }>;
  resources: Readonly<Record<string, Readonly<{ methods: Readonly<Record<string, Method>> }>>>;
}>;

const PACKAGES = ['gcal-sync==8.0.0', 'google-api-python-client==2.202.0'];
const ALL = 'https://www.googleapis.com/auth/calendar';

const discoveryOf = (python: string): Discovery => {
  const lib = join(dirname(python), '..', 'lib');
  const [version = ''] = readdirSync(lib);
  const path = ['site-packages', 'googleapiclient', 'discovery_cache', 'documents', 'calendar.v3.json'];
  return JSON.parse(readFileSync(join(lib, version, ...path), 'utf8')) as Discovery;
};

/** A schema of a discovery document as JSON Schema; a field it does not name is refused. */
const schemaOf = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(schemaOf);
  if (typeof part !== 'object' || part === null) return part;
  const { type, $ref, properties, additionalProperties, items, format } = part as Json;
  if ($ref !== undefined) return { $ref: `#/definitions/${$ref as string}` };
  if (type === 'any') return {};
  const named = Object.entries((properties ?? {}) as Json).map(([name, each]) => [name, schemaOf(each)] as const);
  return {
    type,
    ...(type === 'object' ? { properties: Object.fromEntries(named), additionalProperties: schemaOf(additionalProperties ?? false) } : {}),
    ...(items === undefined ? {} : { items: schemaOf(items) }),
    ...(format === 'date-time' || format === 'date' ? { format } : {}),
  };
};

const clock = movedClock();
let python: string;
let discovery: Discovery;
let sandbox: GoogleSandbox;
let token: unknown;
let validators: Readonly<Record<string, ValidateFunction>>;

beforeAll(async () => {
  python = await pythonWith(PACKAGES);
  discovery = discoveryOf(python);
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const definitions = Object.fromEntries(Object.entries(discovery.schemas).map(([name, schema]) => [name, schemaOf(schema)]));
  validators = Object.fromEntries(
    Object.keys(definitions).map((name) => [name, ajv.compile({ definitions, $ref: `#/definitions/${name}` })]),
  );
});

const methodOf = (name: string): Method => {
  const [resource = '', method = ''] = name.split('.');
  const found = discovery.resources[resource]?.methods[method];
  if (found === undefined) throw new Error(`the discovery document has no ${name}`);
  return found;
};

/** Asks, and holds the answer against the document: `calendars/primary/events?singleEvents=true` for `events.list`. */
const checked = async (name: string, path: string, order?: Json): Promise<GoogleReply> => {
  const { response, parameters = {} } = methodOf(name);
  const known = Object.keys(parameters);
  expect([...new URL(path, 'http://any/').searchParams.keys()].filter((parameter) => !known.includes(parameter))).toEqual([]);
  const reply = await askApi(sandbox, token, path, order);
  const validate = validators[response?.$ref ?? ''];
  expect([path, reply.status, validate?.(reply.json), validate?.errors]).toEqual([path, 200, true, null]);
  return reply;
};

const put = (id: string, more: Json = {}): string =>
  sandbox.calendars.putEvent(ANN, {
    id,
    summary: id,
    start: { dateTime: '2026-11-24T09:00:00', timeZone: 'Europe/Paris' },
    end: { dateTime: '2026-11-24T10:00:00', timeZone: 'Europe/Paris' },
    ...more,
  });

const inList = (reply: GoogleReply): readonly Json[] => reply.json['items'] as readonly Json[];

describe('Google’s discovery document', () => {
  it('describes every answer about the made-up people', async () => {
    sandbox = await startGoogleSandbox({ clock, port: 0, timeZone: 'Europe/Berlin', restlessness: null });
    let seen = 0;
    for (const account of ['mia@work.example', 'mia@home.example', 'noah@work.example']) {
      token = (await tokensFor(sandbox, { account }, { scope: ALL }))['access_token'];
      for (const { id } of inList(await checked('calendarList.list', 'users/me/calendarList'))) {
        const path = encodeURIComponent(id as string);
        await checked('calendarList.get', `users/me/calendarList/${path}`);
        for (const how of ['', '?singleEvents=true&maxResults=100', '?showDeleted=true&timeZone=UTC'])
          for (const row of inList(await checked('events.list', `calendars/${path}/events${how}`))) {
            seen += 1;
            if (row['recurrence'] !== undefined)
              await checked('events.instances', `calendars/${path}/events/${row['id'] as string}/instances`);
          }
        const [first] = inList(await checked('events.list', `calendars/${path}/events?maxResults=1`));
        await checked('events.get', `calendars/${path}/events/${first?.['id'] as string}`);
      }
    }
    expect(seen).toBeGreaterThan(500);
    await sandbox.stop();
  });

  it('describes what is deleted, moved, cut out and watched', async () => {
    sandbox = await startTwoPeople(clock);
    token = (await tokensFor(sandbox, {}, { scope: ALL }))['access_token'];
    const listener = await startListener();
    put('series', { recurrence: ['RRULE:FREQ=DAILY;COUNT=5'] });
    put('single', { attendees: [{ email: ANN, responseStatus: 'accepted' }] });
    const whole = await checked('events.list', 'calendars/primary/events');
    const exception = { recurringEventId: 'series', originalStartTime: { dateTime: '2026-11-25T09:00:00', timeZone: 'Europe/Paris' } };
    sandbox.calendars.putEvent(ANN, { ...exception, status: 'cancelled' });
    sandbox.calendars.removeEvent(ANN, 'single');
    const since = encodeURIComponent(whole.json['nextSyncToken'] as string);
    expect(inList(await checked('events.list', `calendars/primary/events?syncToken=${since}`))).toHaveLength(2);
    await checked('events.list', 'calendars/primary/events?singleEvents=true&showDeleted=true');
    await checked('events.get', 'calendars/primary/events/single');
    sandbox.calendars.removeCalendar(HOLIDAYS);
    await checked('calendarList.list', 'users/me/calendarList?showDeleted=true');
    await checked('events.watch', 'calendars/primary/events/watch', {
      id: newChannelId(),
      type: 'web_hook',
      address: listener.url,
      token: 'x',
    });
    await sandbox.stop();
    await listener.stop();
  });

  it('opens each method with the scopes that open it here', async () => {
    sandbox = await startTwoPeople(clock);
    put('a', { recurrence: ['RRULE:FREQ=DAILY;COUNT=2'] });
    const paths: Readonly<Record<string, readonly [string, Json?]>> = {
      'calendarList.list': ['users/me/calendarList'],
      'calendarList.get': ['users/me/calendarList/primary'],
      'events.list': ['calendars/primary/events'],
      'events.get': ['calendars/primary/events/a'],
      'events.instances': ['calendars/primary/events/a/instances'],
      'events.watch': ['calendars/primary/events/watch', {}],
      'channels.stop': ['channels/stop', {}],
    };
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const scope of Object.keys(discovery.auth.oauth2.scopes)) {
      token = (await tokensFor(sandbox, {}, { scope }).catch(() => null))?.['access_token'];
      // The simulator asks for no scope that it does not know.
      if (token === undefined) continue;
      for (const [name, [path, order]] of Object.entries(paths)) {
        const { status } = await askApi(sandbox, token, path, order);
        if (status !== 403) ours.push(`${name} ${scope}`);
        if (methodOf(name).scopes.includes(scope)) theirs.push(`${name} ${scope}`);
      }
    }
    expect(ours).toEqual(theirs);
    expect(ours.length).toBeGreaterThan(30);
    await sandbox.stop();
  });
});

describe('gcal-sync, which knows nothing of this project,', () => {
  type Read = Readonly<{ calendars: readonly string[]; events: Readonly<Record<string, readonly [string, string]>> }>;
  let child: ReturnType<typeof spawn>;
  afterAll(() => {
    child.kill();
  });

  it('reads a calendar whole, then what changed, and again whole after its token is forgotten', async () => {
    sandbox = await startTwoPeople(clock);
    token = (await tokensFor(sandbox, {}, { scope: ALL }))['access_token'];
    const script = join(import.meta.dirname, 'gcal_reader.py');
    child = spawn(python, [script, `${sandbox.url}calendar/v3`, token as string, ANN], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
    const read = async (): Promise<Read> => {
      child.stdin?.write('\n');
      return JSON.parse(String((await lines.next()).value)) as Read;
    };
    const ids = Array.from({ length: 7 }, (_, index) => `event${index}`);
    for (const id of ids) put(id);
    put('series', { recurrence: ['RRULE:FREQ=DAILY;COUNT=5'] });
    sandbox.switchOn({ fault: 'short-pages', size: 3 });
    sandbox.switchOn({ fault: 'empty-pages' });
    const first = await read();
    expect([first.calendars.length, Object.keys(first.events)]).toEqual([4, [...ids, 'series']]);
    put('event1', { summary: 'changed' });
    sandbox.calendars.removeEvent(ANN, 'event2');
    put('later');
    const { events } = await read();
    expect([events['event1'], events['event2']?.[0], events['later']?.[0]]).toEqual([['confirmed', 'changed'], 'cancelled', 'confirmed']);
    expect((await read()).events).toEqual(events);
    put('lost');
    sandbox.switchOff();
    sandbox.act({ action: 'forget-sync', calendar: ANN });
    const refused = sandbox.requests().length;
    expect(Object.keys((await read()).events)).toEqual([...ids.filter((id) => id !== 'event2'), 'later', 'lost', 'series']);
    expect(
      sandbox
        .requests()
        .slice(refused)
        .map(({ status }) => status),
    ).toEqual([200, 410, 200]);
    await sandbox.stop();
  });
});
