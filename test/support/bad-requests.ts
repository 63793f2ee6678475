import fc from 'fast-check';
import { type ApiDocument, type Parameter, type Route, type Schema } from './api-contract.js';

/** A request as it is sent. */
export type Asked = Readonly<{ method: string; address: string; headers: Readonly<Record<string, string>>; body: string | null }>;

const ID = '0c9d5a52-6f0e-4b3e-8a67-2f1d5e7b9c34';

/** Near misses of ids, times, ranges, cursors and numbers, things engines choke on, and things that are too much. */
const ODDITIES: readonly unknown[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e\ufeff\uffff',
  '💥'.repeat(2_000),
  'x'.repeat(70_000),
  "'; drop table connections; --",
  '../../../etc/passwd',
  '..',
  '%00',
  '{{7*7}}',
  ID.slice(1),
  ID.toUpperCase(),
  `${ID}\n`,
  '2026-03-01/2026-04-01',
  '2026-02-30/2026-03-01',
  '2026-03-01/2026-02-01',
  '2026-03-01T25:00:00Z/P1D',
  '0000-00-00/9999-99-99',
  '+275760-09-13/+275760-09-14',
  '1900-01-01/2100-01-01',
  'Europe/Atlantis',
  'http://',
  'file:///etc/passwd',
  '-1',
  '0x10',
  '1e400',
  '99999999999999999999.1.1',
  Number.MAX_SAFE_INTEGER + 2,
  -1,
  0.1,
  1e308,
  null,
  true,
  [],
  {},
  [[[[[[]]]]]],
  Array.from({ length: 5_000 }, (_, index) => index),
  { constructor: { prototype: { polluted: true } } },
];

const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue() },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 6, arbitrary: fc.constantFrom(...ODDITIES) },
);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What can stand in an address: whole characters, and not more of them than a server reads. */
const inAddress = (value: unknown, length: number): string =>
  textOf(value)
    .slice(0, length)
    .replace(/\p{Surrogate}/gu, '\ufffd');

/** What HTTP lets a header hold. */
const headerText = junk.map((value) =>
  textOf(value)
    .slice(0, 300)
    .replace(/[^\x20-\x7e\xa0-\xff]/g, '?')
    .trim(),
);

const resolved = ({ components }: ApiDocument, schema: Schema): Schema => {
  const { $ref } = schema;
  return typeof $ref === 'string' ? (components.schemas[$ref.replace('#/components/schemas/', '')] ?? {}) : schema;
};

/** Something a schema allows, as far as it is easily had: what it says of lengths, patterns and bounds is as often missed as met. */
const allowed = (document: ApiDocument, given: Schema): fc.Arbitrary<unknown> => {
  const schema = resolved(document, given) as Readonly<{
    type?: string;
    format?: string;
    example?: unknown;
    enum?: readonly unknown[];
    items?: Schema;
    properties?: Readonly<Record<string, Schema>>;
    required?: string[];
  }> &
    Readonly<Partial<Record<'anyOf' | 'oneOf' | 'allOf', readonly Schema[]>>>;
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => allowed(document, choice)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === 'object') {
    const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => [name, allowed(document, property)] as const);
    return fc.record(Object.fromEntries(properties), { requiredKeys: schema.required ?? [] });
  }
  if (schema.type === 'array') return fc.array(allowed(document, schema.items ?? {}), { maxLength: 3 });
  if (schema.type === 'integer' || schema.type === 'number') return fc.integer({ min: 1, max: 100 });
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.format === 'uuid') return fc.constant(ID);
  return fc.constantFrom(schema.example ?? 'ada', 'ada', 'ftp://nowhere/');
};

type Spoiling = Readonly<{ deeper: boolean; at: number; how: 'replace' | 'drop' | 'add'; by: unknown }>;

/** The same with one thing in it replaced, missing or too much, however deep. */
const spoiled = (value: unknown, spoiling: Spoiling): unknown => {
  if (typeof value !== 'object' || value === null) return spoiling.by;
  const entries = Object.entries(value);
  const at = spoiling.at % Math.max(1, entries.length);
  const [name, old] = (entries[at] ?? ['more', null]) as [string, unknown];
  const rest = entries.filter((_, index) => index !== at);
  const inside = spoiling.deeper && typeof old === 'object' && old !== null;
  const changed = {
    replace: [...rest, [name, inside ? spoiled(old, spoiling) : spoiling.by]],
    drop: inside ? [...rest, [name, spoiled(old, spoiling)]] : rest,
    add: inside ? [...rest, [name, spoiled(old, spoiling)]] : [...entries, [`${name}2`, spoiling.by]],
  }[spoiling.how] as [string, unknown][];
  return Array.isArray(value) ? changed.map(([, each]) => each) : Object.fromEntries(changed);
};

const spoiling: fc.Arbitrary<Spoiling> = fc.record({
  deeper: fc.boolean(),
  at: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'drop', 'add'),
  by: junk,
});

const NO_JSON = ['', '{', '[1,', 'null', '{"a":1}}', '['.repeat(50_000), '{"__proto__":{"polluted":true}}', `"${'x'.repeat(300_000)}"`];

const bodies = (document: ApiDocument, schema: Schema): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(allowed(document, schema), spoiling).map(([right, how]) => JSON.stringify(spoiled(right, how))) },
    { weight: 1, arbitrary: junk.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constantFrom(...NO_JSON) },
  );

/** Tokens that look right and are not: of another key, of none, changed, cut, in the wrong place. */
const brokenTokens = (token: string): fc.Arbitrary<string> => {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  const broken = [
    `Bearer ${head}.${claims}.${signature.slice(8)}${signature.slice(0, 8)}`,
    `Bearer ${head}.${Buffer.from('{"sub":"root"}').toString('base64url')}.${signature}`,
    `Bearer ${unsigned}.${claims}.`,
    `Bearer ${head}.${claims}`,
    `Basic ${token}`,
    `Bearer ${token} ${token}`,
    'Bearer',
    'Bearer ..',
  ];
  return fc.oneof(
    fc.constantFrom(...broken),
    headerText,
    headerText.map((text) => `Bearer ${text}`),
  );
};

const METHODS = ['PUT', 'PATCH', 'POST', 'DELETE', 'GET', 'HEAD'];
const TYPES = [
  'text/plain',
  'application/xml',
  'application/json; charset=utf-7',
  'multipart/form-data',
  'json',
  'application/json; charset=😀',
];
const MALFORMED = ['%', '%zz', '%00', '%c0%af', '%ff', '..%2f..'];
const SENT = ['if-match', 'idempotency-key', 'x-correlation-id', 'last-event-id', 'accept', 'content-encoding', 'traceparent'];

/** Once in so many times; else null. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const addresses = (document: ApiDocument, { path, operation: { parameters = [] } }: Route): fc.Arbitrary<string> => {
  const part = fc.oneof(
    { weight: 3, arbitrary: fc.constant(ID) },
    { weight: 3, arbitrary: junk.map((value) => encodeURIComponent(inAddress(value, 2_000)) || '_') },
    { weight: 1, arbitrary: fc.constantFrom(...MALFORMED) },
  );
  const inQuery = ({ name, schema = {} }: Parameter) =>
    fc
      .oneof(fc.constant([]), fc.array(fc.oneof(junk, allowed(document, schema)), { minLength: 1, maxLength: 2 }))
      .map((values) => values.map((value) => [name, inAddress(value, 5_000)]));
  const more = seldom(junk, 6).map((value) => (value === null ? [] : [[inAddress(value, 50), 'more']]));
  return fc
    .record({
      parts: fc.array(part, { minLength: 3, maxLength: 3 }),
      query: fc.tuple(...parameters.filter((each) => each.in === 'query').map(inQuery), more),
    })
    .map(({ parts, query }) => {
      const left = parts.values();
      const search = new URLSearchParams(query.flat() as [string, string][]).toString();
      return `${path.replace(/\{[^}]+\}/g, () => String(left.next().value))}${search === '' ? '' : `?${search}`}`;
    });
};

/** Requests to one route of which nearly each has something wrong in its address, method, headers, token or body. */
export const badRequests = (document: ApiDocument, route: Route, token: string): fc.Arbitrary<Asked> => {
  const schema = route.operation.requestBody?.content['application/json']?.schema;
  return fc
    .record({
      address: addresses(document, route),
      method: seldom(fc.constantFrom(...METHODS), 10),
      authorization: seldom(brokenTokens(token), 6),
      anonymous: fc.integer({ min: 0, max: 15 }),
      sent: fc.tuple(...SENT.map((name) => seldom(headerText, 8).map((value) => [name, value] as const))),
      type: seldom(fc.constantFrom(...TYPES), 8),
      body: schema === undefined ? seldom(junk.map(textOf), 3) : bodies(document, schema),
    })
    .map(({ address, method, authorization, anonymous, sent, type, body }) => {
      const asking = method ?? route.method;
      const sending = asking === 'GET' || asking === 'HEAD' ? null : body;
      const headers = {
        ...Object.fromEntries(sent.filter(([, value]) => value !== null)),
        ...(anonymous === 0 ? {} : { authorization: authorization ?? `Bearer ${token}` }),
        ...(sending === null ? {} : { 'content-type': (type ?? 'application/json').replace(/[^\x20-\x7e]/gu, '?') }),
      };
      return { method: asking, address, headers, body: sending };
    });
};
