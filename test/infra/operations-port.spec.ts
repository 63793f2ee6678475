import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AddressInfo } from 'node:net';
import { type Server } from 'node:http';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { readConfig } from '../../src/config/service.config.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { portOf, serveOperations, stopServing } from '../../src/infra/http/operations.server.js';
import { pinoLog } from '../../src/infra/logging/log.pino.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

describe('With a port of their own, operators', () => {
  let app: NestExpressApplication;
  let operations: Server | null;
  let looked = 0;
  const present = Date.now();
  let passed = 0;
  const at = (port: number | null, path: string): Promise<Response> => fetch(`http://127.0.0.1:${port ?? 0}${path}`);
  const there = (path: string) => at(portOf(operations), path);
  const here = (path: string) => at((app.getHttpServer().address() as AddressInfo).port, path);

  beforeAll(async () => {
    const config = readConfig({ OPERATIONS_PORT: '0' });
    const health = healthRegistry();
    health.add('engine', () => {
      looked += 1;
      return { ok: true };
    });
    const parts = {
      auth: config.auth,
      masterKey: new Uint8Array(32),
      clock: { now: () => present + passed },
      health,
      metrics: prometheusMetrics(),
    };
    const none = {
      teams: NO_TEAMS,
      markers: ANY_MARKERS,
      rateLimits: { person: 0, anonymous: 0 },
      tickets: null,
      idempotency: null,
      operationsApart: true,
    };
    app = await createApp(HttpModule.with({ ...parts, ...none }), config, pinoLog({ level: 'silent', format: 'json' }));
    operations = await serveOperations(app, config.http);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    if (operations !== null) await stopServing(operations);
    await app.close();
  });

  it.each(['/health/live', '/health/ready', '/metrics'])('are answered %s there', async (path) => {
    expect((await there(path)).status).toBe(200);
  });

  it.each(['/health/live', '/health/ready', '/metrics', '/METRICS', '/metrics/', '/metrics?a=b', '//metrics'])(
    'are told that nothing is at %s of the API’s port',
    async (path) => {
      const answer = await here(path);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'route.unknown']);
    },
  );

  it.each(['/', '/docs', '/openapi.json', '/v1/dev/token', '/healthy', '/metrics/../docs', '//docs'])('find no %s there', async (path) => {
    expect((await there(path)).status).toBe(404);
  });

  it('read nothing of it in the API’s document', async () => {
    const { paths } = (await (await here('/openapi.json')).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths).filter((path) => !path.startsWith('/v1/'))).toEqual([]);
  });

  it('cost the engines one look, however many ask at a time', async () => {
    const before = looked;
    passed += 1_000;
    await Promise.all(Array.from({ length: 200 }, () => there('/health/ready')));
    expect(looked - before).toBe(1);
  });
});
