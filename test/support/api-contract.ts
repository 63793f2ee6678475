import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

export type Schema = Readonly<Record<string, unknown>>;
type Response = Readonly<{ content?: Readonly<Record<string, Readonly<{ schema?: Schema }>>> }>;

export type Parameter = Readonly<{ name: string; in: 'path' | 'query' | 'header'; schema?: Schema }>;
export type Operation = Readonly<{
  parameters?: readonly Parameter[];
  requestBody?: Required<Response>;
  responses: Readonly<Record<string, Response>>;
}>;
/** An OpenAPI 3.0 document, as far as it says what is sent and answered. */
export type ApiDocument = Readonly<{
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: Readonly<{ schemas: Readonly<Record<string, Schema>> }>;
}>;

/** One operation of the document; `name` is `GET /v1/things/{id}`. */
export type Route = Readonly<{ name: string; method: string; path: string; operation: Operation }>;

/** An answer as the wire had it. */
export type WireAnswer = Readonly<{ status: number; contentType: string; text: string }>;

export const routesOf = ({ paths }: ApiDocument): readonly Route[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );

/** The operation that a request reaches (`address` may have a query); undefined when the document has none for it. */
export const routeAt = (routes: readonly Route[], method: string, address: string): Route | undefined => {
  const { pathname } = new URL(address, 'http://service');
  // Express answers HEAD by the handler of GET.
  const asked = method === 'HEAD' ? 'GET' : method;
  return routes.find((route) => route.method === asked && new RegExp(`^${route.path.replace(/\{[^}]+\}/g, '[^/]+')}/?$`).test(pathname));
};

/** OpenAPI 3.0 says with a boolean whether a bound is exclusive; JSON Schema since its sixth draft has the bound itself there. */
const BOUNDS = [
  ['exclusiveMinimum', 'minimum'],
  ['exclusiveMaximum', 'maximum'],
] as const;

const modern = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(modern);
  if (typeof schema !== 'object' || schema === null) return schema;
  const plain = new Map<string, unknown>(Object.entries(schema).map(([key, value]) => [key, modern(value)]));
  for (const [exclusive, bound] of BOUNDS) {
    const is = plain.get(exclusive);
    if (typeof is !== 'boolean') continue;
    plain.delete(exclusive);
    if (!is) continue;
    plain.set(exclusive, plain.get(bound));
    plain.delete(bound);
  }
  return Object.fromEntries(plain);
};

/** Says what is wrong with an answer by the document's own schema for it; null: nothing. */
export type Judge = (operation: Operation | undefined, answer: WireAnswer) => string | null;

const PROBLEM: Schema = { $ref: '#/components/schemas/Problem' };
const CODE = /^[a-z]+(-[a-z]+)*([.][a-z]+(-[a-z]+)*)?$/;

/** What the problem says of itself beyond its schema. */
const problemIn = ({ status, text }: WireAnswer): string | null => {
  const { code, status: said } = JSON.parse(text) as Readonly<{ code: string; status: number }>;
  return CODE.test(code) && said === status ? null : `it has the code ${code} and the status ${said}`;
};

/** Throws what ajv throws for a schema that is none. */
export const judgeBy = (document: ApiDocument): Judge => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(modern(document) as Schema, 'document');
  const compiled = new Map<string, ValidateFunction>();
  const validator = (schema: Schema): ValidateFunction => {
    const text = JSON.stringify(modern(schema)).replaceAll('"#/', '"document#/');
    const known = compiled.get(text) ?? ajv.compile(JSON.parse(text) as Schema);
    compiled.set(text, known);
    return known;
  };
  for (const name of Object.keys(document.components.schemas)) validator({ $ref: `#/components/schemas/${name}` });
  const misfit = (schema: Schema, text: string): string | null => {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return 'it is no JSON';
    }
    const validate = validator(schema);
    return validate(body) ? null : ajv.errorsText(validate.errors);
  };
  return (operation, answer) => {
    const isProblem = answer.contentType.startsWith('application/problem+json');
    // At an address or with a method the document does not know, nothing but a problem can be right.
    if (operation === undefined) return isProblem ? (misfit(PROBLEM, answer.text) ?? problemIn(answer)) : 'it should be a problem';
    const { content = {} } = operation.responses[answer.status] ?? operation.responses['default'] ?? {};
    const known = isProblem ? { ...operation.responses['default']?.content, ...content } : content;
    const type = Object.keys(known).find((each) => answer.contentType.startsWith(each));
    if (type === undefined) return answer.text === '' && Object.keys(known).length === 0 ? null : `${answer.contentType} is not documented`;
    const { schema } = known[type] ?? {};
    const wrong = type.endsWith('json') ? misfit(schema ?? {}, answer.text) : null;
    return wrong ?? (isProblem ? problemIn(answer) : null);
  };
};
