import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ApiDocument, type Judge, judgeBy, type Route, routeAt, routesOf } from '../support/api-contract.js';
import { type Asked, badRequests } from '../support/bad-requests.js';
import { icsOf } from '../support/calendar-item.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { fileOf, seedItems } from '../support/seed.js';
import { type Service, startService } from '../support/service.js';
import { strength } from '../support/strength.js';

/** Every run tries other requests; what one found is asked again with the seed its title has. */
const SEED = Number(process.env['BAD_INPUTS_SEED'] ?? Date.now() % 1_000_000);
const REQUESTS = strength(400, 1_000);
const AT_ONCE = 8;
const SHOWN = 10;
/** Milliseconds; most are answered in five. */
const PATIENCE = 15_000;

const DAY = 86_400_000;
const dayFromNow = (days: number): string => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);

/** Routes that answer so only with a vendor: connecting-attacks.spec.ts, connecting-with-apple.spec.ts and webhooks.spec.ts have one. */
const WITH_VENDOR = [
  'POST /v1/calendar/connections/{id}/confirm',
  'POST /v1/calendar/connections/{id}/credentials',
  'POST /v1/calendar/oauth/{provider}/callback',
  'POST /v1/calendar/oauth/{provider}/callback/password',
  'POST /v1/webhooks/{provider}',
  'POST /v1/webhooks/{provider}/lifecycle',
];

describe(`A request that makes no sense (BAD_INPUTS_SEED=${SEED})`, () => {
  const opened = suiteResources();
  const answeredWell = new Set<string>();
  let service: Service;
  let radicale: Radicale;
  let document: ApiDocument;
  let routes: readonly Route[];
  let judge: Judge;
  let token: string;

  const ask = async ({ method, address, headers, body }: Asked) => {
    const answer = await fetch(service.url + address, {
      method,
      headers,
      ...(body === null ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    const contentType = answer.headers.get('content-type') ?? '';
    const streams = contentType.startsWith('text/event-stream');
    if (streams) await answer.body?.cancel();
    const text = streams ? '' : await answer.text();
    const { status } = answer;
    const route = routeAt(routes, method, address);
    const wrong = method === 'HEAD' ? null : judge(route?.operation, { status, contentType, text });
    if (status < 300 && wrong === null && route !== undefined) answeredWell.add(route.name);
    return { status, wrong, text };
  };

  const good = async (method: string, address: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { status, wrong, text } = await ask({ method, address, headers, body: body === undefined ? null : JSON.stringify(body) });
    expect({ method, address, wrong, text: status < 300 ? '' : text }).toEqual({ method, address, wrong: null, text: '' });
    return (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
  };

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    // What is nearly right may be sent on: to our own server, never to a vendor's.
    const google = { GOOGLE_CLIENT_ID: 'us', GOOGLE_CLIENT_SECRET: 'shh', GOOGLE_TOKEN_URL: radicale.url, GOOGLE_API_URL: radicale.url };
    const settings = { RATE_LIMIT: '0', RATE_LIMIT_ANONYMOUS: '0', APPLE_CALDAV_URL: radicale.url, ...google };
    service = await opened(startService(settings));
    document = (await (await fetch(`${service.url}/openapi.json`)).json()) as ApiDocument;
    routes = routesOf(document);
    judge = judgeBy(document);
    token = await service.token('ada');
    const calendar = await radicale.makeCalendar('work');
    for (const item of seedItems({ events: 30, seed: 3, from: new Date(), recurring: 0.5 }))
      await radicale.put(calendar, fileOf(item), icsOf(item));
  });

  it('is refused with a code, on every route, and never a fault of the service', async () => {
    const numRuns = Math.ceil(REQUESTS / routes.length);
    const asked = routes.flatMap((route, index) => fc.sample(badRequests(document, route, token), { numRuns, seed: SEED + index }));
    const refused: number[] = [];
    const faults: unknown[] = [];
    const left = asked.values();
    const client = async (): Promise<void> => {
      for (const request of left) {
        const answer = await ask(request).catch((error: unknown) => ({ status: 0, wrong: String(error), text: '' }));
        if (answer.status >= 400) refused.push(answer.status);
        // A request may name a server that is not there, which is told as that server's absence; every other 5xx is a fault of the service.
        const isAbsence =
          /^[^?]*\/connections(\/[^/]+\/reconnect)?(\?|$)/.test(request.address) && /^\{.*"code":"provider.unavailable"/.test(answer.text);
        const isOurs = answer.status >= 500 && !(answer.status === 503 && isAbsence);
        if (isOurs || answer.wrong !== null)
          faults.push({ ...request, ...answer, body: request.body?.slice(0, 300), text: answer.text.slice(0, 300) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    expect({ faults: faults.length, first: faults.slice(0, SHOWN) }).toEqual({ faults: 0, first: [] });
    expect(asked.length).toBeGreaterThanOrEqual(REQUESTS);
    expect(refused.length).toBeGreaterThan(asked.length / 2);
    expect(refused).toEqual(expect.arrayContaining([400, 401, 404, 405, 415]));
  });

  it.each(['\ud800', 'a\u0000b', 'a\nb'])('is refused before a server is asked when its credentials cannot be sent: %j', async (text) => {
    for (const wrong of [{ username: text }, { password: text }]) {
      const credentials = { serverUrl: radicale.url, username: 'ada', password: 'secret', ...wrong };
      const body = { provider: 'caldav', consent: true, credentials };
      const answer = await (await service.as('ada')).request('POST', '/v1/calendar/connections', body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    }
  });

  it('leaves the service well: every route answers what the document says', async () => {
    const credentials = { serverUrl: radicale.url, username: radicale.user, password: radicale.password };
    const range = `${dayFromNow(0)}/${dayFromNow(360)}`;
    const { connectionId } = await good('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials });
    await (await service.as('ada')).settled();
    const { items } = await good('GET', `/v1/calendar/events?range=${range}`);
    expect((items as unknown[]).length).toBeGreaterThan(0);
    const { syncId } = await good('POST', '/v1/calendar/sync', {});
    await good('GET', `/v1/calendar/sync/${String(syncId)}`);
    const { nextCursor } = await good('GET', '/v1/calendar/changes');
    await good('GET', `/v1/calendar/changes?after=${String(nextCursor)}`);
    await good('POST', '/v1/calendar/stream/ticket');
    for (const path of ['connections', `connections/${String(connectionId)}`, 'calendars', 'settings', 'providers', 'stream'])
      await good('GET', `/v1/calendar/${path}`);
    await good('PATCH', '/v1/calendar/settings', { timeZone: 'Europe/Paris' });
    await good('GET', `/v1/calendar/availability?range=${range}`);
    // A person of her own: Ada's attempts are used up by the requests that made sense by chance.
    const begun = await (await service.as('eve')).request('POST', '/v1/calendar/connections', { provider: 'google', consent: true });
    const { authorizationUrl } = begun.body as { authorizationUrl: string };
    await good('GET', `/v1/calendar/oauth/google/callback?state=${new URL(authorizationUrl).searchParams.get('state') ?? ''}&code=1`);
    await good('POST', '/v1/calendar/availability', { users: ['ada'], range, durationMinutes: 30 });
    await good('POST', `/v1/calendar/connections/${String(connectionId)}/reconnect`, { credentials });
    await good('DELETE', `/v1/calendar/connections/${String(connectionId)}`);
    await good('HEAD', '/v1/calendar/stream');
    for (const path of ['/health/live', '/health/ready', '/metrics']) await good('GET', path);
    await good('POST', '/v1/dev/token', { userId: 'ada' });
    expect(routes.map(({ name }) => name).filter((name) => !answeredWell.has(name))).toEqual(WITH_VENDOR);
  });

  it('is logged without anything it held', () => {
    expect(service.output()).not.toMatch(/drop table|etc\/passwd|polluted|unforeseen error/);
  });
});
