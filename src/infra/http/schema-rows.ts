type Schema = Readonly<Record<string, unknown>>;

/** A member of an object as a table shows it; `name`: with the names of what it lies in, `event.start`. `type`: words. */
export type MemberRow = Readonly<{ name: string; type: string; optional: boolean; meaning: string }>;

const FORMATS: Readonly<Record<string, string>> = { uuid: 'UUID', 'date-time': 'time, RFC 3339', date: 'day', uri: 'address' };
const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'null',
  object: 'object',
  array: 'list',
};

const alternatives = (schema: Schema): readonly Schema[] => (schema['anyOf'] ?? schema['oneOf'] ?? []) as readonly Schema[];

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1) ?? ''}`;

/** What a value may be, in words. */
const wordsOf = (schema: Schema): string => {
  const { type, format, items } = schema;
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return listed(schema['enum'].map((each) => JSON.stringify(each)));
  const parts = alternatives(schema);
  if (parts.length > 0) return listed([...new Set(parts.map(wordsOf))]);
  if (type === 'array') return `list of: ${wordsOf((items ?? {}) as Schema)}`;
  if (Array.isArray(type)) return listed(type.map((each) => WORDS[String(each)] ?? String(each)));
  return FORMATS[String(format)] ?? WORDS[String(type)] ?? 'anything';
};

/** The object that a schema allows, also beside null or as what a list holds; null when it allows none. */
const objectIn = (schema: Schema): Readonly<{ object: Schema; mark: string }> | null => {
  if (schema['properties'] !== undefined) return { object: schema, mark: '' };
  if (schema['type'] === 'array') {
    const within = objectIn((schema['items'] ?? {}) as Schema);
    return within === null ? null : { object: within.object, mark: `[]${within.mark}` };
  }
  const objects = alternatives(schema).filter((each) => each['properties'] !== undefined);
  const [object] = objects;
  return object === undefined || objects.length > 1 ? null : { object, mark: '' };
};

/** The members that a JSON Schema of an object names, each followed by its own members. A schema of several objects gives those of each, in turn. */
export const memberRows = (schema: Schema, within = ''): readonly MemberRow[] => {
  const objects = alternatives(schema).filter((each) => each['properties'] !== undefined);
  if (schema['properties'] === undefined && objects.length > 1) return objects.flatMap((each) => memberRows(each, within));
  const required = new Set((schema['required'] ?? []) as readonly string[]);
  return Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Schema>>).flatMap(([name, member]) => {
    const found = objectIn(member);
    const row = {
      name: within + name,
      type: wordsOf(member),
      optional: !required.has(name),
      meaning: typeof member['description'] === 'string' ? member['description'] : '',
    };
    return [row, ...(found === null ? [] : memberRows(found.object, `${within}${name}${found.mark}.`))];
  });
};
