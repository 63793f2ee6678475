import { request as httpRequest } from 'node:http';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Api, startApi } from '../support/api.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { eventually } from '../support/store.js';
import { clientStateOf } from '../../src/provider/microsoft/graph-notification.js';
import { channelIn, type Headers as Change, notified, type OpenedChannel, pushingProviders } from '../support/webhooks.js';

const opened = suiteResources();
const atEnd = testEndings();
let api: Api;
let channel: OpenedChannel;
beforeAll(async () => {
  // Requests may come from other addresses, as a proxy tells them; each may make few that are refused.
  api = await opened(startApi(pushingProviders(), { TRUST_PROXY: '1', RATE_LIMIT_ANONYMOUS: '20' }));
});
beforeEach(async () => {
  channel = await channelIn(api.stores.database);
});
afterEach(() => api.stores.database.query('delete from watch_channel'));

let addresses = 0;
/** Each test comes from an address of its own. */
const from = (): string => {
  addresses += 1;
  return `198.51.${addresses >> 8}.${addresses & 255}`;
};

const send = (number: number | string, change: Change = {}, of = channel) =>
  notified(api.url, of, number, { 'x-forwarded-for': `203.0.113.${1 + (addresses % 250)}`, ...change });
const codeOf = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  return `${answer.status} ${text === '' ? '' : (JSON.parse(text) as { code: string }).code}`.trim();
};
const sent = async (...asked: Parameters<typeof send>): Promise<string> => codeOf(await send(...asked));

const taken = async (...asked: Parameters<typeof send>): Promise<void> => {
  expect(await sent(...asked)).toBe('204');
};

const channelRow = async ({ id } = channel) => {
  const [row] = await api.stores.database.query<{ seen: string; heard_at: Date | null; remote: string | null }>(
    'select seen, heard_at, remote from watch_channel where channel_id = $1',
    [id],
  );
  if (row === undefined) throw new Error('there is no such channel');
  return { seen: Number(row.seen), isHeard: row.heard_at !== null, remote: row.remote };
};
const calendarRow = async ({ calendarId } = channel) => {
  const [row] = await api.stores.database.query<{ isDue: boolean; wake: boolean; lane: string }>(
    'select due_at <= clock_timestamp() as "isDue", wake, lane from sync_state where calendar_id = $1',
    [calendarId],
  );
  if (row === undefined) throw new Error('there is no such calendar');
  return row;
};
type Watched = Readonly<{ mode: 'polled' | 'pushed'; missed?: number; dueAt?: string; unforeseen?: number }>;
const watchOf = async ({ calendarId, connectionId }: OpenedChannel, watched: Watched): Promise<void> => {
  const { mode, missed = 0, dueAt = new Date(Date.now() + 3_600_000).toISOString(), unforeseen = 0 } = watched;
  await api.stores.database.query(
    `insert into watch_state (calendar_id, connection_id, user_id, provider, due_at, mode, missed, unforeseen)
     values ($1, $2, 'ada', 'google', $3, $4, $5, $6)`,
    [calendarId, connectionId, dueAt, mode, missed, unforeseen],
  );
};
const watchRow = async ({ calendarId } = channel) => {
  const [row] = await api.stores.database.query(
    'select due_at <= clock_timestamp() as "isDue", missed from watch_state where calendar_id = $1',
    [calendarId],
  );
  return row;
};
const ASLEEP = { isDue: false, wake: false, lane: 'sweep' };
const WOKEN = { isDue: true, wake: true, lane: 'hot' };

const outcomes = async (): Promise<ReadonlyMap<string, number>> => {
  const lines = (await api.metrics()).matchAll(/^webhook_notifications_total\{provider="google",outcome="(\w+)"\} (\d+)$/gm);
  return new Map([...lines].map(([, outcome = '', count]) => [outcome, Number(count)]));
};
const countedBy = async (work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> => {
  const before = await outcomes();
  await work();
  const grown = [...(await outcomes())].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
};

describe('A notification of a change', () => {
  it('wakes its calendar, with the channel’s secret and resource', async () => {
    expect(await countedBy(() => taken(12))).toEqual({ taken: 1 });
    expect(await channelRow()).toEqual({ seen: 12, isHeard: true, remote: channel.remote });
    expect(await calendarRow()).toEqual(WOKEN);
  });

  it('wakes it also on the channel that another replaces', async () => {
    const old = await channelIn(api.stores.database, { state: 'old', calendar: channel });
    expect(await sent(3, {}, old)).toBe('204');
    expect(await calendarRow(old)).toEqual(WOKEN);
  });

  it('is heard of as Google sends it: no body, and a content type that is none', async () => {
    const asked = { method: 'POST', headers: { 'content-type': 'application/json; utf-8', 'content-length': 0 } };
    const google = { 'x-goog-channel-id': channel.id, 'x-goog-channel-token': channel.token, 'x-goog-resource-id': channel.remote };
    const headers = { ...asked.headers, ...google, 'x-goog-resource-state': 'not_exists', 'x-goog-message-number': '7' };
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${api.url}/v1/webhooks/google`, { ...asked, headers }, ({ statusCode }) => {
        resolve(statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(204);
    expect(await calendarRow()).toEqual(WOKEN);
  });

  it('sync-rule 11: that only says that the channel is there wakes nothing', async () => {
    expect(await countedBy(() => send(1, { 'x-goog-resource-state': 'sync' }))).toEqual({ opened: 1 });
    expect(await channelRow()).toMatchObject({ seen: 1, isHeard: true });
    expect(await calendarRow()).toEqual(ASLEEP);
  });

  it('says by what a channel is stopped whose opening was not answered, and has it stopped', async () => {
    for (const state of ['opening', 'closing'] as const) {
      const unanswered = await channelIn(api.stores.database, { state, remote: null });
      await watchOf(unanswered, { mode: 'pushed', dueAt: 'infinity' });
      expect(await sent(1, { 'x-goog-resource-state': 'sync' }, unanswered)).toBe('204');
      expect(await channelRow(unanswered)).toMatchObject({ remote: unanswered.remote });
      expect(await calendarRow(unanswered)).toEqual(ASLEEP);
      expect(await watchRow(unanswered)).toEqual({ isDue: state === 'closing', missed: 0 });
    }
  });

  it('reads a calendar once more that is being read, and leaves one in trouble the time it was given', async () => {
    const { database } = api.stores;
    await database.query(`update sync_state set fault = 'throttled' where calendar_id = $1`, [channel.calendarId]);
    await send(2);
    expect(await calendarRow()).toMatchObject({ isDue: false, wake: true });
    await database.query(`update sync_state set due_at = 'infinity', wake = false, lane = 'sweep' where calendar_id = $1`, [
      channel.calendarId,
    ]);
    await send(3);
    expect(await calendarRow()).toEqual(ASLEEP);
  });

  it('brings a calendar back to push that was polled because no notification came', async () => {
    const { database } = api.stores;
    await watchOf(channel, { mode: 'polled', missed: 2 });
    const told: string[] = [];
    atEnd(database.listen('watch_state', (payload) => told.push(String(payload))));
    await eventually('it listens', () => told.includes('null'));
    await send(2);
    expect(await watchRow()).toEqual({ isDue: true, missed: 0 });
    await eventually('its worker is told', () => told.includes(''));
  });
});

describe('The look after channels', () => {
  it('that fails for an unforeseen reason keeps its time, with every kind of notification', async () => {
    await watchOf(channel, { mode: 'polled', missed: 2, unforeseen: 6 });
    expect(await sent(2)).toBe('204');
    expect(await watchRow()).toEqual({ isDue: false, missed: 0 });
  });
});

describe('sync-rule 13: A replayed notification', () => {
  it('is answered and makes no work, nor does one that is older', async () => {
    await send(12);
    await api.stores.database.query(
      `update sync_state set due_at = now() + interval '1 hour', wake = false, lane = 'sweep' where calendar_id = $1`,
      [channel.calendarId],
    );
    const counted = await countedBy(async () => {
      for (const number of [12, 11, 1, 0]) expect(await sent(number)).toBe('204');
    });
    expect([counted, await calendarRow(), (await channelRow()).seen]).toEqual([{ repeated: 4 }, ASLEEP, 12]);
  });
});

describe('sync-rule 13: A forged notification', () => {
  const other = 'x'.repeat(43);
  it.each<readonly [string, () => Change]>([
    ['without a token', () => ({ 'x-goog-channel-token': null })],
    ['with an empty token', () => ({ 'x-goog-channel-token': '' })],
    ['with another token', () => ({ 'x-goog-channel-token': other })],
    ['with more than the token', () => ({ 'x-goog-channel-token': `${channel.token}a` })],
    ['with less than the token', () => ({ 'x-goog-channel-token': channel.token.slice(1) })],
    ['with the token in capitals', () => ({ 'x-goog-channel-token': channel.token.toUpperCase() })],
    ['with a token that is very long', () => ({ 'x-goog-channel-token': 'a'.repeat(5_000) })],
    ['without a resource', () => ({ 'x-goog-resource-id': null })],
    ['with another resource', () => ({ 'x-goog-resource-id': 'resource-of-somebody-else' })],
    ['without a channel', () => ({ 'x-goog-channel-id': null })],
    ['with an unknown channel', () => ({ 'x-goog-channel-id': randomUUID() })],
    ['with a channel in capitals', () => ({ 'x-goog-channel-id': channel.id.toUpperCase() })],
    ['with two channels', () => ({ 'x-goog-channel-id': `${channel.id}, ${channel.id}` })],
    ['with SQL for a channel', () => ({ 'x-goog-channel-id': `' or 1=1 --` })],
    ['with a channel that is very long', () => ({ 'x-goog-channel-id': 'c'.repeat(4_000) })],
    ['without a state', () => ({ 'x-goog-resource-state': null })],
    ['with a state that there is not', () => ({ 'x-goog-resource-state': '__proto__' })],
    [
      'without any of its headers',
      () => Object.fromEntries(['channel-id', 'channel-token', 'resource-id', 'resource-state'].map((name) => [`x-goog-${name}`, null])),
    ],
  ])('%s gets the one answer that all of them get, and wakes nothing', async (_, change) => {
    const address = from();
    const counted = await countedBy(async () => {
      const answer = await send(99, { ...change(), 'x-forwarded-for': address });
      const problem = (await answer.json()) as Record<string, unknown>;
      const { traceId, ...rest } = problem;
      expect(typeof traceId).toBe('string');
      expect(rest).toEqual({
        ...{ type: 'about:blank', title: 'Not Found', status: 404, code: 'webhook.unknown-channel', instance: '/v1/webhooks/google' },
        detail: 'This is no notification of a channel of this service.',
      });
    });
    expect(counted).toEqual({ refused: 1 });
    expect([await calendarRow(), await channelRow()]).toEqual([ASLEEP, { seen: 0, isHeard: false, remote: channel.remote }]);
  });

  it('with anything else in a header that proves it wakes nothing', async () => {
    const junk = fc.oneof(
      fc.string({
        unit: fc
          .integer({ min: 33, max: 255 })
          .filter((code) => code !== 127)
          .map((code) => String.fromCharCode(code)),
      }),
      fc.constantFrom('null', 'undefined', '%00', '$1', '{}', '[]', '*', 'true', '../..', '0'.repeat(43)),
    );
    const change = fc.tuple(fc.constantFrom('x-goog-channel-id', 'x-goog-channel-token', 'x-goog-resource-id'), junk);
    await fc.assert(
      fc.asyncProperty(change, async ([name, value]) => {
        const { status } = await send(99, { [name]: value, 'x-forwarded-for': from() });
        expect(status).toBe(404);
      }),
      { numRuns: 150 },
    );
    expect([await calendarRow(), await channelRow()]).toEqual([ASLEEP, { seen: 0, isHeard: false, remote: channel.remote }]);
  });

  it('with another channel’s token is refused by both', async () => {
    const mine = await channelIn(api.stores.database);
    expect(await sent(5, { 'x-goog-channel-token': mine.token })).toContain('404');
    expect(await sent(5, { 'x-goog-channel-token': channel.token }, mine)).toContain('404');
    expect([await calendarRow(), await calendarRow(mine)]).toEqual([ASLEEP, ASLEEP]);
  });

  it('of one service is worth nothing at the address of another', async () => {
    for (const provider of ['caldav', 'apple', 'microsoft']) {
      const headers = { 'x-goog-channel-id': channel.id, 'x-goog-channel-token': channel.token, 'x-goog-resource-id': channel.remote };
      const answer = await fetch(`${api.url}/v1/webhooks/${provider}`, {
        method: 'POST',
        headers: { ...headers, 'x-goog-resource-state': 'exists', 'x-goog-message-number': '3', 'x-forwarded-for': from() },
      });
      expect(await codeOf(answer)).toBe('404 webhook.unknown-channel');
    }
    await api.stores.database.query(`update watch_channel set provider = 'microsoft' where channel_id = $1`, [channel.id]);
    expect(await sent(3)).toBe('404 webhook.unknown-channel');
    expect(await calendarRow()).toEqual(ASLEEP);
  });

  it('with a number that is none moves nothing that is counted', async () => {
    for (const number of ['-1', '1e9', 'NaN', '9'.repeat(30), '0x10', '1.5']) {
      expect(await sent(number)).toBe('204');
      expect((await channelRow()).seen).toBe(0);
    }
    expect(await sent(4)).toBe('204');
    expect((await channelRow()).seen).toBe(4);
  });

  it('with a long body is refused before it is read, and a short one is not looked at', async () => {
    const headers = { 'x-goog-channel-id': channel.id, 'x-goog-channel-token': channel.token, 'x-goog-resource-id': channel.remote };
    const post = async (body: string): Promise<string> =>
      codeOf(
        await fetch(`${api.url}/v1/webhooks/google`, {
          method: 'POST',
          body,
          headers: { ...headers, 'content-type': 'application/json', 'x-goog-resource-state': 'exists', 'x-goog-message-number': '3' },
        }),
      );
    expect(await post(JSON.stringify({ text: 'a'.repeat(140_000) }))).toBe('413 request.too-large');
    expect(await post('{')).toBe('400 request.malformed');
    expect(await calendarRow()).toEqual(ASLEEP);
    expect(await post('{"channelId":"another","__proto__":{"token":"x"}}')).toBe('204');
  });

  it('by another method is told which there is', async () => {
    const answer = await fetch(`${api.url}/v1/webhooks/google`, { headers: { 'x-goog-channel-id': channel.id } });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${api.url}/v1/webhooks/nonsense`, { method: 'POST' })).status).toBe(400);
  });
});

describe('sync-rule 13: Refusals of notifications', () => {
  it('are so many a minute for an address, and what is genuine still comes in from it', async () => {
    const address = from();
    const answers: string[] = [];
    for (let index = 0; index < 25; index += 1)
      answers.push(await sent(1, { 'x-goog-channel-id': randomUUID(), 'x-forwarded-for': address }));
    expect(answers.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => '404 webhook.unknown-channel'));
    expect(answers.slice(20)).toEqual(Array.from({ length: 5 }, () => '429 request.too-many'));
    for (let number = 1; number <= 30; number += 1) expect(await sent(number, { 'x-forwarded-for': address })).toBe('204');
    expect(await sent(1, { 'x-goog-channel-id': randomUUID(), 'x-forwarded-for': from() })).toBe('404 webhook.unknown-channel');
  });

  it('hide no channel that is opened meanwhile', async () => {
    await sent(1, { 'x-goog-channel-id': randomUUID(), 'x-forwarded-for': from() });
    const next = await channelIn(api.stores.database);
    expect(await sent(1, {}, next)).toBe('204');
  });
});

describe('sync-rule 12: A zombie', () => {
  it('on a channel that is to be stopped is answered and makes no work', async () => {
    const closing = await channelIn(api.stores.database, { state: 'closing' });
    expect(await countedBy(() => taken(5, {}, closing))).toEqual({ closed: 1 });
    expect(await calendarRow(closing)).toEqual(ASLEEP);
  });

  it('of a calendar whose connection was revoked is answered and makes no work', async () => {
    await api.stores.database.query('delete from sync_state where connection_id = $1', [channel.connectionId]);
    expect(await countedBy(() => taken(5))).toEqual({ closed: 1 });
    expect((await channelRow()).isHeard).toBe(false);
  });

  it('is unknown once its row is gone', async () => {
    await api.stores.database.query('delete from watch_channel where channel_id = $1', [channel.id]);
    expect(await sent(5, { 'x-forwarded-for': from() })).toBe('404 webhook.unknown-channel');
  });
});

describe('A notification of a service that writes into the body', () => {
  const graphChannel = () => channelIn(api.stores.database, { provider: 'microsoft' });
  const item = ({ id, token, remote }: OpenedChannel, change: Readonly<Record<string, unknown>> = {}) => ({
    ...{ subscriptionId: remote, clientState: clientStateOf(id, token), changeType: 'updated', resource: 'Users/1/Events/2' },
    ...change,
  });
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${api.url}/v1/webhooks/microsoft${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-forwarded-for': from(), ...headers },
    });
  const told = async (path: string, ...value: readonly unknown[]): Promise<string> => codeOf(await post(path, { value }));
  const endsOf = async ({ id }: OpenedChannel) => {
    const [row] = await api.stores.database.query(
      'select expires_at <= clock_timestamp() as "isOver", renew_at <= clock_timestamp() as "isDue" from watch_channel where channel_id = $1',
      [id],
    );
    return row;
  };
  const ON = { isOver: false, isDue: false };

  it('sync-rule 13: tells of several subscriptions at once, each by its own secret, and what is forged among them wakes nothing', async () => {
    const [one, other, forged] = [await graphChannel(), await graphChannel(), await graphChannel()];
    const wrong = { clientState: clientStateOf(forged.id, 'x'.repeat(43)) };
    expect(await told('', item(one), item(forged, wrong), item(one, { changeType: 'created' }), item(other))).toBe('204');
    expect([await calendarRow(one), await calendarRow(other), await calendarRow(forged)]).toEqual([WOKEN, WOKEN, ASLEEP]);
    for (const change of [
      wrong,
      { subscriptionId: one.remote },
      { clientState: null },
      { clientState: clientStateOf(one.id, forged.token) },
    ])
      expect(await told('', item(forged, change))).toBe('404 webhook.unknown-channel');
    expect(await told('')).toBe('404 webhook.unknown-channel');
    expect(await calendarRow(forged)).toEqual(ASLEEP);
  });

  it('sync-rule 11: that says that some were missed has the calendar read', async () => {
    const missed = await graphChannel();
    expect(await told('/lifecycle', item(missed, { changeType: undefined, lifecycleEvent: 'missed' }))).toBe('204');
    expect([await calendarRow(missed), await endsOf(missed)]).toEqual([WOKEN, ON]);
  });

  it('sync-rule 14: that says that its subscription is removed ends the channel, and has calendar and channels looked after', async () => {
    const removed = await graphChannel();
    await watchOf(removed, { mode: 'pushed' });
    expect(await told('/lifecycle', item(removed, { changeType: undefined, lifecycleEvent: 'subscriptionRemoved' }))).toBe('204');
    expect([await calendarRow(removed), await endsOf(removed)]).toEqual([WOKEN, { isOver: true, isDue: false }]);
    expect(await watchRow(removed)).toEqual({ isDue: true, missed: 0 });
  });

  it('sync-rule 14: that asks for a renewal has the channel renewed, and wakes no calendar', async () => {
    const ending = await graphChannel();
    await watchOf(ending, { mode: 'pushed' });
    const asks = item(ending, { changeType: undefined, lifecycleEvent: 'reauthorizationRequired' });
    expect(await told('/lifecycle', { ...asks, clientState: clientStateOf(ending.id, 'x'.repeat(43)) })).toBe(
      '404 webhook.unknown-channel',
    );
    expect(await endsOf(ending)).toEqual(ON);
    expect(await told('/lifecycle', asks)).toBe('204');
    expect([await calendarRow(ending), await endsOf(ending)]).toEqual([ASLEEP, { isOver: false, isDue: true }]);
    expect(await watchRow(ending)).toEqual({ isDue: true, missed: 0 });
  });

  it('sync-rule 13: is preceded by a question, which is answered with what it brings, as plain text and nothing else', async () => {
    for (const path of ['', '/lifecycle']) {
      const answer = await post(`${path}?validationToken=Validation%3a+%3Cscript%3E+Request-Id%3a+1%2B1`, '', {
        'content-type': 'text/plain; charset=utf-8',
      });
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        ...[200, 'text/plain; charset=utf-8', 'Validation: <script> Request-Id: 1+1'],
      ]);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
    for (const query of [
      'validationToken=',
      `validationToken=${'a'.repeat(1_025)}`,
      'validationToken=a&validationToken=b',
      'validationToken=%0a',
    ])
      expect(await codeOf(await post(`?${query}`, { value: [] }))).toBe('404 webhook.unknown-channel');
    const elsewhere = await fetch(`${api.url}/v1/webhooks/google?validationToken=a`, {
      method: 'POST',
      headers: { 'x-forwarded-for': from() },
    });
    expect(await codeOf(elsewhere)).toBe('404 webhook.unknown-channel');
  });
});
