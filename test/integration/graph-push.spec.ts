import { afterEach, describe, expect, it } from '@jest/globals';
import { MINUTE } from '../../src/kernel/clock.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { clientStateOf } from '../../src/provider/microsoft/graph-notification.js';
import { microsoftPush } from '../../src/provider/microsoft/graph.push.js';
import { type Push, Unwatchable } from '../../src/provider/push.js';
import { allowed, nearHttp } from '../support/caldav.js';
import { type Asked, type GoogleServer, renewing, type Reply, startGoogleServer } from '../support/google-server.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CALENDAR = 'AQMk/AD+g=';
const ENDS = new Date(1_900_000_000_000);
const ORDER = {
  id: '0f3f1c1e-6f0e-4f6c-9a53-1d8b6d3e2a10',
  token: 'a'.repeat(43),
  address: 'https://calendar.example.org/v1/webhooks/microsoft',
  until: ENDS,
};
const SUBSCRIPTION = '7f105c7d-2dc5-4530-97cd-4e7ae6534c07';
const OPENED = { id: SUBSCRIPTION, resource: '/me/calendars/x/events', expirationDateTime: '2030-03-17T17:40:00.0000000Z' };
const UNTIL = new Date('2030-03-17T17:40:00.000Z');

const graphError = (code: string, message: string): unknown => ({
  error: { code, message, innerError: { date: '2026-11-27T00:00:00', 'request-id': '1', 'client-request-id': '1' } },
});

const pushing = async (reply: (asked: Asked, count: number) => Reply | null): Promise<Readonly<{ server: GoogleServer; push: Push }>> => {
  const server = await startGoogleServer(reply);
  const http = nearHttp({ retries: 2 });
  closing.push(server.stop, () => http.close());
  const origin = new URL(server.settings.tokenUrl).origin;
  const microsoft = { clientId: 'client', clientSecret: 'secret', tenant: 'common', loginUrl: origin, graphUrl: origin };
  return { server, push: microsoftPush({ http, clock: { now: () => Date.now() }, microsoft }) };
};
const extending = ({ extend }: Push): NonNullable<Push['extend']> => {
  if (extend === null) throw new Error('Microsoft lets subscriptions live longer');
  return extend;
};

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

describe('A subscription at Microsoft', () => {
  it('is opened on one calendar with our secret and both addresses, and lives as long as the answer states', async () => {
    const { server, push } = await pushing(() => ({ status: 201, body: OPENED }));
    expect(await push.open(renewing(), CALENDAR, ORDER, allowed())).toEqual({ id: ORDER.id, remote: SUBSCRIPTION, until: UNTIL });
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/v1.0/subscriptions' });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
      ...{ changeType: 'created,updated,deleted', resource: `/me/calendars/${encodeURIComponent(CALENDAR)}/events` },
      ...{ notificationUrl: ORDER.address, lifecycleNotificationUrl: `${ORDER.address}/lifecycle` },
      ...{ expirationDateTime: ENDS.toISOString(), clientState: clientStateOf(ORDER.id, ORDER.token) },
    });
    expect(push.life).toBeLessThan(4_230 * MINUTE);
  });

  it('is not to be had of a calendar that somebody else shares, which changes like any other', async () => {
    const { server, push } = await pushing(() => ({ status: 403, body: graphError('ErrorAccessDenied', 'Access is denied.') }));
    const failure = await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()));
    expect(failure).toBeInstanceOf(Unwatchable);
    expect([failure, server.asked.length]).toMatchObject([{ changes: 'often' }, 1]);
  });

  it.each([
    ['ValidationError', 'Subscription validation request failed. HTTP status code is NotFound.'],
    ['InvalidRequest', 'Subscription validation request timed out.'],
    ['InvalidRequest', 'The notification URL must be HTTPS.'],
  ])('is not opened to an address that does not answer, and the operator is told: %s', async (code, message) => {
    const { push } = await pushing(() => ({ status: 400, body: graphError(code, message) }));
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'misconfigured' });
  });

  it('whose opening was not answered is removed when it stands in the way of another', async () => {
    const resource = `/me/calendars/${encodeURIComponent(CALENDAR)}/events`;
    const listed = [
      { id: 'ours', resource, notificationUrl: ORDER.address },
      { id: 'elsewhere', resource, notificationUrl: 'https://other.example.org/hooks' },
      { id: 'another', resource: '/me/calendars/other/events', notificationUrl: ORDER.address },
    ];
    const { server, push } = await pushing(({ method }) => {
      if (method === 'POST') return { status: 409, body: graphError('Conflict', 'A subscription already exists.') };
      return method === 'GET' ? { body: { value: listed } } : { status: 204, body: '' };
    });
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'conflict' });
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...['POST /v1.0/subscriptions', 'GET /v1.0/subscriptions', 'DELETE /v1.0/subscriptions/ours'],
    ]);
  });

  it('is asked for once, because a lost answer may have opened it', async () => {
    const { server, push } = await pushing(() => null);
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'unavailable' });
    expect(server.asked).toHaveLength(1);
  });

  it.each([{}, { ...OPENED, id: '' }, { ...OPENED, expirationDateTime: 'soon' }])('makes no sense as %j', async (body) => {
    const { push } = await pushing(() => ({ status: 201, body }));
    expect(await failureOf(push.open(renewing(), CALENDAR, ORDER, allowed()))).toMatchObject({ fault: 'malformed' });
  });

  it('lives longer by a renewal of the same one, with a renewed token when the first is refused', async () => {
    const { server, push } = await pushing((_, count) =>
      count === 1 ? { status: 401, body: graphError('InvalidAuthenticationToken', 'expired') } : { body: OPENED },
    );
    const grant = renewing();
    expect(await extending(push)(grant, { id: ORDER.id, remote: SUBSCRIPTION }, ENDS, allowed())).toEqual(UNTIL);
    expect(grant.renewals).toHaveLength(1);
    expect(server.asked[1]).toMatchObject({ method: 'PATCH', path: `/v1.0/subscriptions/${SUBSCRIPTION}` });
    expect(JSON.parse(server.asked[1]?.body ?? '')).toEqual({ expirationDateTime: ENDS.toISOString() });
    const early = new Date(UNTIL.getTime() - MINUTE);
    expect(await extending(push)(grant, { id: ORDER.id, remote: SUBSCRIPTION }, early, allowed())).toEqual(early);
  });

  it.each([404, 410])('that is over is not renewed, and is ended as was wanted: %s', async (status) => {
    const { push } = await pushing(() => ({ status, body: graphError('ResourceNotFound', 'The object was not found.') }));
    const channel = { id: ORDER.id, remote: SUBSCRIPTION };
    expect(await failureOf(extending(push)(renewing(), channel, ENDS, allowed()))).toMatchObject({ fault: 'calendar-gone' });
    await expect(push.stop(renewing(), channel, allowed())).resolves.toBeUndefined();
  });

  it('is ended by its name, and not while Microsoft answers with an error', async () => {
    const { server, push } = await pushing((_, count) =>
      count === 1 ? { status: 204, body: '' } : { status: 503, body: graphError('ServiceUnavailable', 'later') },
    );
    const channel = { id: ORDER.id, remote: 'a/b' };
    await push.stop(renewing(), channel, allowed());
    expect(server.asked[0]).toMatchObject({ method: 'DELETE', path: '/v1.0/subscriptions/a%2Fb' });
    expect(await failureOf(push.stop(renewing(), channel, allowed()))).toBeInstanceOf(ProviderFault);
    expect(server.asked).toHaveLength(2);
  });

  it('is told of in the body, and asks for its address by a token', async () => {
    const { push } = await pushing(() => ({}));
    const item = { subscriptionId: SUBSCRIPTION, clientState: clientStateOf(ORDER.id, ORDER.token), changeType: 'deleted' };
    expect(push.read(() => null, { value: [item] })).toEqual([
      { channel: ORDER.id, token: ORDER.token, remote: SUBSCRIPTION, number: null, says: 'changed' },
    ]);
    expect(push.handshake?.(new URLSearchParams({ validationToken: 'a b' }))).toBe('a b');
  });
});
