import { z } from 'zod';

type Json = Readonly<Record<string, unknown>>;

/** One kind of message. `schema`: of the whole value, a CloudEvent with its `data`; `example`: a whole value, which it accepts. */
export type DocumentedMessage = Readonly<{ type: string; summary: string; schema: z.ZodType; example: unknown }>;

/** A topic that other services read (`public`) or write (`incoming`). `key`: what its messages are keyed by; `retention`: milliseconds, or that it is compacted. */
export type DocumentedTopic = Readonly<{
  topic: string;
  kind: 'public' | 'incoming';
  summary: string;
  key: string;
  partitions: number;
  retention: number | 'compacted';
  messages: readonly DocumentedMessage[];
}>;

/** Where the topics are, without anything secret; `brokers`: host and port. */
export type DocumentedBrokers = Readonly<{
  brokers: readonly string[];
  tls: boolean;
  sasl: 'plain' | 'scram-sha-256' | 'scram-sha-512' | null;
}>;

type Reference = Readonly<{ $ref: string }>;

/** A message as the document has it. */
export type AsyncApiMessage = Readonly<{
  name: string;
  title: string;
  summary: string;
  contentType: string;
  headers?: Json;
  payload: Json;
  bindings: Json;
  examples: readonly Readonly<{ name: string; headers?: Json; payload: Json }>[];
}>;

/** A topic as the document has it. */
export type AsyncApiChannel = Readonly<{
  address: string;
  summary: string;
  messages: Readonly<Record<string, Reference>>;
  bindings: Readonly<{ kafka: Readonly<{ partitions: number; topicConfiguration: Json; topic: string; bindingVersion: string }> }>;
}>;

/** AsyncAPI 3.0, as far as this service makes use of it. */
export type AsyncApiDocument = Readonly<{
  asyncapi: '3.0.0';
  info: Json;
  defaultContentType: string;
  servers?: Readonly<Record<string, Json>>;
  channels: Readonly<Record<string, AsyncApiChannel>>;
  operations: Readonly<Record<string, Readonly<{ action: 'send' | 'receive' } & Json>>>;
  components: Readonly<{ messages: Readonly<Record<string, AsyncApiMessage>>; securitySchemes?: Json }>;
}>;

const CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';
const BINDING_VERSION = '0.5.0';

/** What the document and each page made from it say before anything else. */
const DESCRIPTION =
  'What the calendar service tells other services on Apache Kafka, and what it is told there. Each value is a CloudEvent 1.0 in JSON (structured mode) with ' +
  'ids, times, states and codes, never with contents or names. Messages of one key keep their order. A message may be delivered more than once, always ' +
  'with the same id: remember the ids that you have handled, or make handling them twice harmless.';

const HEADERS: Json = {
  type: 'object',
  required: ['id', 'content-type'],
  properties: {
    id: { type: 'string', description: 'The id of the message, the same in each delivery.' },
    'content-type': { type: 'string', const: CONTENT_TYPE },
  },
};

/** Puts each named part of a schema where it is referred to: a reference from the root of a schema leads nowhere inside a document. Throws for one that refers to itself. */
const inlined = (node: unknown, parts: Json, within: readonly string[] = []): unknown => {
  if (Array.isArray(node)) return node.map((each) => inlined(each, parts, within));
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, ...rest } = node as Readonly<{ $ref?: unknown }> & Json;
  if (typeof $ref !== 'string')
    return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, inlined(value, parts, within)]));
  const name = $ref.replace(/^#[/]definitions[/]/, '');
  if (within.includes(name) || parts[name] === undefined)
    throw new Error(`A message's schema refers to ${$ref}, which cannot be put in its place.`);
  return { ...(inlined(parts[name], parts, [...within, name]) as Json), ...rest };
};

/** JSON Schema draft 7, which is what AsyncAPI's own schemas extend. A format says what zod's pattern beside it says again. */
const payloadOf = (schema: z.ZodType): Json => {
  const made = z.toJSONSchema(schema, {
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      delete jsonSchema.id;
      // Members that a newer version adds are allowed.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  const { $schema: _, definitions = {}, ...root } = made as Json & Readonly<{ definitions?: Json }>;
  return inlined(root, definitions) as Json;
};

/** What this service puts into headers; it asks others for none. */
const headersOf = (kind: DocumentedTopic['kind'], example: unknown) =>
  kind === 'incoming' ? null : { schema: HEADERS, example: { id: (example as Json)['id'], 'content-type': CONTENT_TYPE } };

const messageOf = ({ key, kind }: DocumentedTopic, { type, summary, schema, example }: DocumentedMessage): AsyncApiMessage => {
  const headers = headersOf(kind, example);
  return {
    name: type,
    title: type,
    summary,
    contentType: CONTENT_TYPE,
    ...(headers === null ? {} : { headers: headers.schema }),
    payload: payloadOf(schema),
    bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion: BINDING_VERSION } },
    examples: [{ name: 'example', ...(headers === null ? {} : { headers: headers.example }), payload: example as Json }],
  };
};

const channelOf = ({ topic, summary, partitions, retention, messages }: DocumentedTopic): AsyncApiChannel => ({
  address: topic,
  summary,
  messages: Object.fromEntries(messages.map(({ type }) => [type, { $ref: `#/components/messages/${type}` }])),
  bindings: {
    kafka: {
      topic,
      partitions,
      topicConfiguration:
        retention === 'compacted' ? { 'cleanup.policy': ['compact'] } : { 'cleanup.policy': ['delete'], 'retention.ms': retention },
      bindingVersion: BINDING_VERSION,
    },
  },
});

/** A public topic is sent by this service, an incoming one is received by it. */
const operationOf = ({ topic, kind, summary, messages }: DocumentedTopic) => ({
  action: kind === 'public' ? ('send' as const) : ('receive' as const),
  summary,
  channel: { $ref: `#/channels/${topic}` },
  messages: messages.map(({ type }) => ({ $ref: `#/channels/${topic}/messages/${type}` })),
});

const SASL = {
  plain: { type: 'plain', description: 'User name and password, over TLS.' },
  'scram-sha-256': { type: 'scramSha256', description: 'User name and password.' },
  'scram-sha-512': { type: 'scramSha512', description: 'User name and password.' },
} as const;

const serverOf = (host: string, { tls, sasl }: DocumentedBrokers): Json => ({
  host,
  protocol: tls ? 'kafka-secure' : 'kafka',
  ...(sasl === null ? {} : { security: [{ $ref: '#/components/securitySchemes/sasl' }] }),
});

/** The topics as AsyncAPI 3.0; `at`: null where the service is at no broker that others reach. Throws for a message whose schema refers to itself. */
export const asyncApiDocument = (topics: readonly DocumentedTopic[], at: DocumentedBrokers | null): AsyncApiDocument => ({
  asyncapi: '3.0.0',
  info: { title: 'Smart Calendar Integration: topics', version: '1', description: DESCRIPTION },
  defaultContentType: CONTENT_TYPE,
  ...(at === null ? {} : { servers: Object.fromEntries(at.brokers.map((host, index) => [`kafka-${index + 1}`, serverOf(host, at)])) }),
  channels: Object.fromEntries(topics.map((topic) => [topic.topic, channelOf(topic)])),
  operations: Object.fromEntries(
    topics.map((topic) => [`${topic.kind === 'public' ? 'send' : 'receive'}.${topic.topic}`, operationOf(topic)]),
  ),
  components: {
    messages: Object.fromEntries(topics.flatMap((topic) => topic.messages.map((each) => [each.type, messageOf(topic, each)]))),
    ...((at?.sasl ?? null) === null ? {} : { securitySchemes: { sasl: SASL[at?.sasl ?? 'plain'] } }),
  },
});
