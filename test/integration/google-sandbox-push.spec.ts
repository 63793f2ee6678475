import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GoogleSandbox, startGoogleSandboxAgain } from '../../src/embedded/google.sandbox.js';
import { DAY } from '../../src/kernel/clock.js';
import {
  ANN,
  askApi,
  type GoogleReply,
  HOLIDAYS,
  LIST_SCOPE,
  movedClock,
  newChannelId,
  refreshed,
  startListener,
  startTwoPeople,
  TEAM,
  tokensFor,
} from '../support/google-sandbox.js';
import { eventually } from '../support/store.js';

const clock = movedClock();
let sandbox: GoogleSandbox;
let token: unknown;
let listener: Awaited<ReturnType<typeof startListener>>;

beforeAll(async () => {
  listener = await startListener();
});
beforeEach(async () => {
  listener.messages.length = 0;
  sandbox = await startTwoPeople(clock);
  token = (await tokensFor(sandbox))['access_token'];
});
afterEach(() => sandbox.stop());
afterAll(() => listener.stop());

type Order = Readonly<Record<string, unknown>>;

const watch = (order: Order = {}, calendar = 'primary', on = sandbox): Promise<GoogleReply> =>
  askApi(on, token, `calendars/${encodeURIComponent(calendar)}/events/watch`, {
    id: newChannelId(),
    type: 'web_hook',
    address: listener.url,
    ...order,
  });
const stop = ({ json }: GoogleReply, more: Order = {}): Promise<GoogleReply> =>
  askApi(sandbox, token, 'channels/stop', { id: json['id'], resourceId: json['resourceId'], ...more });
const change = (calendar = ANN): string =>
  sandbox.calendars.putEvent(calendar, { start: { date: '2026-11-24' }, end: { date: '2026-11-25' } });
const states = (): readonly unknown[] => listener.messages.map(({ headers }) => headers['x-goog-resource-state']);
const arrived = (count: number): Promise<unknown> =>
  eventually(`${count} messages`, () => Promise.resolve(listener.messages.length >= count ? true : null));
const reasonOf = ({ status, json }: GoogleReply): string =>
  `${status} ${(json as Readonly<{ error?: { errors: readonly { reason: string }[] } }>).error?.errors[0]?.reason ?? ''}`;

describe('A channel of the Google sandbox', () => {
  it('says first that it is there, then that something has changed, and never what', async () => {
    const reply = await watch({ token: 'secret', id: 'the-channel' });
    expect(reply.json).toEqual({
      kind: 'api#channel',
      id: 'the-channel',
      resourceId: expect.stringMatching(/^[\w-]{27}$/),
      resourceUri: `${sandbox.url}calendar/v3/calendars/primary/events?alt=json`,
      token: 'secret',
      expiration: String(clock.now() + 7 * DAY),
    });
    change();
    change();
    await arrived(3);
    expect(states()).toEqual(['sync', 'exists', 'exists']);
    const [first, second, third] = listener.messages;
    expect(first).toMatchObject({
      method: 'POST',
      body: '',
      headers: {
        'x-goog-channel-id': 'the-channel',
        'x-goog-channel-token': 'secret',
        'x-goog-channel-expiration': new Date(clock.now() + 7 * DAY).toUTCString(),
        'x-goog-resource-id': reply.json['resourceId'],
        'x-goog-resource-uri': reply.json['resourceUri'],
        'x-goog-message-number': '1',
        'user-agent': expect.stringMatching(/^APIs-Google/),
      },
    });
    const numbers = [first, second, third].map((message) => Number(message?.headers['x-goog-message-number']));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('is of one calendar, and ends when it is stopped by whose it is', async () => {
    const reply = await watch();
    change(TEAM);
    expect((await stop(reply, { resourceId: 'another' })).status).toBe(404);
    expect([(await stop(reply)).status, (await stop(reply)).status]).toEqual([204, 404]);
    change();
    await watch({}, TEAM);
    await arrived(2);
    expect([states(), sandbox.channels().length]).toEqual([['sync', 'sync'], 1]);
  });

  it('lives as long as was asked for, at most a week', async () => {
    const end = async (order: Order): Promise<number> => Number((await watch(order)).json['expiration']) - clock.now();
    expect(await end({ expiration: String(clock.now() + DAY) })).toBe(DAY);
    expect(await end({ params: { ttl: '3600' } })).toBe(3_600_000);
    expect(await end({ expiration: clock.now() + 30 * DAY })).toBe(7 * DAY);
    await arrived(3);
    clock.move(2 * DAY);
    expect(sandbox.channels()).toHaveLength(1);
    change();
    await arrived(4);
    expect(states().filter((state) => state === 'exists')).toHaveLength(1);
    clock.move(6 * DAY);
    expect(sandbox.channels()).toEqual([]);
  });

  it.each<readonly [string, Order, string, string]>([
    ['without an id', { id: undefined }, 'primary', '400 required'],
    ['without an address', { address: undefined }, 'primary', '400 required'],
    ['with an id of other letters', { id: 'a b' }, 'primary', '400 invalid'],
    ['with an id that is too long', { id: 'a'.repeat(65) }, 'primary', '400 invalid'],
    ['of another type', { type: 'pigeon' }, 'primary', '400 invalid'],
    ['with a token that is too long', { token: 'a'.repeat(257) }, 'primary', '400 invalid'],
    ['when it is over already', { expiration: '1000' }, 'primary', '400 invalid'],
    ['to another host without https', { address: 'http://elsewhere.example/' }, 'primary', '400 push.webhookUrlNotHttps'],
    ['for holidays', {}, HOLIDAYS, '400 pushNotSupportedForRequestedResource'],
    ['for a calendar that is not listed', {}, 'other@people.example', '404 notFound'],
  ])('is not opened %s', async (_, order, calendar, reason) => {
    expect(reasonOf(await watch(order, calendar))).toBe(reason);
    expect(sandbox.channels()).toEqual([]);
  });

  it('is not opened twice under one id, nor by those without the scope', async () => {
    await watch({ id: 'once' });
    expect(reasonOf(await watch({ id: 'once' }, TEAM))).toBe('400 channelIdNotUnique');
    token = (await tokensFor(sandbox, {}, { scope: LIST_SCOPE }))['access_token'];
    expect(reasonOf(await watch())).toBe('403 insufficientPermissions');
  });

  it('needs https even on this machine, where the sandbox is as strict as Google', async () => {
    const strict = await startTwoPeople(clock, { plainPush: false });
    token = (await tokensFor(strict))['access_token'];
    expect(reasonOf(await watch({}, 'primary', strict))).toBe('400 push.webhookUrlNotHttps');
    await strict.stop();
  });

  it('tries again what failed for now, and nothing that is refused', async () => {
    listener.answerWith(503, 200, 404);
    await watch();
    await arrived(2);
    expect(states()).toEqual(['sync', 'sync']);
    change();
    await arrived(3);
    change();
    await arrived(4);
    expect(states()).toEqual(['sync', 'sync', 'exists', 'exists']);
  });

  it('has bad days: messages that are lost, repeated, or come after the end', async () => {
    const reply = await watch();
    sandbox.switchOn({ fault: 'push-lost', times: 1 });
    sandbox.switchOn({ fault: 'push-repeated', times: 1 });
    change();
    change();
    await arrived(3);
    const [, second, third] = listener.messages;
    expect(second?.headers['x-goog-message-number']).toBe(third?.headers['x-goog-message-number']);
    await stop(reply);
    sandbox.switchOn({ fault: 'push-unstoppable' });
    change();
    await arrived(4);
  });
});

describe('The Google sandbox', () => {
  it('is found again where it was, by those who were connected to it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'google-sandbox-'));
    const said: string[] = [];
    const log = (message: string): void => void said.push(message);
    const start = () => startGoogleSandboxAgain({ dataDir, log, clock, port: 0, timeZone: 'Europe/Paris', restlessness: null });
    const first = await start();
    const { refresh_token: kept } = await tokensFor(first, { account: 'mia@work.example' });
    await first.stop();
    const second = await start();
    expect([second.url, (await refreshed(second, kept)).status, said]).toEqual([first.url, 200, []]);
    await second.stop();
    await rm(dataDir, { recursive: true });
  });
});
