/** One connection's view of Postgres: parameterised SQL in, rows out, `EngineAway` while it is out of reach. Inside `transaction` all statements commit or none. */
export type Sql = Readonly<{
  query: <Row = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
}>;

export type Database = Sql &
  Readonly<{
    transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
    /**
     * Calls back with the payload of every `NOTIFY channel`, and with null after each connection, since hints sent before it are lost. Answers
     * the way to stop.
     */
    listen: (channel: string, onHint: (payload: string | null) => void) => () => Promise<void>;
  }>;

/** DI token of the `Database`. */
export const DATABASE = Symbol('Database');

const NAME = /(?<![:\w]):([a-z]\w*)/gi;

/**
 * A statement whose values are named (`:userId`), with its values in the order in which Postgres numbers them: for statements of more than five,
 * which numbers would mix up. Throws when a name has no value, or a value no place.
 */
export const named = (text: string, values: Readonly<Record<string, unknown>>): readonly [text: string, values: readonly unknown[]] => {
  const names: string[] = [];
  const numbered = text.replace(NAME, (_, name: string) => {
    if (!Object.hasOwn(values, name)) throw new Error(`the statement names ${name}, which has no value`);
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  const unused = Object.keys(values).filter((name) => !names.includes(name));
  if (unused.length > 0) throw new Error(`the statement has no place for ${unused.join(', ')}`);
  return [numbered, names.map((name) => values[name])];
};
