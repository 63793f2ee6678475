import { z } from 'zod';
import { SOURCE } from './told.js';

/** The envelope of every message the service publishes: CloudEvents 1.0, structured mode, JSON. Consumers leave members alone that they do not know. */
export const cloudEvent = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  z.strictObject({
    specversion: z.literal('1.0'),
    id: z.guid().describe('The same whenever the message is delivered or published again; also the header `id`.'),
    source: z.literal(SOURCE),
    type: z.literal(type),
    subject: z.string().describe('What the message is about: the key of the message.'),
    time: z.iso.datetime().describe('When it happened. RFC 3339, UTC.'),
    datacontenttype: z.literal('application/json'),
    data,
  });

/** A type of message of a topic. `schema` is that of the whole value, which accepts `example`. */
export type MessageContract = Readonly<{ type: string; summary: string; schema: z.ZodType; example: unknown }>;

/** What a topic holds. */
export type TopicContract = Readonly<{ topic: string; summary: string; messages: readonly MessageContract[] }>;

/** A schema for the data of each type of message, which the compiler holds against what is published. */
export type DataSchemas<Messages> = {
  readonly [N in keyof Messages]: Readonly<{ summary: string; data: z.ZodType<Messages[N]>; example: Messages[N] }>;
};

/** The message types of a topic. `typeOf`: CloudEvents' type of a name. `keyOf`: the key, which is the subject. */
export const messagesOf = <Messages extends object>(
  schemas: DataSchemas<Messages>,
  typeOf: (name: string & keyof Messages) => string,
  keyOf: (data: Messages[keyof Messages]) => string,
): readonly MessageContract[] =>
  (Object.keys(schemas) as (string & keyof Messages)[]).map((name) => {
    const { summary, data, example } = schemas[name];
    const type = typeOf(name);
    const envelope = { specversion: '1.0', id: 'b3f1c3a2-6a0e-8d5b-9c4e-1f2a3b4c5d6e', source: SOURCE, type, subject: keyOf(example) };
    return {
      ...{ type, summary },
      schema: cloudEvent(type, data),
      example: { ...envelope, time: '2026-03-01T08:15:02.311Z', datacontenttype: 'application/json', data: example },
    };
  });
