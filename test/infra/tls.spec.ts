import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SecureVersion } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { readConfig } from '../../src/config/service.config.js';
import { selfSigned } from '../../src/embedded/eventstore/certificate.der.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { pinoLog } from '../../src/infra/logging/log.pino.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { systemClock } from '../../src/infra/system.clock.js';

const folder = mkdtempSync(join(tmpdir(), 'tls-'));
const { key, certificate } = selfSigned('localhost');
const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];

let app: NestExpressApplication;

beforeAll(async () => {
  writeFileSync(certFile, certificate);
  writeFileSync(keyFile, key);
  const config = readConfig({
    NODE_ENV: 'production',
    TLS_CERT: certFile,
    TLS_KEY: keyFile,
    MASTER_KEY: Buffer.alloc(32).toString('base64'),
    AUTH_JWKS_URL: 'https://id.example.com/jwks',
    AUTH_ISSUER: 'https://id.example.com',
    AUTH_AUDIENCE: 'calendar',
  });
  const parts = {
    auth: config.auth,
    masterKey: new Uint8Array(32),
    clock: systemClock,
    health: healthRegistry(),
    metrics: prometheusMetrics(),
    teams: NO_TEAMS,
    markers: ANY_MARKERS,
    rateLimits: { person: 0, anonymous: 0 },
    tickets: null,
    idempotency: null,
    operationsApart: false,
  };
  app = await createApp(HttpModule.with(parts), config, pinoLog({ level: 'silent', format: 'json' }));
  await app.listen(0, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const ask = (path: string, maxVersion: SecureVersion, method = 'GET') =>
  new Promise<Readonly<{ status: number | undefined; hsts: string | undefined }>>((resolve, reject) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const minVersion = maxVersion;
    const sent = request(
      { host: 'localhost', family: 4, port, path, method, ca: certificate, agent: false, minVersion, maxVersion },
      (response) => {
        response.resume();
        resolve({ status: response.statusCode, hsts: response.headers['strict-transport-security'] });
      },
    );
    sent.on('error', reject).end();
  });

describe('In production', () => {
  it('the service speaks TLS 1.2 and 1.3, and nothing older', async () => {
    await expect(ask('/health/live', 'TLSv1.2')).resolves.toMatchObject({ status: 200, hsts: 'max-age=31536000' });
    await expect(ask('/health/live', 'TLSv1.3')).resolves.toMatchObject({ status: 200 });
    await expect(ask('/health/live', 'TLSv1.1')).rejects.toThrow();
  });

  it('no caller can have a development token', async () => {
    await expect(ask('/v1/dev/token', 'TLSv1.3', 'POST')).resolves.toMatchObject({ status: 404 });
  });
});
