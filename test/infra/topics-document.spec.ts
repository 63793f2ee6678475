import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { z } from 'zod';
import { readConfig } from '../../src/config/service.config.js';
import { asyncApiDocument } from '../../src/infra/http/asyncapi.document.js';
import { createApp } from '../../src/infra/http/http.app.js';
import { HttpModule } from '../../src/infra/http/http.module.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { memberRows } from '../../src/infra/http/schema-rows.js';
import { topicsPage } from '../../src/infra/http/topics.page.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { systemClock } from '../../src/infra/system.clock.js';
import { faultsOf } from '../support/async-api.js';
import { ANY_MARKERS } from '../support/markers.js';
import { SMALL_TOPICS } from '../support/small-topics.js';
import { SILENT } from '../support/store.js';
import { NO_TEAMS } from '../support/teams.js';

const BROKERS = { brokers: ['kafka-1.example:9093', 'kafka-2.example:9093'], tls: true, sasl: 'scram-sha-512' } as const;

describe('The document of the topics', () => {
  it.each([
    ['a cluster with TLS and SASL', BROKERS],
    ['a broker of this machine', { brokers: ['127.0.0.1:9092'], tls: false, sasl: null }],
    ['no broker', null],
  ] as const)('is valid AsyncAPI 3.0 for AsyncAPI’s own schema with %s', (_, at) => {
    expect(faultsOf(asyncApiDocument(SMALL_TOPICS, at))).toEqual([]);
  });

  it('would be refused by that schema, or for an example, if it were not', () => {
    const document = asyncApiDocument(SMALL_TOPICS, BROKERS);
    expect(faultsOf({ ...document, operations: { x: { action: 'shout' as 'send' } } })).not.toEqual([]);
    const [doors, people] = SMALL_TOPICS;
    const [walked] = people?.messages ?? [];
    if (doors === undefined || people === undefined || walked === undefined) throw new Error('There are two topics.');
    const wrong = { ...people, messages: [{ ...walked, example: { ...(walked.example as object), data: { steps: 'three' } } }] };
    expect(faultsOf(asyncApiDocument([doors, wrong], null))).toEqual([expect.stringContaining('data/steps')]);
  });

  it('says of a topic its key, its partitions, how long a message is kept, and who sends', () => {
    const { channels, operations, servers, components } = asyncApiDocument(SMALL_TOPICS, BROKERS);
    expect(channels['test.doors.v1']?.bindings.kafka).toMatchObject({
      partitions: 6,
      topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': 2_678_400_000 },
    });
    expect(channels['test.people.v1']?.bindings.kafka.topicConfiguration).toEqual({ 'cleanup.policy': ['compact'] });
    expect(Object.entries(operations).map(([name, { action }]) => [name, action])).toEqual([
      ['send.test.doors.v1', 'send'],
      ['receive.test.people.v1', 'receive'],
    ]);
    expect(servers).toMatchObject({ 'kafka-1': { host: 'kafka-1.example:9093', protocol: 'kafka-secure' }, 'kafka-2': {} });
    expect(components).toMatchObject({ securitySchemes: { sasl: { type: 'scramSha512' } } });
    expect(components.messages['test.door.opened.v1']?.bindings).toMatchObject({ kafka: { key: { description: 'door id' } } });
  });

  it('refuses a schema that refers to itself, which could not be written out', () => {
    const Nested: z.ZodType = z.strictObject({ get within() { return Nested.optional(); } }).meta({ id: 'Nested' }); // oxfmt-ignore
    const [doors] = SMALL_TOPICS;
    if (doors === undefined) throw new Error('There is a topic.');
    const topic = { ...doors, messages: [{ type: 'a', summary: 'b', schema: Nested, example: {} }] };
    expect(() => asyncApiDocument([topic], null)).toThrow(/cannot be put in its place/);
  });
});

describe('The page of the topics', () => {
  const page = topicsPage(asyncApiDocument(SMALL_TOPICS, BROKERS));

  it('shows each topic with its key, how long its messages are kept, and each kind of message with an example', () => {
    for (const text of [
      'test.doors.v1',
      'door id',
      '31 days',
      'the last of each key',
      'test.door.walked.v1',
      '&quot;steps&quot;: 3',
      'kafka-2.example:9093',
    ])
      expect(page).toContain(text);
  });

  it('takes no text for HTML', () => {
    expect(page).toContain('A door &lt;was&gt; opened.');
    expect(page).not.toContain('<was>');
  });

  it('has a row for each member, also of what lies within', () => {
    const payload = asyncApiDocument(SMALL_TOPICS, null).components.messages['test.door.opened.v1']?.payload ?? {};
    const members = payload['properties'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    const rows = memberRows(members['data'] ?? {});
    expect(rows.map(({ name, type, optional }) => `${name}${optional ? '?' : ''}: ${type}`)).toEqual([
      'doorId: UUID',
      'by: object or null',
      'by.kind: "person" or "wind"',
      'by.since: time, RFC 3339',
      'keys: list of: object',
      'keys[].name: text',
      'note?: text',
    ]);
  });
});

describe('A service that documents topics', () => {
  let app: NestExpressApplication;
  let url: string;

  beforeAll(async () => {
    const module = HttpModule.with({
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
    });
    @Module({ imports: [module] })
    class Documented {}
    app = await createApp(Documented, readConfig({}), SILENT, () => Promise.resolve(asyncApiDocument(SMALL_TOPICS, BROKERS)));
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });

  afterAll(() => app.close());

  it('answers both without a token; the page may load and run nothing', async () => {
    const document = await fetch(`${url}/asyncapi.json`);
    expect([document.status, document.headers.get('content-type')]).toEqual([200, expect.stringContaining('application/json')]);
    expect(faultsOf((await document.json()) as ReturnType<typeof asyncApiDocument>)).toEqual([]);
    const page = await fetch(`${url}/docs/topics`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none';.*style-src 'sha256-/);
  });

  it('keeps the page of the API beside it, and takes nothing but questions', async () => {
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect((await fetch(`${url}/docs/topics`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${url}/asyncapi.json`, { method: 'HEAD' })).status).toBe(200);
  });
});
