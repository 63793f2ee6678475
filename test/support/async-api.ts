import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { type AsyncApiDocument } from '../../src/infra/http/asyncapi.document.js';

const require = createRequire(import.meta.url);
const schemaFile = require.resolve('@asyncapi/specs/schemas/3.0.0.json');

/** The file brings the schema of JSON Schema itself. */
const judge = (): Ajv => {
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats.default(ajv);
  return ajv;
};

const isAsyncApi = judge().compile(JSON.parse(readFileSync(schemaFile, 'utf8')) as object);

const said = (name: string, errors: readonly Readonly<{ instancePath: string; message?: string | undefined }>[]): readonly string[] =>
  errors.map(({ instancePath, message = '' }) => `${name}${instancePath} ${message}`);

/** What is wrong with a document by AsyncAPI's own JSON Schema of its version 3.0, and with each example by the schema of its message. */
export const faultsOf = (document: AsyncApiDocument): readonly string[] => {
  const faults = isAsyncApi(document) ? [] : said('', isAsyncApi.errors ?? []);
  const ajv = judge();
  const wrongExamples = Object.values(document.components.messages).flatMap(({ name, headers, payload, examples }) =>
    examples.flatMap((example) =>
      (
        [
          [headers ?? {}, example.headers ?? {}],
          [payload, example.payload],
        ] as const
      ).flatMap(([schema, value]) => (ajv.validate(schema, value) ? [] : said(name, ajv.errors ?? []))),
    ),
  );
  return [...faults, ...wrongExamples];
};
