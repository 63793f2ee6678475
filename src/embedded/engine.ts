/** An engine that runs beside the service on one machine; it is supervised until `stop` has resolved. */
export type Engine = Readonly<{ stop: () => Promise<void> }>;

/** Takes one line for people; it never holds personal data. */
export type Log = (message: string) => void;

/** The `code` of a system error. Not by `instanceof`: Node's own errors belong to another realm than a test's. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
