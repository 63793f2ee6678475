import { afterEach, describe, expect, it } from '@jest/globals';
import { DAY } from '../../src/kernel/clock.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { googleProvider } from '../../src/provider/google/google.provider.js';
import { type Hint, type Push, Unwatchable } from '../../src/provider/push.js';
import { allowed, nearHttp } from '../support/caldav.js';
import { type Asked, googleError, type GoogleServer, renewing, type Reply, startGoogleServer } from '../support/google-server.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CALENDAR = 'c_#1@group.calendar.google.com';
const ENDS = new Date(1_900_000_000_000);
const ORDER = { id: 'channel-1', token: 'token-of-channel-1', address: 'https://calendar.example.org/v1/webhooks/google', until: ENDS };
const CHANNEL = { id: 'channel-1', remote: 'resource-1' };
const OPENED = { kind: 'api#channel', id: 'channel-1', resourceId: 'resource-1', expiration: String(ENDS.getTime() - DAY) };

const pushing = async (reply: (asked: Asked, count: number) => Reply | null): Promise<Readonly<{ server: GoogleServer; push: Push }>> => {
  const server = await startGoogleServer(reply, '/google');
  const http = nearHttp({ retries: 2 });
  closing.push(server.stop, () => http.close());
  const { push } = googleProvider({ http, clock: { now: () => Date.now() }, google: server.settings });
  if (push === null) throw new Error('Google pushes');
  return { server, push };
};

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('A channel at Google', () => {
  it('is opened with our id and token, and lives as long as the answer states', async () => {
    const { server, push } = await pushing(() => ({ body: OPENED }));
    expect(await push.open(renewing(), CALENDAR, ORDER, allowed())).toEqual({ ...CHANNEL, until: new Date(ENDS.getTime() - DAY) });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: `/google/calendar/v3/calendars/${encodeURIComponent(CALENDAR)}/events/watch` });
    const { id, token, address } = ORDER;
    expect(JSON.parse(asked?.body ?? '')).toEqual({ id, token, address, type: 'web_hook', expiration: String(ENDS.getTime()) });
  });

  it('is opened with a renewed token when the first is refused', async () => {
    const { server, push } = await pushing((_, count) =>
      count === 1 ? { status: 401, body: googleError(401, 'authError') } : { body: OPENED },
    );
    const grant = renewing();
    await push.open(grant, CALENDAR, ORDER, allowed());
    expect(grant.renewals).toHaveLength(1);
    expect(server.asked).toHaveLength(2);
  });

  it('is not to be had of a calendar that Google does not push', async () => {
    const { push } = await pushing(() => ({ status: 400, body: googleError(400, 'pushNotSupportedForRequestedResource') }));
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toBeInstanceOf(Unwatchable);
  });

  it.each(['channelIdNotUnique', 'push.channelIdNotUnique'])('takes another id when its own was used before: %s', async (reason) => {
    const { push } = await pushing(() => ({ status: 400, body: googleError(400, reason) }));
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'conflict' });
  });

  it.each([
    [400, 'push.webhookUrlNotHttps'],
    [401, 'push.webhookUrlUnauthorized'],
  ])('is not opened to an address that Google does not take, and the operator is told: %s %s', async (status, reason) => {
    const { server, push } = await pushing(() => ({ status, body: googleError(status, reason) }));
    const grant = renewing();
    expect(await failureOf(push.open(grant, CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'misconfigured' });
    expect(server.asked).toHaveLength(1);
    expect(grant.renewals).toEqual([]);
  });

  it('lives no longer than was asked for, also when the answer states a later end', async () => {
    const { push } = await pushing(() => ({ body: { ...OPENED, expiration: '999999999999999' } }));
    expect(await push.open(renewing(), CALENDAR, ORDER, allowed())).toEqual({ ...CHANNEL, until: ENDS });
  });

  it('is asked for once, because a lost answer may have opened it', async () => {
    const { server, push } = await pushing(() => null);
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'unavailable' });
    expect(server.asked).toHaveLength(1);
  });

  it.each([{}, { ...OPENED, expiration: 'soon' }, { ...OPENED, resourceId: '' }])('makes no sense as %j', async (body) => {
    const { push } = await pushing(() => ({ body }));
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'malformed' });
  });

  it('is stopped by its id and its resource', async () => {
    const { server, push } = await pushing(() => ({ status: 204, body: '' }));
    await push.stop(renewing(), CHANNEL, allowed());
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/google/calendar/v3/channels/stop' });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({ id: 'channel-1', resourceId: 'resource-1' });
  });

  it.each([
    [404, googleError(404, 'notFound')],
    [410, googleError(410, 'deleted')],
    [410, {}],
  ])('is stopped when Google does not know it any more: %s %j', async (status, body) => {
    const { push } = await pushing(() => ({ status, body }));
    await expect(push.stop(renewing(), CHANNEL, allowed())).resolves.toBeUndefined();
  });

  it('is not stopped while Google answers with an error', async () => {
    const { push } = await pushing(() => ({ status: 503, body: googleError(503, 'backendError') }));
    expect(await failureOf(push.stop(renewing(), CHANNEL, allowed()))).toBeInstanceOf(ProviderFault);
  });
});

describe('A notification of Google', () => {
  const HEADERS = {
    'x-goog-channel-id': 'channel-1',
    'x-goog-channel-token': 'token-of-channel-1',
    'x-goog-resource-id': 'resource-1',
    'x-goog-resource-state': 'exists',
    'x-goog-message-number': '10',
  };
  const hints = async (change: Readonly<Record<string, string | null>> = {}): Promise<readonly Hint[]> => {
    const { push } = await pushing(() => ({}));
    const headers: Readonly<Record<string, string | null>> = { ...HEADERS, ...change };
    return push.read((name) => headers[name] ?? null, undefined);
  };
  const HINT = { channel: 'channel-1', token: 'token-of-channel-1', remote: 'resource-1', number: 10n, says: 'changed' };

  it('says that something has changed', async () => {
    expect(await hints()).toEqual([HINT]);
    expect(await hints({ 'x-goog-resource-state': 'not_exists' })).toEqual([HINT]);
  });

  it('says first that the channel is there, which is no change', async () => {
    expect(await hints({ 'x-goog-resource-state': 'sync', 'x-goog-message-number': '1' })).toEqual([
      { ...HINT, number: 1n, says: 'opened' },
    ]);
  });

  it.each([
    { 'x-goog-channel-id': null },
    { 'x-goog-channel-id': 'c'.repeat(513) },
    { 'x-goog-resource-state': null },
    { 'x-goog-resource-state': 'constructor' },
  ])('is none with %j', async (change) => {
    expect(await hints(change)).toEqual([]);
  });

  it('counts nothing with a number that is none', async () => {
    for (const number of ['', '-1', '1e9', '9'.repeat(19), null])
      expect(await hints({ 'x-goog-message-number': number })).toEqual([{ ...HINT, number: null }]);
  });
});
