import { z } from 'zod';

/** An instant as this API writes it: RFC 3339 in UTC. */
export const Instant = z.iso.datetime({ offset: true });

export const ProviderName = z.enum(['google', 'microsoft', 'apple', 'caldav']).meta({ id: 'Provider' });

export const ModeName = z.enum(['read_only', 'write']).meta({ id: 'Mode', description: 'Whether Juy may write to the calendar.' });

export const PrivacyName = z
  .enum(['full', 'title_hidden', 'busy_only'])
  .meta({ id: 'Privacy', description: 'What others may be told of the events of a calendar; its owner always sees everything.' });

/** How far what is shown of a calendar can be trusted. */
export const FreshnessView = z
  .strictObject({
    calendarId: z.uuid(),
    state: z.enum(['syncing', 'fresh', 'stale', 'failing', 'needs_reconnect']),
    lastSuccessAt: Instant.nullable(),
    lastAttemptAt: Instant.nullable(),
    window: z
      .strictObject({ start: Instant, end: Instant })
      .nullable()
      .meta({ description: 'Outside it nothing is known of this calendar.' }),
    unreadable: z.int().nonnegative().meta({ description: 'Objects of the calendar that could not be read; they hide no other.' }),
    reason: z.string().nullable(),
  })
  .meta({ id: 'Freshness' });
