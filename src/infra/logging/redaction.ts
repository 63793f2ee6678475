/** Names of fields whose values are secret or personal, lower case without `-` and `_`. */
const HIDDEN = new Set(
  [
    'authorization cookie setcookie password passwd token accesstoken refreshtoken idtoken secret clientsecret credentials apikey',
    'masterkey privatekey key title summary location description attendees organizer participants notes email emails mail username',
    'accountname displayname name firstname lastname fullname phone serverurl href url remoteid clear sealed body query ip address',
  ].flatMap((line) => line.split(' ')),
);

const DEEPEST = 6;

/** A copy of a value that may be printed: hidden fields say so, errors say what `describeError` tells, nothing is deeper than six levels. */
export const redacted = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value);
  if (depth === DEEPEST) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, isHidden(name) ? '[redacted]' : redacted(field, depth + 1)] as const),
  );
};

const isHidden = (name: string): boolean => HIDDEN.has(name.replace(/[-_]/g, '').toLowerCase());

/** Errors made by this service, whose messages are written to hold no data. */
const OWN = new Set(['Refused', 'InvalidRequest', 'WrongRevision', 'Contended', 'ProviderFault', 'KeyDestroyed', 'Misconfigured']);

/** What a driver's error may say about the place of a fault besides its message (Postgres: which constraint of which table). */
const PLACES = ['code', 'errno', 'syscall', 'constraint', 'table', 'column', 'schema', 'status', 'statusCode'] as const;

/** What an error is, without anything it quotes: its name, or that of its class where it has none of its own, as Postgres' have not. */
export const kindOf = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error;
  return error.name === 'Error' || error.name === 'error' ? error.constructor.name : error.name;
};

export type DescribedError = Readonly<Record<string, unknown>>;

/**
 * An error without its message: those of drivers and parsers quote the values they failed on (Postgres' `detail`, `JSON.parse`, zod). Name,
 * codes and stack frames tell where to look.
 */
export const describeError = (error: unknown, depth = 0): DescribedError => {
  if (!(error instanceof Error)) return { type: kindOf(error) };
  const fields = error as Error & Readonly<Record<string, unknown>>;
  const places = PLACES.filter((name) => ['string', 'number'].includes(typeof fields[name])).map((name) => [name, fields[name]] as const);
  return {
    type: kindOf(error),
    ...(OWN.has(error.name) ? { message: error.message } : {}),
    ...Object.fromEntries(places),
    stack: stackFrames(error.stack ?? ''),
    ...(error.cause === undefined || depth === 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
};

/** The frames of a stack, without the message above them. */
export const stackFrames = (stack: string): readonly string[] =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .map((line) => line.trim());
