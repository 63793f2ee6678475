import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { generateKeyPair, SignJWT } from 'jose';
import { readConfig } from '../../src/config/service.config.js';
import { AcceptsTicket, Actor } from '../../src/infra/http/auth.guard.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule, type HttpParts } from '../../src/infra/http/http.module.js';
import { devTokens } from '../../src/infra/http/tokens.jose.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { type Actor as Person } from '../../src/kernel/actor.js';
import { Refused } from '../../src/kernel/refused.js';
import { SILENT } from '../support/store.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

@Controller('v1/notes')
class NoteController {
  @AcceptsTicket()
  @Get()
  list(@Actor() { userId }: Person) {
    return { userId };
  }
}

const KEY = new Uint8Array(32);
const ann: Person = { userId: 'ann', roles: ['user'], teams: ['blue'] };
const noted: string[] = [];
let unused = 1;

const parts: HttpParts = {
  auth: { mode: 'dev' },
  masterKey: KEY,
  clock: systemClock,
  health: healthRegistry(),
  metrics: prometheusMetrics(),
  rateLimits: { person: 4, anonymous: 2 },
  markers: ANY_MARKERS,
  teams: {
    ...NO_TEAMS,
    remember: ({ userId }) => {
      noted.push(userId);
      return Promise.resolve();
    },
  },
  tickets: {
    issue: () => Promise.reject(new Error('none is asked for')),
    redeem: () => {
      unused -= 1;
      return unused < 0 ? Promise.reject(new Refused('auth.ticket-invalid', 401)) : Promise.resolve({ actor: ann, until: Date.now() });
    },
  },
  idempotency: null,
  operationsApart: false,
};

const apps: NestExpressApplication[] = [];
const serving = async (changed: Partial<HttpParts> = {}): Promise<string> => {
  @Module({ imports: [HttpModule.with({ ...parts, ...changed })], controllers: [NoteController] })
  class NotesModule {}
  const app = await createApp(NotesModule, readConfig({}), SILENT);
  await app.listen(0, '127.0.0.1');
  apps.push(app);
  return `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/v1/notes`;
};
afterAll(async () => {
  for (const app of apps) await app.close();
});

const ask = async (url: string, token?: string) => {
  const answer = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const { code = null } = (await answer.json()) as { code?: string };
  return {
    status: answer.status,
    code,
    policy: answer.headers.get('ratelimit-policy'),
    left: answer.headers.get('ratelimit')?.split(';')[1],
  };
};

describe('A request', () => {
  let url = '';
  beforeAll(async () => {
    url = await serving();
  });

  it('of a person who may not ask counts for the person, and their teams are not noted', async () => {
    const token = await devTokens(KEY, systemClock).issue({ userId: 'bob', roles: ['admin'], teams: ['red'] });
    expect(await ask(url, token)).toEqual({ status: 403, code: 'auth.role-missing', policy: '"person";q=4;w=60', left: 'r=3' });
    expect(noted).toEqual([]);
  });

  it('of a person who may ask counts for the person, and their teams are noted', async () => {
    const token = await devTokens(KEY, systemClock).issue(ann);
    expect(await ask(url, token)).toEqual({ status: 200, code: null, policy: '"person";q=4;w=60', left: 'r=3' });
    expect(noted).toEqual(['ann']);
  });

  it('with a ticket is let in by one look at the ticket, and a second request is not', async () => {
    expect(await ask(`${url}?ticket=t`)).toMatchObject({ status: 200, left: 'r=2' });
    expect(await ask(`${url}?ticket=t`)).toMatchObject({
      status: 401,
      code: 'auth.ticket-invalid',
      policy: '"address";q=2;w=60',
      left: 'r=1',
    });
  });

  it('without a good token counts for its address, until it is told to wait', async () => {
    expect(await ask(url, 'guess')).toMatchObject({ status: 401, code: 'auth.invalid', left: 'r=0' });
    expect(await ask(url)).toMatchObject({ status: 429, code: 'request.too-many' });
  });
});

describe('A request whose token cannot be checked', () => {
  it('counts for no address, because the token may be good', async () => {
    const auth = { mode: 'jwks', jwksUrl: 'http://127.0.0.1:9/keys', issuer: 'i', audience: 'a' } as const;
    const url = await serving({ auth });
    const { privateKey } = await generateKeyPair('ES256');
    const token = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'ES256' }).setExpirationTime('1h').sign(privateKey);
    for (let count = 0; count < 4; count += 1)
      expect(await ask(url, token)).toEqual({ status: 503, code: 'auth.unavailable', policy: null, left: undefined });
  });
});
