import { join, resolve } from 'node:path';
import { type AuthSettings, type HttpSettings } from '../infra/http/http.settings.js';
import { type KafkaSettings } from '../infra/kafka/kafka-settings.js';
import { isLoopback } from '../kernel/loopback.js';
import { type ManualPauses } from '../sync/manual-sync.js';
import { APPLE_CLIENT, apple } from './apple.config.js';
import { GOOGLE_URLS, google } from './google.config.js';
import { type AppleSettings } from '../provider/apple/apple-settings.js';
import { kafka, kafkaInProduction, kafkaRules } from './kafka.config.js';
import { MICROSOFT_URLS, microsoft } from './microsoft.config.js';
import { type GoogleSettings } from '../provider/google/google-settings.js';
import { type MicrosoftSettings } from '../provider/microsoft/microsoft-settings.js';
import { type LOG_LEVELS, type Role, ROLES, type Settings, type Variable, variables } from './variables.config.js';

/** The environment as a process has it: text or nothing. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the 32-byte master key is: given, or in a file of base64, which is made on first start when `create`. */
export type MasterKeySource = Readonly<{ from: 'value'; key: Uint8Array }> | Readonly<{ from: 'file'; path: string; create: boolean }>;

/** Everything that can be set from outside, checked and with its defaults. */
export type Config = Readonly<{
  production: boolean;
  roles: ReadonlySet<Role>;
  logLevel: (typeof LOG_LEVELS)[number];
  http: HttpSettings;
  /** null starts the embedded PostgreSQL. */
  databaseUrl: string | null;
  /** null starts the embedded event store. */
  eventStoreUrl: string | null;
  /** Absolute path of what the embedded engines and the made keys live in. */
  dataDir: string;
  masterKey: MasterKeySource;
  /** The master key before, while `npm run keys:rotate` has not come to its end. */
  masterKeyPrevious: Uint8Array | null;
  auth: AuthSettings;
  /** `sandbox` starts made-up accounts on this machine beside the real providers. */
  providers: 'sandbox' | 'live';
  caldav: Readonly<{
    appleUrl: string;
    /** Lets CalDAV servers have private and loopback addresses. */
    allowPrivate: boolean;
  }>;
  /** null: Google is not configured; where made-up accounts are offered, the sandbox plays it. */
  google: GoogleSettings | null;
  /** The client of Sign in with Apple; null: it is not configured; where made-up accounts are offered, the sandbox plays it. */
  apple: AppleSettings | null;
  /** null: Microsoft is not configured, as with Google. */
  microsoft: MicrosoftSettings | null;
  /** null: topics are kept by the broker of this machine, in Postgres. */
  kafka: KafkaSettings | null;
  manualPauses: ManualPauses;
  /** Milliseconds within which every calendar is read again by itself. */
  pollWithin: number;
  /** The most objects of one calendar that are listed; a calendar with more is not read. */
  mostListed: number;
}>;

/** The environment is wrong. The message names every mistake, and what to set instead; it quotes no value that could be a secret. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
  constructor(readonly mistakes: readonly string[]) {
    const count = mistakes.length === 1 ? '1 setting is wrong' : `${mistakes.length} settings are wrong`;
    super([`The service cannot start: ${count}.`, ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'));
  }
}

/** Reads and checks the whole environment at once; throws `Misconfigured`. */
export const readConfig = (environment: Environment = process.env): Config => {
  const { settings, mistakes } = parse(environment);
  mistakes.push(...contradictions(environment, settings));
  if (mistakes.length > 0) throw new Misconfigured(mistakes);
  return build(settings);
};

/** What the event store needs when it runs alone (`npm run eventstore`). */
export type EventStoreConfig = Readonly<{
  /** null starts the embedded PostgreSQL. */
  databaseUrl: string | null;
  dataDir: string;
  /** null keeps the port of last time, at first any free one. */
  port: number | null;
}>;

/** Reads the few settings of the event store alone, and ignores all others; throws `Misconfigured`. */
export const readEventStoreConfig = ({ DATABASE_URL, DATA_DIR, EVENTSTORE_PORT }: Environment = process.env): EventStoreConfig => {
  const { settings, mistakes } = parse({ DATABASE_URL, DATA_DIR, EVENTSTORE_PORT });
  if (mistakes.length > 0) throw new Misconfigured(mistakes);
  return {
    databaseUrl: settings.DATABASE_URL ?? null,
    dataDir: resolve(settings.DATA_DIR ?? '.data'),
    port: settings.EVENTSTORE_PORT ?? null,
  };
};

// Compose files and shells pass an unset variable on as an empty one.
const given = (environment: Environment, name: Variable): string | undefined => environment[name]?.trim() || undefined;

const parse = (environment: Environment): { settings: Settings; mistakes: string[] } => {
  const settings: Partial<Record<Variable, unknown>> = {};
  const mistakes: string[] = [];
  for (const name of Object.keys(variables) as Variable[]) {
    const text = given(environment, name);
    if (text === undefined) continue;
    const { success, data, error } = variables[name].safeParse(text);
    if (success) settings[name] = data;
    else mistakes.push(...new Set(error.issues.map(({ message }) => `${name} ${message}.`)));
  }
  return { settings: settings as Settings, mistakes };
};

/** What no variable shows alone. A variable that is already wrong by itself counts as set, so that it is named once. */
const contradictions = (environment: Environment, settings: Settings): string[] => {
  const has = (name: Variable) => given(environment, name) !== undefined;
  const rules: readonly (readonly [broken: boolean, mistake: string])[] = [
    [has('TLS_CERT') !== has('TLS_KEY'), `${has('TLS_CERT') ? 'TLS_KEY' : 'TLS_CERT'} is missing: TLS_CERT and TLS_KEY go together.`],
    [has('MASTER_KEY') && has('MASTER_KEY_FILE'), 'MASTER_KEY and MASTER_KEY_FILE are both set: set one.'],
    [
      has('MASTER_KEY') && given(environment, 'MASTER_KEY') === given(environment, 'MASTER_KEY_PREVIOUS'),
      'MASTER_KEY and MASTER_KEY_PREVIOUS are the same key: set MASTER_KEY to the new one.',
    ],
    [
      settings.AUTH_MODE === 'jwks' && !has('AUTH_JWKS_URL'),
      'AUTH_JWKS_URL is missing: AUTH_MODE=jwks verifies tokens with the keys found there.',
    ],
    [settings.AUTH_MODE === 'dev' && has('AUTH_JWKS_URL'), 'AUTH_MODE=dev and AUTH_JWKS_URL contradict each other: set one.'],
    ...['AUTH_ISSUER', 'AUTH_AUDIENCE'].map(
      (name) =>
        [
          has('AUTH_JWKS_URL') && !has(name as Variable),
          `${name} is missing: with AUTH_JWKS_URL, set it to what the tokens carry, so that tokens of others are refused.`,
        ] as const,
    ),
    [
      has('OPERATIONS_PORT') && settings.OPERATIONS_PORT !== 0 && settings.OPERATIONS_PORT === (settings.PORT ?? 3000),
      'OPERATIONS_PORT must be another port than PORT; leave it unset to serve health and metrics at PORT.',
    ],
    ...VENDORS.map(
      (vendor) => [has(`${vendor}_CLIENT_ID`) !== has(`${vendor}_CLIENT_SECRET`), halfAClient(vendor, has(`${vendor}_CLIENT_ID`))] as const,
    ),
    ...togetherForApple(has),
    ...kafkaRules(has, settings),
    ...splitRoles(has, settings),
    [
      settings.PROVIDERS === 'sandbox' && !playsAll(settings),
      'PROVIDERS=sandbox lives inside one process, where the others do not find it: remove it, or set ROLE=all.',
    ],
    ...(settings.NODE_ENV === 'production' ? production(has, settings) : []),
  ];
  return rules.filter(([broken]) => broken).map(([, mistake]) => mistake);
};

type Rules = readonly (readonly [broken: boolean, mistake: string])[];

const togetherForApple = (has: (name: Variable) => boolean): Rules => {
  const missing = APPLE_CLIENT.filter((name) => !has(name));
  if (missing.length === 0 || missing.length === APPLE_CLIENT.length) return [];
  return missing.map((name) => [true, `${name} is missing: ${APPLE_CLIENT.join(', ')} go together.`]);
};

const splitRoles = (has: (name: Variable) => boolean, { ROLE }: Settings): Rules => {
  if (playsAll({ ROLE })) return [];
  const missing = (['DATABASE_URL', 'EVENTSTORE_URL'] as const).filter((name) => !has(name));
  return missing.map((name) => [
    true,
    `${name} is missing: processes with different roles share their engines, and an embedded one belongs to its own process; set it (\`npm run eventstore\` prints it), or ROLE=all.`,
  ]);
};

/** Services whose clients the operator registers; the variables of a client begin with one of these. */
const VENDORS = ['GOOGLE', 'MICROSOFT'] as const;

/** Services that send people back from pages of their own. */
const NAMES = { GOOGLE: 'Google', MICROSOFT: 'Microsoft', APPLE: 'Apple' } as const;

const vendorsOf = (has: (name: Variable) => boolean) => ([...VENDORS, 'APPLE'] as const).filter((vendor) => has(`${vendor}_CLIENT_ID`));

const halfAClient = (vendor: (typeof VENDORS)[number], hasId: boolean): string =>
  `${vendor}_CLIENT_${hasId ? 'SECRET' : 'ID'} is missing: ${vendor}_CLIENT_ID and ${vendor}_CLIENT_SECRET go together.`;

/** Addresses to which people and secrets go. */
const PLAIN_NEVER = ['AUTH_JWKS_URL', 'APPLE_CALDAV_URL', 'APPLE_ID_URL', ...GOOGLE_URLS, ...MICROSOFT_URLS, 'PUBLIC_URL'] as const;

const production = (has: (name: Variable) => boolean, settings: Settings): Rules => [
  [settings.PROVIDERS === 'sandbox', 'PROVIDERS=sandbox offers accounts that do not exist and is refused in production: remove it.'],
  [settings.AUTH_MODE === 'dev', 'AUTH_MODE=dev lets anybody be anyone and is refused in production: remove it and set AUTH_JWKS_URL.'],
  [
    !has('AUTH_JWKS_URL') && settings.AUTH_MODE === undefined,
    "AUTH_JWKS_URL is missing: set it to the address of the identity provider's keys.",
  ],
  [
    !has('TLS_CERT') &&
      !has('TLS_KEY') &&
      (settings.TRUST_PROXY ?? null) === null &&
      !(has('TRUST_PROXY') && settings.TRUST_PROXY === undefined),
    'TLS_CERT and TLS_KEY are missing: set them, or TRUST_PROXY when TLS ends at a proxy before the service.',
  ],
  [
    !has('MASTER_KEY') && !has('MASTER_KEY_FILE'),
    'MASTER_KEY is missing: set it to 32 bytes in base64 (`openssl rand -base64 32`), or MASTER_KEY_FILE to a file that holds them.',
  ],
  [
    vendorsOf(has).length > 0 && !has('PUBLIC_URL'),
    `PUBLIC_URL is missing: ${vendorsOf(has)
      .map((vendor) => NAMES[vendor])
      .join(' and ')} sends people back to it; set it to where they reach the service.`,
  ],
  ...PLAIN_NEVER.filter((name) => name !== 'PUBLIC_URL' || vendorsOf(has).length > 0).map(
    (name) => [isPlain(settings[name]), `${name} must start with https:// in production.`] as const,
  ),
  [
    isRemote(settings.DATABASE_URL) && !/[?&]sslmode=(require|verify-ca|verify-full)\b/.test(settings.DATABASE_URL ?? ''),
    'DATABASE_URL must end in ?sslmode=verify-full (or verify-ca, require) in production: the server is not on this machine.',
  ],
  [
    isRemote(settings.EVENTSTORE_URL) && /[?&]tls=false\b/i.test(settings.EVENTSTORE_URL ?? ''),
    'EVENTSTORE_URL must not say tls=false in production: the server is not on this machine.',
  ],
  ...kafkaInProduction(settings),
];

const isPlain = (address: string | undefined): boolean => isRemote(address) && address?.startsWith('http:') === true;

const isRemote = (address: string | undefined): boolean =>
  address !== undefined &&
  address
    .replace(/^[^:]+:\/\/([^/?]*@)?/, '')
    .replace(/[/?].*$/, '')
    .split(',')
    // No host at all is a socket on this machine.
    .some((host) => host !== '' && !isLoopback(host.replace(/:\d+$/, '')));

/** Whether this process plays every role there is. */
const playsAll = ({ ROLE }: Settings): boolean => ROLE === undefined || ROLES.every((role) => ROLE.has(role));

const build = (settings: Settings): Config => {
  const isProduction = settings.NODE_ENV === 'production';
  const dataDir = resolve(settings.DATA_DIR ?? '.data');
  return {
    production: isProduction,
    roles: settings.ROLE ?? new Set(ROLES),
    logLevel: settings.LOG_LEVEL ?? 'info',
    http: {
      // Outside production anyone who reaches the service can mint a token.
      host: settings.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
      port: settings.PORT ?? 3000,
      operationsPort: settings.OPERATIONS_PORT ?? null,
      publicUrl: settings.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
      corsOrigins: settings.CORS_ORIGINS ?? [],
      tls: settings.TLS_CERT === undefined || settings.TLS_KEY === undefined ? null : { cert: settings.TLS_CERT, key: settings.TLS_KEY },
      trustProxy: settings.TRUST_PROXY ?? null,
      rateLimits: { person: settings.RATE_LIMIT ?? 1_200, anonymous: settings.RATE_LIMIT_ANONYMOUS ?? 120 },
    },
    databaseUrl: settings.DATABASE_URL ?? null,
    eventStoreUrl: settings.EVENTSTORE_URL ?? null,
    dataDir,
    masterKey: masterKey(settings, dataDir),
    masterKeyPrevious: settings.MASTER_KEY_PREVIOUS ?? null,
    auth: auth(settings),
    providers: settings.PROVIDERS ?? (isProduction || !playsAll(settings) ? 'live' : 'sandbox'),
    caldav: { appleUrl: settings.APPLE_CALDAV_URL ?? 'https://caldav.icloud.com', allowPrivate: settings.CALDAV_ALLOW_PRIVATE ?? false },
    google: google(settings),
    apple: apple(settings),
    microsoft: microsoft(settings),
    kafka: kafka(settings),
    manualPauses: { sync: (settings.MANUAL_SYNC_SECONDS ?? 60) * 1_000, full: (settings.FULL_SYNC_SECONDS ?? 3_600) * 1_000 },
    pollWithin: (settings.POLL_SECONDS ?? 120) * 1_000,
    mostListed: settings.MOST_LISTED ?? 100_000,
  };
};

const masterKey = ({ MASTER_KEY, MASTER_KEY_FILE }: Settings, dataDir: string): MasterKeySource => {
  if (MASTER_KEY !== undefined) return { from: 'value', key: MASTER_KEY };
  if (MASTER_KEY_FILE !== undefined) return { from: 'file', path: MASTER_KEY_FILE, create: false };
  return { from: 'file', path: join(dataDir, 'master.key'), create: true };
};

const auth = ({ AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE }: Settings): AuthSettings =>
  AUTH_JWKS_URL === undefined || AUTH_ISSUER === undefined || AUTH_AUDIENCE === undefined
    ? { mode: 'dev' }
    : { mode: 'jwks', jwksUrl: AUTH_JWKS_URL, issuer: AUTH_ISSUER, audience: AUTH_AUDIENCE };
