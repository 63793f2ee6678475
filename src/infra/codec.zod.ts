import { type z } from 'zod';
import { type Message } from '../kernel/decider.js';
import { type Codec } from '../kernel/event-store.js';

/** The newest version of those events that have more than one, by their type; every other event is at its first. */
type Versions = Readonly<Record<string, number>>;

/**
 * A schema for each event of a family, by its permanent stored name: `{ 'WriteToggled.v1': z.strictObject({ … }) }`. The newest version of an
 * event is what is written, and has its shape; older ones stay beside it.
 */
export type Schemas<E extends Message, V extends Versions | null = null> = {
  readonly [T in E['type'] as `${T}.v${V extends Readonly<Record<T, infer N extends number>> ? N : 1}`]: z.ZodType<
    Omit<Extract<E, { type: T }>, 'type'>
  >;
};

/** For each stored name that is no longer written, what brings the data stored under it to the shape of the newest version. */
export type Lifts<E extends Message> = {
  readonly [T in E['type'] as `${T}.v${number}`]?: (stored: never) => Omit<Extract<E, { type: T }>, 'type'>;
};

const typeOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));
const versionOf = (name: string): number => Number(name.slice(name.lastIndexOf('.v') + 2));

/** The name each event is written under. */
const newestOf = (names: readonly string[]): ReadonlyMap<string, string> => {
  const newest = new Map<string, string>();
  for (const name of [...names].sort((a, b) => versionOf(a) - versionOf(b))) newest.set(typeOf(name), name);
  return newest;
};

/** A codec that validates what it reads, of any version, and brings it to the newest; what it writes is checked by the compiler. */
export const codecOf = <E extends Message, V extends Versions | null = null>(schemas: Schemas<E, V>, lifts: Lifts<E> = {}): Codec<E> => {
  const byName = new Map<string, z.ZodType>(Object.entries(schemas));
  const newest = newestOf([...byName.keys()]);
  const liftOf = new Map(Object.entries(lifts) as [string, (stored: unknown) => object][]);
  for (const name of byName.keys())
    if (liftOf.has(name) === (newest.get(typeOf(name)) === name)) throw new Error(`${name} must be the newest version or be lifted to it`);
  return {
    reads: [...byName.keys()],
    encode: ({ type, ...data }) => ({ type: newest.get(type) ?? `${type}.v1`, data }),
    decode: (name, data) => {
      const schema = byName.get(name);
      if (schema === undefined) throw new Error(`no codec reads ${name}`);
      const parsed = schema.safeParse(data);
      // The issues' paths only: zod's messages may quote what was stored.
      if (!parsed.success)
        throw new Error(`${name} does not match its schema at ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
      const newestData = liftOf.get(name)?.(parsed.data) ?? (parsed.data as object);
      return { type: typeOf(name), ...newestData } as unknown as E;
    },
  };
};
