import { createPrivateKey } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';

/** The roles this program can play; `all` plays every one of them. */
export const ROLES = ['api', 'projector', 'sync', 'relay'] as const;
export type Role = (typeof ROLES)[number];

/** Names the design reserves for roles this version does not have. */
const ROLES_TO_COME = ['write-back', 'reminder'];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;

const items = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Every failure of a schema reads "must …": it is shown after the variable's name. */
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const address = (schemes: readonly string[], example: string) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol), {
    error: `must be an address like ${example}`,
  });

const web = address(['https:', 'http:'], 'https://example.com/path');

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), {
  error: 'must list origins such as https://app.example.com, separated by commas, without path or *',
});

/** Nothing but an origin: what follows it is the service's own. */
const root = web.refine((text) => !URL.canParse(text) || new URL(text).href === `${new URL(text).origin}/`, {
  error: 'must be an address without a path, like https://example.com',
});

const readableFile = z.string().refine(
  (path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  },
  { error: 'must be the path of a file this process can read' },
);

/** The text of a file that holds the key of Sign in with Apple, as Apple gives it out (`.p8`: PKCS #8 in PEM, P-256). */
const applesKey = z.string().transform((path, context): string => {
  try {
    const text = readFileSync(path, 'utf8');
    if (createPrivateKey(text).asymmetricKeyDetails?.namedCurve === 'prime256v1') return text;
  } catch {
    // Said below, like a key of another kind.
  }
  context.addIssue('must be the path of the .p8 file that Apple gave out for Sign in with Apple, which this process can read');
  return z.NEVER;
});

const seconds = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `must be a whole number of seconds from ${least} to ${most}`,
    })
    .transform(Number);

const count = (most: number) =>
  z
    .string()
    .refine((text) => /^\d{1,7}$/.test(text) && Number(text) <= most, { error: `must be a whole number from 0 to ${most}; 0 is no limit` })
    .transform(Number);

const flag = oneOf(['true', 'false']).transform((text) => text === 'true');

const key = z
  .string()
  .refine((text) => /^[A-Za-z0-9+/]{43}=$/.test(text), { error: 'must be 32 bytes in base64; `openssl rand -base64 32` makes one' })
  .transform((text): Uint8Array => new Uint8Array(Buffer.from(text, 'base64')));

const roles = z.string().transform((text, context): ReadonlySet<Role> => {
  const named = items(text);
  const toCome = named.filter((name) => ROLES_TO_COME.includes(name));
  const unknown = named.filter((name) => name !== 'all' && !ROLES.includes(name as Role) && !ROLES_TO_COME.includes(name));
  if (toCome.length > 0) context.addIssue(`must leave out ${toCome.join(', ')}: this version does not have that role yet`);
  if (unknown.length > 0 || named.length === 0 || (named.includes('all') && named.length > 1))
    context.addIssue(`must be all, or some of ${ROLES.join(', ')} separated by commas`);
  return new Set(named.includes('all') ? ROLES : (named as Role[]));
});

/** Hops to count from the right of X-Forwarded-For, or the proxies' own addresses and subnets; null trusts no proxy. */
const proxies = z.string().transform((text, context): number | readonly string[] | null => {
  if (text === 'false') return null;
  if (text === 'true') return 1;
  if (/^[1-9]$/.test(text)) return Number(text);
  const named = items(text);
  const isAddress = (item: string) => item === 'loopback' || isIP(item.replace(/\/\d{1,3}$/, '')) !== 0;
  if (!named.every(isAddress) || named.length === 0)
    context.addIssue('must be how many proxies stand before the service (1), or their addresses, or false');
  return named;
});

const port = z
  .string()
  .regex(/^\d{1,5}$/, { error: 'must be a port from 0 to 65535' })
  .transform(Number)
  .refine((number) => number <= 65_535, { error: 'must be a port from 0 to 65535' });

const brokers = z
  .string()
  .transform(items)
  .refine((named) => named.length > 0 && named.every((each) => /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/.test(each)), {
    error: 'must list brokers as host:port, separated by commas',
  });

/** One schema per variable; each is given the text of a variable that is set and not empty. */
export const variables = {
  NODE_ENV: oneOf(['production', 'development', 'test']),
  ROLE: roles,
  PORT: port,
  OPERATIONS_PORT: port,
  HOST: z.string().regex(/^[A-Za-z0-9.:-]+$/, { error: 'must be a host name or an address to listen on' }),
  PUBLIC_URL: web,
  CORS_ORIGINS: z.string().transform(items).pipe(z.array(origin)),
  LOG_LEVEL: oneOf(LOG_LEVELS),
  TLS_CERT: readableFile,
  TLS_KEY: readableFile,
  TRUST_PROXY: proxies,
  RATE_LIMIT: count(1_000_000),
  RATE_LIMIT_ANONYMOUS: count(1_000_000),
  DATABASE_URL: address(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database'),
  // A cluster's address lists several hosts, which is no URL.
  EVENTSTORE_URL: z.string().regex(/^esdb(\+discover)?:\/\/[^\s/?]+\/?(\?\S*)?$/, { error: 'must be an address like esdb://host:2113' }),
  EVENTSTORE_PORT: port,
  DATA_DIR: z.string(),
  MASTER_KEY: key,
  MASTER_KEY_FILE: readableFile,
  MASTER_KEY_PREVIOUS: key,
  AUTH_MODE: oneOf(['dev', 'jwks']),
  AUTH_JWKS_URL: web,
  AUTH_ISSUER: z.string(),
  AUTH_AUDIENCE: z.string(),
  PROVIDERS: oneOf(['sandbox', 'live']),
  APPLE_CALDAV_URL: web,
  APPLE_ID_URL: web,
  APPLE_CLIENT_ID: z.string(),
  APPLE_TEAM_ID: z.string(),
  APPLE_KEY_ID: z.string(),
  APPLE_PRIVATE_KEY_FILE: applesKey,
  CALDAV_ALLOW_PRIVATE: flag,
  GOOGLE_CLIENT_ID: z.string(),
  GOOGLE_CLIENT_SECRET: z.string(),
  GOOGLE_AUTH_URL: web,
  GOOGLE_TOKEN_URL: web,
  GOOGLE_REVOKE_URL: web,
  GOOGLE_API_URL: web,
  MICROSOFT_CLIENT_ID: z.string(),
  MICROSOFT_CLIENT_SECRET: z.string(),
  MICROSOFT_TENANT: z
    .string()
    .regex(/^[A-Za-z0-9.-]+$/, { error: 'must be common, organizations, consumers, or the id or domain of a tenant' }),
  MICROSOFT_LOGIN_URL: root.transform((text) => new URL(text).origin),
  MICROSOFT_GRAPH_URL: root.transform((text) => new URL(text).origin),
  MANUAL_SYNC_SECONDS: seconds(0, 3_600),
  FULL_SYNC_SECONDS: seconds(0, 86_400),
  // A reading is fresh for a quarter of an hour at least; more would make a calendar stale between two readings.
  POLL_SECONDS: seconds(10, 900),
  MOST_LISTED: z
    .string()
    .refine((text) => /^\d{1,7}$/.test(text) && Number(text) >= 1_000 && Number(text) <= 1_000_000, {
      error: 'must be a whole number from 1000 to 1000000',
    })
    .transform(Number),
  KAFKA_BROKERS: brokers,
  KAFKA_SSL: flag,
  KAFKA_SSL_CA: readableFile,
  KAFKA_SASL_MECHANISM: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']),
  KAFKA_SASL_USERNAME: z.string(),
  KAFKA_SASL_PASSWORD: z.string(),
} as const;

export type Variable = keyof typeof variables;

/** What the variables say; one that is unset or wrong is undefined. */
export type Settings = { readonly [V in Variable]?: z.output<(typeof variables)[V]> | undefined };
