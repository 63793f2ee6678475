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
