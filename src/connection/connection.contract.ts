import { z } from 'zod';
import { EXAMPLE, Instant } from '../infra/http/contract.zod.js';
import { ProviderName } from '../provider/provider.contract.js';
import { FRESH, FreshnessView } from '../sync/freshness.contract.js';
import { PROVIDER_LIST } from './providers.js';

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

export const NewConnection = z
  .strictObject({
    provider: z
      .enum(ProviderName.options)
      .meta({ enum: PROVIDER_LIST.flatMap(({ provider, available }) => (available ? [provider] : [])) }),
    consent: z
      .boolean()
      .optional()
      .meta({ enum: [true], description: 'The person agrees that their calendars are read and kept, encrypted, until they revoke it.' }),
    access: z.enum(['read', 'write']).default('read'),
    returnTo: z.url().max(2048).optional(),
    credentials: Credentials.optional(),
  })
  .meta({
    id: 'NewConnection',
    description: 'Of a `caldav` account the credentials name the server.',
    required: ['provider', 'consent', 'credentials'],
    example: PROVIDER_LIST.find(({ provider }) => provider === 'caldav'),
  });

export const NewCredentials = z.strictObject({ credentials: Credentials }).meta({
  id: 'NewCredentials',
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
    status: z.enum(['connected', 'syncing', 'failing', 'needs_reconnect', 'revoked']),
    code: z.string().nullable().meta({ description: 'Stable code of what is wrong; of the account, else of one of its calendars.' }),
    reason: z.string().nullable().meta({ description: 'The same in plain words.' }),
    nextStep: z.string().nullable().meta({ description: 'What its owner can do about it, in plain words.' }),
    access: z.enum(['read', 'write']),
    consent: z.strictObject({ textVersion: z.string(), givenAt: Instant }),
    connectedAt: Instant,
    revokedAt: Instant.nullable(),
    calendars: z.array(ConnectedCalendar),
  })
  .meta({ id: 'Connection', example: connection });
export type ConnectionView = z.output<typeof ConnectionView>;

export const ConnectionList = z
  .strictObject({ items: z.array(ConnectionView), nextCursor: z.string().nullable() })
  .meta({ id: 'ConnectionList', example: { items: [connection], nextCursor: null } });

export const ProviderView = z
  .strictObject({
    provider: ProviderName,
    name: z.string(),
    color: z.enum(['blue', 'red', 'grey']),
    connect: z.enum(['oauth', 'credentials']),
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
      available: true,
      help: 'Send the address of the server, and the user name and password you use there.',
    },
  });
