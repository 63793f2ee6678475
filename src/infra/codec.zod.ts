import { type z } from 'zod';
import { type Message } from '../kernel/decider.js';
import { type Codec } from '../kernel/event-store.js';

/** A schema for each event of a family, by its permanent stored name: `{ 'WriteToggled.v1': z.strictObject({ … }) }`. */
export type Schemas<E extends Message> = {
  readonly [T in E['type'] as `${T}.v1`]: z.ZodType<Omit<Extract<E, { type: T }>, 'type'>>;
};

/** A codec that validates what it reads; what it writes is checked by the compiler. */
export const codecOf = <E extends Message>(schemas: Schemas<E>): Codec<E> => {
  const byName = new Map<string, z.ZodType>(Object.entries(schemas));
  return {
    reads: [...byName.keys()],
    encode: ({ type, ...data }) => ({ type: `${type}.v1`, data }),
    decode: (type, data) => {
      const schema = byName.get(type);
      if (schema === undefined) throw new Error(`no codec reads ${type}`);
      const parsed = schema.safeParse(data);
      // The issues' paths only: zod's messages may quote what was stored.
      if (!parsed.success)
        throw new Error(`${type} does not match its schema at ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
      return { type: type.slice(0, type.lastIndexOf('.')), ...(parsed.data as object) } as unknown as E;
    },
  };
};

/** Reads several families at once, for a projection that follows more than one kind of stream. */
export const anyOf = <E extends Message>(...codecs: readonly Pick<Codec<E>, 'reads' | 'decode'>[]): Codec<E> => {
  const readers = new Map(codecs.flatMap((codec) => codec.reads.map((name) => [name, codec] as const)));
  return {
    reads: [...readers.keys()],
    encode: (event) => {
      throw new Error(`${event.type}: a combined codec only reads`);
    },
    decode: (type, data) => {
      const codec = readers.get(type);
      if (codec === undefined) throw new Error(`no codec reads ${type}`);
      return codec.decode(type, data);
    },
  };
};
