import { z } from 'zod';
import { PROVIDER_NAMES } from '../provider/names.js';
import { codecOf } from '../infra/codec.zod.js';
import { type EventFamily } from '../kernel/event-store.js';
import { type ConnectionEvent } from './connection.js';

const at = z.iso.datetime();
const userId = z.string();
const provider = z.enum(PROVIDER_NAMES);
const found = z.strictObject({
  calendarId: z.uuid(),
  writable: z.boolean(),
  busyOnly: z.boolean(),
  color: z.string().nullable(),
  timeZone: z.string().nullable(),
  sealed: z.string(),
});

const grantRevokedV1 = z.strictObject({ userId, how: z.enum(['revoked', 'manual']), at });
const failingV1 = z.strictObject({ userId, fault: z.string(), needsReconnect: z.boolean(), at });
const reauthorizedV1 = z.strictObject({ userId, at });

export const connectionSchemas = {
  'CalendarConnected.v1': z.strictObject({
    userId,
    provider,
    access: z.enum(['read', 'write']),
    consent: z.strictObject({ textVersion: z.string(), givenAt: at }),
    account: z.string(),
    sealed: z.string(),
    at,
  }),
  'ConnectionReauthorized.v1': reauthorizedV1,
  'ConnectionReauthorized.v2': z.strictObject({ userId, account: z.string().nullable(), at }),
  'AccessGranted.v1': z.strictObject({ userId, access: z.enum(['read', 'write']), at }),
  'CalendarsDiscovered.v1': z.strictObject({ userId, provider, calendars: z.array(found), at }),
  'ConnectionFailing.v1': failingV1,
  'ConnectionFailing.v2': failingV1.extend({ hours: z.int().positive().nullable(), notice: z.boolean() }),
  'ConnectionRecovered.v1': z.strictObject({ userId, at }),
  'ConnectionRevoked.v1': z.strictObject({ userId, provider, at }),
  'GrantRevoked.v1': grantRevokedV1,
  'GrantRevoked.v2': z.strictObject({ userId, how: z.enum(['revoked', 'manual', 'shared']), at }),
  'ConnectionPurged.v1': z.strictObject({ userId, at }),
};

export const connectionCodec = codecOf<ConnectionEvent, { ConnectionReauthorized: 2; ConnectionFailing: 2; GrantRevoked: 2 }>(
  connectionSchemas,
  {
    'ConnectionReauthorized.v1': (stored: z.output<typeof reauthorizedV1>) => ({ ...stored, account: null }),
    // Each was told.
    'ConnectionFailing.v1': (stored: z.output<typeof failingV1>) => ({ ...stored, hours: null, notice: true }),
    'GrantRevoked.v1': (stored: z.output<typeof grantRevokedV1>) => stored,
  },
);

export const connectionFamily: EventFamily<ConnectionEvent> = { category: 'connection', codec: connectionCodec };
