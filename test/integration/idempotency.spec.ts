import { randomBytes } from 'node:crypto';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Module, Post, Res } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type Response } from 'express';
import { z } from 'zod';
import { readConfig } from '../../src/config/service.config.js';
import { Actor } from '../../src/infra/http/auth.guard.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { CommandId } from '../../src/infra/http/idempotency.interceptor.js';
import { idempotency } from '../../src/infra/http/idempotency.sql.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { systemEntropy } from '../../src/infra/system.entropy.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Actor as Person } from '../../src/kernel/actor.js';
import { DAY } from '../../src/kernel/clock.js';
import { Refused } from '../../src/kernel/refused.js';
import { eventually, openStores, SILENT, type Stores } from '../support/store.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

const Note = z.strictObject({ text: z.string() });

/** What happens in the route, by what is sent to it. */
let written: string[] = [];
let commands: string[] = [];
let waiting: (() => void)[] = [];
let faults: Error[] = [];

@Controller('v1/notes')
class NoteController {
  @Post()
  async write(
    @Body({ schema: Note }) { text }: z.output<typeof Note>,
    @Actor() { userId }: Person,
    @CommandId() commandId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    commands.push(commandId);
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
    if (text === 'slow') await new Promise<void>((resolve) => waiting.push(resolve));
    written.push(text);
    response.status(202).setHeader('Location', `/v1/notes/${written.length}`);
    return { text, by: userId };
  }
}

let now = Date.parse('2026-11-22T10:00:00Z');
const clock = { now: () => now };
let stores: Stores;
let app: NestExpressApplication;
let origin: string;

const start = async (): Promise<NestExpressApplication> => {
  @Module({
    imports: [
      HttpModule.with({
        auth: { mode: 'dev' },
        masterKey: new Uint8Array(32),
        clock,
        health: healthRegistry(),
        metrics: prometheusMetrics(),
        rateLimits: { person: 0, anonymous: 0 },
        teams: NO_TEAMS,
        markers: ANY_MARKERS,
        tickets: null,
        idempotency: idempotency({ sql: stores.database, vault: vault(stores.database, randomBytes(32)), clock, entropy: systemEntropy }),
        operationsApart: false,
      }),
    ],
    controllers: [NoteController],
  })
  class NotesModule {}
  const started = await createApp(NotesModule, readConfig({}), SILENT);
  await started.listen(0, '127.0.0.1');
  return started;
};

const post = async (body: unknown, key: string | null, userId = 'ann') => {
  const json = { 'content-type': 'application/json' };
  const issued = await fetch(`${origin}/v1/dev/token`, { method: 'POST', headers: json, body: JSON.stringify({ userId }) });
  const { token } = (await issued.json()) as { token: string };
  const answer = await fetch(`${origin}/v1/notes`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${token}`, ...(key === null ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });
  const { headers } = answer;
  const said = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, location: headers.get('location'), replayed: headers.get('idempotency-replayed'), body: said };
};

beforeAll(async () => {
  stores = await openStores();
  app = await start();
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await stores.stop();
});
beforeEach(async () => {
  [written, commands, waiting, faults] = [[], [], [], []];
  await stores.database.query('delete from idempotency');
});

describe('A request that is sent again under its Idempotency-Key', () => {
  it('is answered as the first time, and done once', async () => {
    const first = await post({ text: 'Lunch with Grace' }, 'k-1');
    expect(first).toEqual({ status: 202, location: '/v1/notes/1', replayed: null, body: { text: 'Lunch with Grace', by: 'ann' } });
    expect(await post({ text: 'Lunch with Grace' }, 'k-1')).toEqual({ ...first, replayed: 'true' });
    // The draft writes keys in quotes.
    expect(await post({ text: 'Lunch with Grace' }, '"k-1"')).toEqual({ ...first, replayed: 'true' });
    expect(written).toEqual(['Lunch with Grace']);
  });

  it('is done again without a key, with another one, and by another person', async () => {
    for (const [key, person] of [
      [null, 'ann'],
      [null, 'ann'],
      ['k-2', 'ann'],
      ['k-3', 'ann'],
      ['k-2', 'bob'],
    ] as const)
      expect((await post({ text: 'note' }, key, person)).replayed).toBeNull();
    expect(written).toHaveLength(5);
    expect(new Set(commands).size).toBe(5);
  });

  it('is refused when it is another request', async () => {
    await post({ text: 'one' }, 'k-4');
    expect(await post({ text: 'two' }, 'k-4')).toMatchObject({ status: 422, body: { code: 'request.idempotency-mismatch' } });
    expect(written).toEqual(['one']);
  });

  it('waits for the first to be answered', async () => {
    const first = post({ text: 'slow' }, 'k-5');
    await eventually('the first is under way', () => waiting.length === 1);
    expect(await post({ text: 'slow' }, 'k-5')).toMatchObject({ status: 409, body: { code: 'request.in-flight' } });
    waiting.forEach((go) => {
      go();
    });
    expect(await first).toMatchObject({ status: 202, replayed: null });
    expect(await post({ text: 'slow' }, 'k-5')).toMatchObject({ status: 202, replayed: 'true' });
    expect(written).toEqual(['slow']);
  });

  it('may be tried again, and corrected, after it was refused', async () => {
    faults = [new Refused('note.locked')];
    expect((await post({ text: 'one' }, 'k-6')).status).toBe(409);
    expect((await post({ txt: 'one' }, 'k-6')).status).toBe(400);
    expect((await post({ text: 'two' }, 'k-6')).status).toBe(202);
    expect(written).toEqual(['two']);
  });

  it('is the same command after an unforeseen failure, and no other request may take its key', async () => {
    faults = [new Error('the disk is full')];
    expect((await post({ text: 'one' }, 'k-7')).status).toBe(500);
    expect((await post({ text: 'two' }, 'k-7')).body).toMatchObject({ code: 'request.idempotency-mismatch' });
    expect((await post({ text: 'one' }, 'k-7')).status).toBe(202);
    expect(commands[1]).toBe(commands[0]);
  });

  it('is tried by another process, as the same command, when the one that had it died', async () => {
    void post({ text: 'slow' }, 'k-8').catch(() => undefined);
    await eventually('the first is under way', () => waiting.length === 1);
    // As a dead process leaves it: the hold is not renewed.
    await stores.database.query(`update idempotency set holder = gen_random_uuid(), held_until = clock_timestamp() + interval '1 hour'`);
    expect((await post({ text: 'slow' }, 'k-8')).status).toBe(409);
    // A process whose clock goes ahead does not take it away.
    now += 3_000_000;
    expect((await post({ text: 'slow' }, 'k-8')).status).toBe(409);
    await stores.database.query(`update idempotency set held_until = clock_timestamp()`);
    const second = post({ text: 'slow' }, 'k-8');
    await eventually('the second is under way', () => waiting.length === 2);
    waiting.forEach((go) => {
      go();
    });
    expect(await second).toMatchObject({ status: 202, replayed: null });
    expect(commands[1]).toBe(commands[0]);
  });

  it('is forgotten after a day', async () => {
    await post({ text: 'one' }, 'k-9');
    now += DAY + 1;
    expect(await post({ text: 'two' }, 'k-9')).toMatchObject({ status: 202, replayed: null });
  });

  it.each(['', 'a b', 'x'.repeat(256)])('is refused when its key is %j', async (key) => {
    const answer = await post({ text: 'one' }, key);
    expect(answer.status).toBe(400);
  });

  it('leaves nothing readable at rest', async () => {
    await post({ text: 'Lunch with Grace' }, 'grace@example.com');
    const rows = await stores.database.query('select i::text as row from idempotency i');
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toMatch(/grace|lunch|notes/i);
  });
});
