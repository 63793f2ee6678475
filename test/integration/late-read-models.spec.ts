import { randomBytes, randomUUID } from 'node:crypto';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { readConfig } from '../../src/config/service.config.js';
import { type Linking } from '../../src/connection/account.linking.js';
import { ConnectCalendarHandler } from '../../src/connection/connect.handler.js';
import { ConnectionController } from '../../src/connection/connection.controller.js';
import { ConnectionPorts } from '../../src/connection/connection.ports.js';
import { MyConnectionsHandler } from '../../src/connection/connections.query.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { readModels } from '../../src/infra/postgres/read-models.postgres.js';
import { systemEntropy } from '../../src/infra/system.entropy.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { CLOCK } from '../../src/kernel/clock.js';
import { READ_MODELS, type ReadModels } from '../../src/kernel/projection.js';
import { DATABASE } from '../../src/kernel/sql.js';
import { VAULT } from '../../src/kernel/vault.js';
import { PROVIDERS, type Providers } from '../../src/provider/calendar-provider.js';
import { PROJECTIONS } from '../../src/app/projections.js';
import { nearHttp, nearProvider } from '../support/caldav.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { openStores, SILENT, type Stores } from '../support/store.js';
import { NO_TEAMS } from '../support/teams.js';

const clock = { now: () => Date.now() };
const http = nearHttp();
const opened = suiteResources();
let stores: Stores;
let radicale: Radicale;
let app: NestExpressApplication;
let origin: string;

/** Milliseconds that a request was ready to wait for read models, one for each time. */
const waits: number[] = [];

/** The read models of a log that no projector follows; what is waited for them takes a hundredth of its time. */
const unbuilt = (): ReadModels => {
  const models = readModels(stores.database, PROJECTIONS);
  const reached: ReadModels['reached'] = (names, written, milliseconds) => {
    waits.push(milliseconds);
    return models.reached(names, written, milliseconds / 100);
  };
  return { ...models, reached };
};

beforeAll(async () => {
  stores = await opened(openStores());
  radicale = await opened(startRadicale());
  const keys = vault(stores.database, randomBytes(32));
  const { database, store } = stores;
  const providers = new Map([['caldav', nearProvider(http)]]);
  const ports: Linking & Readonly<{ providers: Providers }> = { database, store, vault: keys, providers, clock, entropy: systemEntropy };
  @Module({
    imports: [
      CqrsModule.forRoot(),
      HttpModule.with({
        auth: { mode: 'dev' },
        masterKey: new Uint8Array(32),
        clock,
        health: healthRegistry(),
        metrics: prometheusMetrics(),
        rateLimits: { person: 0, anonymous: 0 },
        teams: NO_TEAMS,
        markers: keys,
        tickets: null,
        idempotency: null,
        operationsApart: false,
      }),
    ],
    controllers: [ConnectionController],
    providers: [
      { provide: DATABASE, useValue: database },
      { provide: VAULT, useValue: keys },
      { provide: CLOCK, useValue: clock },
      { provide: READ_MODELS, useValue: unbuilt() },
      { provide: PROVIDERS, useValue: providers },
      { provide: ConnectionPorts, useValue: ports },
      ConnectCalendarHandler,
      MyConnectionsHandler,
    ],
  })
  class ConnectionsModule {}
  app = await createApp(ConnectionsModule, readConfig({}), SILENT);
  await app.listen(0, '127.0.0.1');
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await http.close();
});

describe('A connection that is made while no read model gets on', () => {
  it('is answered 503 after half a minute, with when to ask again, and is made all the same', async () => {
    const json = { 'content-type': 'application/json' };
    const userId = randomUUID();
    const issued = await fetch(`${origin}/v1/dev/token`, { method: 'POST', headers: json, body: JSON.stringify({ userId }) });
    const { token } = (await issued.json()) as { token: string };
    const credentials = { serverUrl: radicale.url, username: radicale.user, password: radicale.password };
    const answer = await fetch(`${origin}/v1/calendar/connections`, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${token}` },
      body: JSON.stringify({ provider: 'caldav', consent: true, credentials }),
    });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toMatchObject({ code: 'service.unavailable', detail: 'It is done, and cannot be shown yet.' });
    expect(waits).toEqual([2_000, 30_000]);
    expect(
      await stores.database.query('select distinct status from vault where user_id = $1 and connection_id is not null', [userId]),
    ).toEqual([{ status: 'active' }]);
  });
});
