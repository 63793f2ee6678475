import { type RequestListener } from 'node:http';
import { type ExceptionFilter, type INestApplication, Module } from '@nestjs/common';
import * as swagger from '@nestjs/swagger';
import { type OpenAPIObject } from '@nestjs/swagger';
import { type Log } from '../../kernel/log.js';
import { expressApp } from './express.app.js';
import { decorate } from './openapi.decorators.js';

const { DocumentBuilder, SwaggerModule } = swagger;

const problem = {
  description: 'Refused or failed; `code` says why, and never changes its meaning.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const Problem = {
  type: 'object',
  description: 'RFC 9457.',
  example: {
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'range.invalid',
    detail: 'The range must end after it starts.',
    instance: '/v1/calendar/events',
    traceId: '9b2f6d3a-51c7-4e0e-8a52-6d1f0f8f7b44',
  },
  required: ['type', 'title', 'status', 'code', 'detail', 'traceId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; what programs switch on.' },
    detail: { type: 'string', description: 'A sentence for people.' },
    instance: { type: 'string', description: 'The path that was asked for.' },
    traceId: { type: 'string', format: 'uuid', description: 'What the logs know this request by.' },
    errors: {
      type: 'array',
      items: { type: 'object', required: ['path', 'message'], properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  // In quotes, as the draft has it, or without.
  schema: { type: 'string', pattern: '^("[!-~]{1,255}"|[!#-~][!-~]{0,254})$' },
  description: 'A key of your own, good for a day: the same request sent again is answered again and done no second time.',
};

/**
 * `{ nullable, allOf: [{ $ref }] }` is how zod's `.nullable()` of a named schema arrives here, and allows no null: OpenAPI 3.0.3 gives `nullable`
 * a meaning beside `type` only, and what is referred to does not allow it. Changed in place.
 */
const mendNullable = (node: unknown): void => {
  if (typeof node !== 'object' || node === null) return;
  Object.values(node).forEach(mendNullable);
  const schema = node as { nullable?: unknown; type?: unknown; allOf?: unknown; anyOf?: unknown };
  if (schema.nullable !== true || schema.type !== undefined || !Array.isArray(schema.allOf)) return;
  schema.anyOf = [...(schema.allOf as unknown[]), { type: 'object', nullable: true, enum: [null] }];
  delete schema.nullable;
  delete schema.allOf;
};

/** What the decorators cannot say: every route may answer a problem, no header has to be sent, and a POST may be repeated under a key. */
const complete = (operation: OperationObject | undefined): void => {
  if (operation === undefined) return;
  operation.responses['default'] = problem;
  // A route that refuses by a page is refused before it is asked, too.
  const byPage = operation.responses['400'];
  if (byPage !== undefined && 'content' in byPage) byPage.content = { ...byPage.content, ...problem.content };
  for (const parameter of operation.parameters ?? []) if ('in' in parameter && parameter.in === 'header') parameter.required = false;
};

/** `operations`: whether operators ask at the API's own address. */
export type Served = Readonly<{ publicUrl: string | null; operations: boolean }>;

/** Where the routes of operators are. */
const OPERATIONS = /^[/](?:health|metrics)\b/;

/** The API as OpenAPI 3.0, made from the controllers and their zod schemas. */
export const openApiDocument = (app: INestApplication, { publicUrl, operations }: Served): OpenAPIObject => {
  decorate(swagger);
  const builder = new DocumentBuilder()
    .setTitle('Smart Calendar Integration')
    .setDescription(
      'Links people’s calendars as one merged, truthful calendar. Times are RFC 3339; failures are application/problem+json with a stable `code`. ' +
        'Authorize with a bearer token; where `/v1/dev/token` is offered, it makes one. What other services are told, and tell, by Kafka: [topics](/docs/topics).',
    )
    .setVersion('1')
    .addBearerAuth()
    .addSecurityRequirements('bearer');
  if (publicUrl !== null) builder.addServer(publicUrl);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    operationIdFactory: (controller, method) => `${method}${controller.replace(/Controller$/, '')}`,
    autoTagControllers: false,
  });
  for (const path of Object.values(document.paths)) {
    for (const method of METHODS) complete(path[method]);
    // Public routes know no person whose key it could be.
    if (path.post !== undefined && path.post.security === undefined)
      path.post.parameters = [...(path.post.parameters ?? []), idempotencyKey];
  }
  if (!operations) document.paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => !OPERATIONS.test(path)));
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem } };
  mendNullable(document.components.schemas);
  return document;
};

@Module({})
class Pages {}

/** Answers `/openapi.json`, and `/docs`, a page to try it; nothing is loaded from elsewhere. `problems` answers what is at neither. */
export const documentPages = async (document: OpenAPIObject, log: Log, problems: ExceptionFilter): Promise<RequestListener> => {
  const pages = await expressApp(Pages, log);
  SwaggerModule.setup('docs', pages, document, {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    swaggerOptions: { validatorUrl: 'none', persistAuthorization: true, displayRequestDuration: true, defaultModelsExpandDepth: 0 },
  });
  pages.useGlobalFilters(problems);
  await pages.init();
  return pages.getHttpAdapter().getInstance() as RequestListener;
};

/** Which methods the documented routes answer at a path. */
export const documentedMethods = ({ paths }: OpenAPIObject): ((path: string) => readonly string[]) => {
  const routes = Object.entries(paths).map(([template, path]) => ({
    pattern: new RegExp(`^${template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}/?$`),
    methods: METHODS.filter((method) => path[method] !== undefined).map((method) => method.toUpperCase()),
  }));
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))];
};
