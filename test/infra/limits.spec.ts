import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { readConfig } from '../../src/config/service.config.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { rateLimit } from '../../src/infra/http/rate-limit.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { MINUTE, SECOND } from '../../src/kernel/clock.js';
import { SILENT } from '../support/store.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

let now = Date.parse('2026-11-22T10:00:00Z');
const clock = { now: () => now };

@Controller('v1/notes')
class NoteController {
  @Get()
  list() {
    return [];
  }
}

@Module({
  imports: [
    HttpModule.with({
      auth: { mode: 'dev' },
      masterKey: new Uint8Array(32),
      clock,
      health: healthRegistry(),
      metrics: prometheusMetrics(),
      rateLimits: { person: 5, anonymous: 8 },
      teams: NO_TEAMS,
      markers: ANY_MARKERS,
      tickets: null,
      idempotency: null,
      operationsApart: false,
    }),
  ],
  controllers: [NoteController],
})
class NotesModule {}

let app: NestExpressApplication;
let port: number;

beforeAll(async () => {
  app = await createApp(NotesModule, readConfig({}), SILENT);
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(() => app.close());

const get = async (path: string, token = '') => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, token === '' ? {} : { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, code: /"code":"([^"]+)"/.exec(text)?.[1] };
};
const tokenOf = async (userId: string): Promise<string> => {
  const body = JSON.stringify({ userId });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/dev/token`, { method: 'POST', headers, body });
  return ((await answer.json()) as { token: string }).token;
};
/** Sends bytes that are no request of any client's, and answers what comes back until the end. */
const raw = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let said = '';
    socket.on('data', (part) => (said += part.toString()));
    socket.on('close', () => {
      resolve(said);
    });
    socket.on('error', reject);
  });

describe('A person who asks too often', () => {
  it('is told how many requests are left, when there are more, and is let in again then', async () => {
    const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')];
    const first = await get('/v1/notes', ann);
    expect([first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual(['"person";q=5;w=60', '"person";r=4;t=12']);
    for (let count = 0; count < 4; count += 1) expect((await get('/v1/notes', ann)).status).toBe(200);
    const refused = await get('/v1/notes', ann);
    expect([refused.status, refused.code, refused.headers.get('retry-after')]).toEqual([429, 'request.too-many', '12']);
    expect((await get('/v1/notes', bob)).status).toBe(200);
    now += 12 * SECOND;
    expect((await get('/v1/notes', ann)).status).toBe(200);
  });

  it('is counted by address as long as they are unknown, but for probes', async () => {
    now += MINUTE;
    const statuses: number[] = [];
    for (let count = 0; count < 10; count += 1) statuses.push((await get('/v1/notes', 'guess')).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    for (let count = 0; count < 20; count += 1) expect((await get('/health/live')).status).toBe(200);
  });

  it('need not be remembered without end', () => {
    const limit = rateLimit(1, { now: () => 0 });
    for (let key = 0; key <= 60_000; key += 1) limit?.take(String(key));
    expect([limit?.take('60000').allowed, limit?.take('0').allowed]).toEqual([false, true]);
  });
});

describe('What never becomes a request', () => {
  it('is refused with a code when its address or its headers are too long', async () => {
    expect(await get(`/v1/notes?x=${'y'.repeat(9_000)}`)).toMatchObject({ status: 414, code: 'request.address-too-long' });
    const long = await raw(`GET / HTTP/1.1\r\nHost: here\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1.1 431 [^]*"code":"request.headers-too-large"/);
  });

  it('is refused with a code when it is no HTTP', async () => {
    expect(await raw('HELO calendar\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*application\/problem\+json[^]*"code":"request.malformed"/);
  });

  it('does not hold its connection without end', () => {
    const { headersTimeout, requestTimeout } = app.getHttpServer() as { headersTimeout: number; requestTimeout: number };
    expect([headersTimeout, requestTimeout]).toEqual([15_000, 30_000]);
  });
});
