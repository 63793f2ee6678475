import { z } from 'zod';
import { type TopicContract } from './cloud-event.contract.js';

type JsonSchema = Record<string, unknown>;

/**
 * JSON Schema as others read it. The pattern zod adds to a format is its own reading of it, and changes with its versions. Members that a newer version
 * adds are allowed, so that a consumer with an older file accepts them.
 */
const openSchema = (schema: z.ZodType): JsonSchema => {
  const written = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  delete written.$schema;
  return written;
};

/** The contract of a topic as JSON Schema 2020-12: a message is one of the types, each with an example. */
export const publishedSchema = ({ topic, summary, messages }: TopicContract): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: topic,
  description: summary,
  oneOf: messages.map(({ type, summary: description, schema, example }) => ({
    title: type,
    description,
    ...openSchema(schema),
    examples: [example],
  })),
});
