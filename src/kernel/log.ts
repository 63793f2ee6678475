/** What a line says besides its message; values under names of personal or secret things are not printed. */
export type Fields = Readonly<Record<string, unknown>>;

/** The service's log. Messages are constant sentences: what varies goes into `fields`, and nothing personal into either. */
export type Log = Readonly<{
  debug: (message: string, fields?: Fields) => void;
  info: (message: string, fields?: Fields) => void;
  warn: (message: string, fields?: Fields) => void;
  /** Prints the error's name, code and stack frames, but not its message, which may quote data. */
  error: (message: string, error: unknown, fields?: Fields) => void;
}>;

/** DI token of the `Log`. */
export const LOG = Symbol('Log');
