import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Headers, Module, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { z } from 'zod';
import { readConfig } from '../../src/config/service.config.js';
import { Answers } from '../../src/infra/http/answers.openapi.js';
import { Actor, Public } from '../../src/infra/http/auth.guard.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { expectedRevision } from '../../src/infra/http/revision.js';
import { Requires } from '../../src/infra/http/roles.guard.js';
import { pinoLog } from '../../src/infra/logging/log.pino.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { type Actor as Person } from '../../src/kernel/actor.js';
import { Contended, UnknownEvent, WrongRevision } from '../../src/kernel/event-store.js';
import { Refused } from '../../src/kernel/refused.js';
import { ProviderFault } from '../../src/provider/calendar-provider.js';
import { ANY_MARKERS } from '../support/markers.js';
import { NO_TEAMS } from '../support/teams.js';

const Note = z.strictObject({ id: z.uuid(), text: z.string().max(100), start: z.iso.datetime().nullable() }).meta({ id: 'Note' });
const NewNote = z
  .strictObject({ text: z.string().max(100), tags: z.array(z.enum(['red', 'blue'])).default([]), size: z.number().int().optional() })
  .meta({ id: 'NewNote' });
const Filter = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  provider: z.enum(['apple', 'caldav']).optional(),
});

/** A request says that it has begun, and is answered when the test lets it. */
const slowly = () => {
  let [begin, release] = [(): void => undefined, (): void => undefined];
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { begun, begin, released, release };
};
const slow = slowly();

const faults: Readonly<Record<string, () => Error>> = {
  refused: () => new Refused('note.locked', 429, 'Somebody holds it; try later.', 12.2),
  stale: () => new WrongRevision('note-1', 3n),
  contended: () => new Contended('note-1'),
  outdated: () => new UnknownEvent('NoteTaken.v9'),
  throttled: () => new ProviderFault('throttled', 'The calendar server asks for patience.', 30),
  malformed: () => new ProviderFault('malformed', 'The answer makes no sense.'),
  surprise: () => new Error('duplicate key (email)=(ann@example.com)'),
};

@ApiTags('notes')
@Controller('v1/notes')
class NoteController {
  @Get()
  @Answers(200, z.array(Note), 'Notes.')
  list(@Query({ schema: Filter }) filter: z.output<typeof Filter>) {
    return { filter };
  }

  @Post()
  @Answers(201, Note, 'The note.')
  write(
    @Body({ schema: NewNote }) note: z.output<typeof NewNote>,
    @Actor() actor: Person,
    @Headers('x-correlation-id') correlationId: string,
  ) {
    return { note, actor, correlationId };
  }

  @Get(':id')
  @Answers(200, Note, 'The note.')
  read(@Param('id', { schema: z.uuid() }) id: string, @Headers('if-match') ifMatch?: string) {
    return { id, expected: String(expectedRevision(ifMatch)) };
  }

  @Requires('admin')
  @Get('for/admins')
  listForAdmins() {
    return { listed: true };
  }

  @Public()
  @Post('faults/:name')
  fail(@Param('name', { schema: z.string() }) name: string): never {
    throw faults[name]?.() ?? new Error('no such fault');
  }

  @Public()
  @Get('slow/answer')
  async slow() {
    slow.begin();
    await slow.released;
    return { finished: true };
  }
}

const lines: string[] = [];
const health = healthRegistry();
let passed = 0;
const clock = { now: () => Date.now() + passed };

@Module({
  imports: [
    HttpModule.with({
      auth: { mode: 'dev' },
      masterKey: new Uint8Array(32),
      clock,
      health,
      metrics: prometheusMetrics(),
      rateLimits: { person: 0, anonymous: 0 },
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
let origin: string;
let bearer: string;

const start = async (): Promise<[NestExpressApplication, string]> => {
  const log = pinoLog({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) });
  const started = await createApp(NotesModule, readConfig({ CORS_ORIGINS: 'https://app.example.com' }), log);
  await started.listen(0, '127.0.0.1');
  return [started, `http://127.0.0.1:${(started.getHttpServer().address() as AddressInfo).port}`];
};

const ask = async (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => {
  const response = await fetch(`${origin}${path}`, { ...init, headers: { authorization: bearer, ...init.headers } });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Record<string, unknown> };
};

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

beforeAll(async () => {
  [app, origin] = await start();
  bearer = '';
  const { body } = await post('/v1/dev/token', { userId: 'ann', roles: ['user', 'admin'], teams: ['blue'] });
  bearer = `Bearer ${String(body['token'])}`;
});

afterAll(() => app.close());

describe('Who asks', () => {
  it('is told to the route by the token', async () => {
    const { status, body } = await post('/v1/notes', { text: 'Hello' });
    expect(status).toBe(201);
    expect(body['actor']).toEqual({ userId: 'ann', roles: ['user', 'admin'], teams: ['blue'] });
  });

  it.each([
    ['auth.missing', undefined, 'Bearer'],
    ['auth.invalid', 'Basic YW5uOmFubg==', 'Bearer error="invalid_token"'],
    ['auth.invalid', 'Bearer abc.def.ghi', 'Bearer error="invalid_token"'],
  ])('is refused with %s when the header is %j', async (code, authorization, challenge) => {
    const response = await fetch(`${origin}/v1/notes`, authorization === undefined ? {} : { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(challenge);
    expect(await response.json()).toMatchObject({ code, status: 401 });
  });

  it('cannot be anybody whose id would not fit a stream name', async () => {
    const { status, body } = await post('/v1/dev/token', { userId: 'ann/../bob' });
    expect([status, body['code']]).toEqual([400, 'request.invalid']);
  });
});

describe('A role', () => {
  const as = async (roles: readonly string[]) => {
    const { body } = await post('/v1/dev/token', { userId: 'bob', roles });
    return { authorization: `Bearer ${String(body['token'])}` };
  };

  it('opens the routes that ask for it, and no others', async () => {
    const [user, admin] = [await as(['user']), await as(['admin'])];
    expect((await ask('/v1/notes/for/admins', { headers: admin })).body).toEqual({ listed: true });
    expect((await ask('/v1/notes', { headers: user })).status).toBe(200);
    for (const [path, headers] of [
      ['/v1/notes/for/admins', user],
      ['/v1/notes', admin],
      ['/v1/notes', await as([])],
    ] as const) {
      const { status, body } = await ask(path, { headers });
      expect([status, body['code']]).toEqual([403, 'auth.role-missing']);
    }
  });
});

describe('A request', () => {
  it('is validated and completed by its schemas, in body, query and path', async () => {
    expect((await post('/v1/notes', { text: 'Hello' })).body['note']).toEqual({ text: 'Hello', tags: [] });
    expect((await ask('/v1/notes?limit=7&provider=apple')).body).toEqual({ filter: { limit: 7, provider: 'apple' } });
    expect((await ask('/v1/notes')).body).toEqual({ filter: { limit: 100 } });
    expect((await ask('/v1/notes/1f0c6a52-7a9e-4a5b-9a51-0d2f3c4b5a69', { headers: { 'if-match': '"4"' } })).body).toMatchObject({
      expected: '4',
    });
  });

  it.each([
    ['POST', '/v1/notes', { text: 7, tags: ['green'], 'mail ann@example.com': 1 }, ['text', 'tags.0', '?']],
    ['POST', '/v1/notes', undefined, ['']],
    ['GET', '/v1/notes?limit=0', undefined, ['limit']],
    ['GET', '/v1/notes?limit=1&limit=2', undefined, ['limit']],
    ['GET', '/v1/notes?limi=1', undefined, ['limi']],
    ['GET', '/v1/notes/17', undefined, ['']],
  ])('%s %s with body %j is refused with every mistake and no value', async (method, path, body, paths) => {
    const { status, body: problem } = await ask(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    expect([status, problem['code']]).toEqual([400, 'request.invalid']);
    expect((problem['errors'] as { path: string }[]).map((mistake) => mistake.path)).toEqual(paths);
    expect(JSON.stringify(problem)).not.toMatch(/green|ann@example/);
  });

  it.each([
    [400, 'request.malformed', '{"text": ', 'application/json'],
    [413, 'request.too-large', JSON.stringify({ text: 'x'.repeat(300_000) }), 'application/json'],
    [415, 'request.unsupported', '{}', 'application/json; charset=koi8-r'],
  ])('is answered %i %s when its body cannot be read', async (status, code, body, contentType) => {
    const answer = await post('/v1/notes', body, { 'content-type': contentType });
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  it('keeps the correlation id it came with, and gets one otherwise', async () => {
    const id = 'b3b0a2a4-6b1e-4c38-9d1a-2f4f6c1f7a11';
    const sent = await post('/v1/notes', { text: 'Hello' }, { 'x-correlation-id': id });
    expect([sent.headers.get('x-correlation-id'), sent.body['correlationId']]).toEqual([id, id]);
    const made = await post('/v1/notes', { text: 'Hello' }, { 'x-correlation-id': 'not a uuid' });
    expect(made.body['correlationId']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('A failure', () => {
  it.each([
    ['refused', 429, 'note.locked', '13'],
    ['stale', 412, 'request.stale', null],
    ['contended', 503, 'service.contended', '2'],
    ['outdated', 503, 'service.outdated', '30'],
    ['throttled', 503, 'provider.throttled', '30'],
    ['malformed', 502, 'provider.malformed', null],
    ['surprise', 500, 'internal', null],
  ])('%s is answered %i %s as problem+json', async (name, status, code, retryAfter) => {
    const answer = await post(`/v1/notes/faults/${name}?email=ann@example.com`, {});
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ type: 'about:blank', status, code, instance: `/v1/notes/faults/${name}` });
    expect(answer.body['traceId']).toBe(answer.headers.get('x-correlation-id'));
  });

  it('unforeseen is logged once, under the id the caller was given, without what it quotes', async () => {
    lines.length = 0;
    const { body } = await post('/v1/notes/faults/surprise', {});
    const errors = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ correlationId: body['traceId'], error: { type: 'Error' } });
    expect(lines.join('')).not.toContain('ann@example.com');
  });

  it('to find a route is told from the wrong method', async () => {
    expect((await ask('/v1/nothing')).body).toMatchObject({ status: 404, code: 'route.unknown' });
    const wrong = await ask('/v1/notes', { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow'), wrong.body['code']]).toEqual([405, 'GET, POST', 'route.method']);
  });
});

describe('Operators', () => {
  it('see every request by its route, never by its address', async () => {
    lines.length = 0;
    await ask('/v1/notes/1f0c6a52-7a9e-4a5b-9a51-0d2f3c4b5a69?email=ann@example.com');
    const line = lines.map((text) => JSON.parse(text) as Record<string, unknown>).find(({ msg }) => msg === 'Request answered');
    expect(line).toMatchObject({ method: 'GET', route: '/v1/notes/:id' });
    const { body } = await ask('/metrics');
    expect(body).toMatch(/http_request_duration_seconds_count\{method="GET",route="\/v1\/notes\/:id",status="200"\} \d/);
  });

  it('learn from readiness which engine fails, and that the process lives', async () => {
    expect((await ask('/health/ready')).body).toEqual({ status: 'ok', checks: [] });
    passed += 1_000;
    health.add('postgres', () => ({ ok: true }));
    health.add('event store', () => Promise.reject(new Error('password=secret')));
    const { status, body } = await ask('/health/ready');
    expect([status, body['status']]).toEqual([503, 'failing']);
    expect(body['checks']).toEqual([
      { name: 'postgres', ok: true },
      { name: 'event store', ok: false, detail: 'could not be asked' },
    ]);
    expect((await ask('/health/live')).status).toBe(200);
  });
});

describe('The API’s document', () => {
  it('is served with a page, and says what the schemas say', async () => {
    expect((await ask('/docs')).body).toContain('swagger-ui');
    const { body } = await ask('/openapi.json');
    const document = JSON.stringify(body);
    expect(body).toMatchObject({
      paths: {
        '/v1/notes': {
          get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'limit', in: 'query', required: false })]) },
          post: {
            requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/NewNote' } } } },
            responses: { 201: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Note' } } } } },
          },
        },
        '/v1/notes/{id}': { get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'if-match', required: false })]) } },
        '/health/live': { get: { security: [{}] } },
      },
      security: [{ bearer: [] }],
    });
    for (const [, name] of document.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(body).toHaveProperty(`components.schemas.${String(name)}`);
  });
});

describe('Browsers', () => {
  it('may call from the configured origin only, and may not keep or frame answers', async () => {
    const allowed = await ask('/health/live', { headers: { origin: 'https://app.example.com' } });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(allowed.headers.get('cache-control')).toBe('no-store');
    expect(allowed.headers.get('x-powered-by')).toBeNull();
    expect(
      (await ask('/health/live', { headers: { origin: 'https://evil.example.com' } })).headers.get('access-control-allow-origin'),
    ).toBeNull();
  });
});

describe('A connection that idles', () => {
  it('is left open for longer than a load balancer or a busy client keeps one', async () => {
    const idle = (await ask('/health/live')).headers.get('keep-alive');
    expect(Number(idle?.replace('timeout=', ''))).toBeGreaterThan(60);
  });
});

describe('Closing', () => {
  it('lets an answer under way finish', async () => {
    health.add('only for this', () => ({ ok: true }));
    const [other, at] = await start();
    const answer = fetch(`${at}/v1/notes/slow/answer`);
    await slow.begun;
    const closed = other.close();
    slow.release();
    expect(await (await answer).json()).toEqual({ finished: true });
    await closed;
  });
});
