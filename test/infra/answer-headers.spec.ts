import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { readConfig } from '../../src/config/service.config.js';
import { Public } from '../../src/infra/http/auth.guard.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { SILENT } from '../support/store.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

/** What a web app will be, and a route of the API without a token. */
@Public()
@Controller()
class PageController {
  @Get()
  @Header('Content-Type', 'text/html')
  page() {
    return '<!doctype html><title>Calendar</title>';
  }

  @Get('v1/open')
  open() {
    return {};
  }
}

@Module({
  imports: [
    HttpModule.with({
      auth: { mode: 'dev' },
      masterKey: new Uint8Array(32),
      clock: systemClock,
      health: healthRegistry(),
      metrics: prometheusMetrics(),
      rateLimits: { person: 0, anonymous: 0 },
      teams: NO_TEAMS,
      markers: ANY_MARKERS,
      tickets: null,
      idempotency: null,
      operationsApart: false,
    }),
  ],
  controllers: [PageController],
})
class PagesModule {}

const apps: NestExpressApplication[] = [];
const origins: Record<'development' | 'production', string> = { development: '', production: '' };
beforeAll(async () => {
  const { http } = readConfig({});
  for (const where of ['development', 'production'] as const) {
    const app = await createApp(PagesModule, { production: where === 'production', http }, SILENT);
    await app.listen(0, '127.0.0.1');
    apps.push(app);
    origins[where] = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  }
});
afterAll(async () => {
  for (const app of apps) await app.close();
});

/** The directives of a `Content-Security-Policy` by name. */
const policyIn = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (headers.get('content-security-policy') ?? '').split(';').map((directive) => {
      const [name = '', ...sources] = directive.trim().split(' ');
      return [name, sources.join(' ')];
    }),
  );

const get = async (path: string, where: 'development' | 'production' = 'development') => {
  const { status, headers } = await fetch(`${origins[where]}${path}`);
  return { status, headers, policy: policyIn(headers) };
};

const API = ['/v1/open', '/V1/Open', '/v1/open/', '/v1/calendar/events', '/health/live', '/metrics', '/openapi.json'];
const PAGES = ['/', '/docs', '/docs/swagger-ui-init.js', '/docs/swagger-ui.css'];
const PROBLEMS = ['/nothing', '/docs/nothing', '/docsx', '/v1', '/%2e%2e/v1', '/assets/nothing.js'];

describe('What an answer tells a browser', () => {
  it.each([...API, ...PAGES, ...PROBLEMS])('keeps %s from being cached, sniffed, framed or told to other sites', async (path) => {
    const { headers, policy } = await get(path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(policy['frame-ancestors']).toBe("'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it.each([...API, ...PROBLEMS])('lets %s load nothing at all', async (path) => {
    const { policy } = await get(path);
    expect(policy).toEqual({ 'default-src': "'none'", 'frame-ancestors': "'none'" });
  });

  it('lets a problem load nothing, also where pages are', async () => {
    for (const path of PROBLEMS) expect((await get(path)).status).toBeGreaterThanOrEqual(400);
  });

  it.each(['/docs', '/docs/swagger-ui-init.js'])('lets %s run its own scripts and no others', async (path) => {
    const { status, policy } = await get(path);
    expect([status, policy['script-src'], policy['connect-src'], policy['default-src']]).toEqual([200, "'self'", "'self'", "'none'"]);
  });

  it('lets a page at / load what comes from here, and run nothing that is written into it', async () => {
    const { status, policy } = await get('/');
    expect([status, policy['default-src'], policy['base-uri'], policy['object-src']]).toEqual([200, "'self'", "'none'", "'none'"]);
    expect(Object.values(policy).join(' ')).not.toMatch(/unsafe|https?:|[*]/);
  });

  it.each([...API, ...PAGES, ...PROBLEMS])('keeps browsers on TLS in production only, at %s', async (path) => {
    expect((await get(path, 'production')).headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect((await get(path)).headers.get('strict-transport-security')).toBeNull();
  });
});

describe('The page of the API', () => {
  it('holds no script of its own that its policy would keep from running', async () => {
    const page = await (await fetch(`${origins.development}/docs`)).text();
    const scripts = [...page.matchAll(/<script(?<attributes>[^>]*)>(?<code>[^<]*)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const { groups } of scripts)
      expect([groups?.['code']?.trim(), groups?.['attributes']]).toEqual(['', expect.stringMatching(/src=/)]);
    expect(page).not.toMatch(/\son[a-z]+=|(?:src|href)=["']?(?:https?:)?[/][/]/);
  });
});
