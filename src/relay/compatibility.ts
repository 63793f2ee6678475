type JsonSchema = Readonly<Record<string, unknown>>;

/** Members of a schema that say something to people and nothing about what is valid. */
const WORDS = new Set(['title', 'description', 'examples', 'default', '$schema']);

const isObject = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);

const objectIn = (schema: JsonSchema, name: string): JsonSchema => {
  const member = schema[name];
  return isObject(member) ? member : {};
};

const namesIn = (schema: JsonSchema): ReadonlySet<unknown> => new Set(Array.isArray(schema['required']) ? schema['required'] : []);

/** Everything about an object's schema but its members, in an order of its own. */
const restOf = (schema: JsonSchema): string =>
  JSON.stringify(
    Object.entries(schema)
      .filter(([name]) => !WORDS.has(name) && name !== 'properties' && name !== 'required')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, withoutWords(value)]),
  );

const withoutWords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !WORDS.has(name));
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, withoutWords(inner)]));
};

/** What of one schema no longer holds in another, by the paths of members. */
const breaksOfSchema = (older: JsonSchema, newer: JsonSchema, path: string): readonly string[] => {
  const [before, after] = [objectIn(older, 'properties'), objectIn(newer, 'properties')];
  const [neededBefore, neededAfter] = [namesIn(older), namesIn(newer)];
  const breaks = restOf(older) === restOf(newer) ? [] : [`${path} means something else`];
  for (const [name, schema] of Object.entries(before)) {
    const found = after[name];
    const at = `${path}.${name}`;
    if (!isObject(found) || !isObject(schema)) breaks.push(`${at} is gone`);
    else breaks.push(...breaksOfSchema(schema, found, at));
    if (neededBefore.has(name) && !neededAfter.has(name)) breaks.push(`${at} may be missing`);
  }
  for (const name of Object.keys(after))
    if (neededAfter.has(name) && !neededBefore.has(name)) breaks.push(`${path}.${name} is demanded, which older messages lack`);
  return breaks;
};

const typesOf = (contract: JsonSchema): ReadonlyMap<string, JsonSchema> => {
  const listed = Array.isArray(contract['oneOf']) ? contract['oneOf'].filter(isObject) : [];
  return new Map(listed.map((schema) => [String(schema['title']), schema]));
};

/**
 * What a newer contract of a topic breaks of an older one, as sentences; none when it may follow it: it adds types of messages, members that may be
 * missing, and words. `older`, `newer`: as `publishedSchema` makes them.
 */
export const breaksOf = (older: JsonSchema, newer: JsonSchema): readonly string[] => {
  const after = typesOf(newer);
  return [...typesOf(older)].flatMap(([type, schema]) => {
    const found = after.get(type);
    return found === undefined ? [`${type} is gone`] : breaksOfSchema(schema, found, type);
  });
};

/** Whether a consumer of the older contract can read messages of the newer one, and a consumer of the newer one those of the older. */
export const isCompatible = (older: JsonSchema, newer: JsonSchema): boolean => breaksOf(older, newer).length === 0;
