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
    problems: z
      .array(z.strictObject({ code: z.string(), count: z.int().positive(), reason: z.string() }))
      .meta({ description: 'The same by kind: what is wrong with them, as a stable code and in plain words.' }),
    code: z.string().nullable().meta({ description: 'Stable code of what is wrong with the calendar as a whole.' }),
    reason: z.string().nullable().meta({ description: 'The same in plain words.' }),
    nextStep: z.string().nullable().meta({ description: 'What its owner can do about it, in plain words.' }),
    nextAttemptAt: Instant.nullable().meta({
      description: 'When it is tried again by itself; null when nothing is wrong or only its owner can help.',
    }),
  })
  .meta({ id: 'Freshness' });
