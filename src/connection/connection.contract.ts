import { z } from 'zod';
import { EXAMPLE, Instant } from '../infra/http/contract.zod.js';
import { PROVIDER_NAMES, type ProviderName as Name } from '../provider/names.js';
import { ProviderName } from '../provider/provider.contract.js';
import { entryOf } from '../provider/registry.js';
import { FRESH, FreshnessView } from '../sync/freshness.contract.js';

/** RFC 7617 section 2: no control characters; and whole characters only, since half of one is sent as another. */
const sendable = (length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .refine((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text), { error: 'must not hold control characters or halves of characters' })
    .meta({
      description: 'Without control characters.',
      pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]+$',
    });

const Credentials = z
  .strictObject({
    username: sendable(320),
    password: sendable(1024),
    serverUrl: z.string().min(1).max(2048).optional().meta({ description: 'Address of the CalDAV server; iCloud needs none.' }),
  })
  .meta({ id: 'Credentials' });

/** Where a person is sent back to. */
export const ReturnTo = z.string().max(2048).meta({
  description:
    'Where the person is sent back to: an address of PUBLIC_URL or of an origin in CORS_ORIGINS. Without it they see a page of this service.',
  example: 'https://app.example.com/calendars',
});

/** The kinds of accounts of this release that are connected in a way, for the API's document. */
const connectedBy = (by: 'oauth' | 'password', server?: 'named'): readonly Name[] =>
  PROVIDER_NAMES.filter((provider) => {
    const { isReleased, connect } = entryOf(provider);
    return isReleased && connect.by === by && (server === undefined || ('server' in connect && connect.server === server));
  });

const named = (providers: readonly Name[]): string => providers.map((provider) => `\`${provider}\``).join(' and ');
const [BY_PASSWORD, BY_OAUTH] = [named(connectedBy('password')), named(connectedBy('oauth'))];

export const NewConnection = z
  .strictObject({
    provider: z.enum(ProviderName.options).meta({ enum: PROVIDER_NAMES.filter((provider) => entryOf(provider).isReleased) }),
    consent: z
      .boolean()
      .optional()
      .meta({ enum: [true], description: 'The person agrees that their calendars are read and kept, encrypted, until they revoke it.' }),
    access: z.enum(['read', 'write']).default('read'),
    returnTo: ReturnTo.optional(),
    credentials: Credentials.optional(),
  })
  .meta({
    id: 'NewConnection',
    description: `With \`credentials\` for ${BY_PASSWORD}, which name the server of a ${named(connectedBy('password', 'named'))} account; without for ${BY_OAUTH}, where the person is sent to the address that is answered.`,
    required: ['provider', 'consent'],
    example: {
      provider: 'caldav',
      consent: true,
      credentials: { serverUrl: 'https://dav.example.com', username: 'ada', password: 'a password' },
    },
  });

export const Reconnection = z.strictObject({ credentials: Credentials.optional(), returnTo: ReturnTo.optional() }).meta({
  id: 'Reconnection',
  description: `New \`credentials\` for ${BY_PASSWORD}. Without, for ${BY_OAUTH}, the person is sent to the address that is answered.`,
  example: { credentials: { username: 'ada', password: 'new app-specific password' } },
});

const ConnectedCalendar = z
  .strictObject({
    calendarId: z.uuid(),
    name: z.string(),
    color: z.string().nullable(),
    mode: z.enum(['read_only', 'write']),
    writable: z.boolean(),
    adopted: z.boolean(),
    sync: FreshnessView.nullable(),
  })
  .meta({ id: 'ConnectedCalendar' });

const connection = {
  connectionId: EXAMPLE.connectionId,
  provider: 'caldav',
  account: 'ada',
  status: 'connected',
  code: null,
  reason: null,
  nextStep: null,
  noticeAt: null,
  access: 'read',
  consent: { textVersion: '2026-01', givenAt: '2026-02-27T16:20:00.000Z' },
  connectedAt: '2026-02-27T16:20:01.482Z',
  revokedAt: null,
  calendars: [
    {
      calendarId: EXAMPLE.calendarId,
      name: 'Work',
      color: '#1f6feb',
      mode: 'read_only',
      writable: true,
      adopted: true,
      sync: FRESH,
    },
  ],
} as const;

export const ConnectionView = z
  .strictObject({
    connectionId: z.uuid(),
    provider: ProviderName,
    account: z.string().nullable(),
    status: z.enum(['pending', 'connected', 'syncing', 'failing', 'needs_reconnect', 'revoked']).meta({
      description:
        '`pending`: its person is at the pages of the calendar service, has to confirm that they were, or has signed in there and has to give the password (`code` tells which).',
    }),
    code: z.string().nullable().meta({ description: 'Stable code of what is wrong; of the account, else of one of its calendars.' }),
    reason: z.string().nullable().meta({ description: 'The same in plain words.' }),
    nextStep: z.string().nullable().meta({ description: 'What its owner can do about it, in plain words.' }),
    noticeAt: Instant.nullable().meta({
      description:
        'When its owner was last to be told by a message that something is wrong; that an organisation asks for a new sign-in is told once a week at most.',
    }),
    access: z.enum(['read', 'write']),
    consent: z.strictObject({ textVersion: z.string(), givenAt: Instant }),
    connectedAt: Instant.nullable().meta({ description: 'null while it is pending.' }),
    revokedAt: Instant.nullable(),
    calendars: z.array(ConnectedCalendar),
  })
  .meta({ id: 'Connection', example: connection });
export type ConnectionView = z.output<typeof ConnectionView>;

const redirect = {
  connectionId: EXAMPLE.connectionId,
  authorizationUrl: 'https://accounts.google.com/o/oauth2/v2/auth?client_id=…',
} as const;

/** Where the person is to be sent, for accounts that are connected through pages of their own. */
export const Redirect = z
  .strictObject({
    connectionId: z.uuid(),
    authorizationUrl: z.string().meta({ description: 'Navigate the person’s browser here within ten minutes.' }),
  })
  .meta({ id: 'Redirect', example: redirect });
export type Redirect = z.output<typeof Redirect>;

export const ConnectionOrRedirect = z.union([ConnectionView, Redirect]).meta({ id: 'ConnectionOrRedirect', example: connection });

export const Confirmation = z
  .strictObject({ code: z.string().max(64).optional() })
  .optional()
  .meta({ id: 'Confirmation', example: { code: '9f2c-01ab-77de' } });

export const PasswordGiven = z.strictObject({ username: sendable(320), password: sendable(1024) }).meta({
  id: 'PasswordGiven',
  example: { username: 'ada@icloud.example', password: 'xxxx-xxxx-xxxx-xxxx' },
});

export const ConnectionList = z
  .strictObject({ items: z.array(ConnectionView), nextCursor: z.string().nullable() })
  .meta({ id: 'ConnectionList', example: { items: [connection], nextCursor: null } });

export const ProviderView = z
  .strictObject({
    provider: ProviderName,
    name: z.string(),
    color: z.enum(['blue', 'red', 'grey']),
    connect: z.enum(['oauth', 'credentials']),
    signIn: z
      .boolean()
      .meta({ description: 'Without credentials the person signs in at the service first, and gives the password after that.' }),
    available: z.boolean(),
    help: z.string(),
  })
  .meta({
    id: 'ProviderInfo',
    example: {
      provider: 'caldav',
      name: 'CalDAV',
      color: 'grey',
      connect: 'credentials',
      signIn: false,
      available: true,
      help: 'Send the address of the server, and the user name and password you use there.',
    },
  });
