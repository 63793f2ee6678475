import { z } from 'zod';
import { PROVIDER_NAMES } from '../../provider/names.js';

/** An instant as this API writes it: RFC 3339 in UTC. */
export const Instant = z.iso.datetime({ offset: true });

export const ProviderName = z.enum(PROVIDER_NAMES).meta({ id: 'Provider' });

export const ModeName = z.enum(['read_only', 'write']).meta({ id: 'Mode', description: 'Whether Juy may write to the calendar.' });

export const PrivacyName = z
  .enum(['full', 'title_hidden', 'busy_only'])
  .meta({ id: 'Privacy', description: 'What others may be told of the events of a calendar; its owner always sees everything.' });

/** Shapes that the document tells and a route checks by itself, with words of its own; each is what JSON Schema calls a pattern. */
const DAY = '([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?(Z|[+ -]([01][0-9]|2[0-3]):[0-5][0-9])';
const MOMENT = `${DAY}(T${TIME})?`;
const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** ISO 8601 interval, as `rangeOf` reads it. */
export const RangeText = z
  .string()
  .max(100)
  .meta({
    description:
      'ISO 8601 interval `start/end` of two days there are, or times with their offset; it ends after it starts and spans at most 400 days.',
    example: '2026-03-01/2026-04-01',
    pattern: `^${MOMENT}/${MOMENT}$`,
  });

/** Where a page of events ended, as `readCursor` reads it. */
export const EventCursorText = z
  .string()
  .max(300)
  .meta({
    description: '`nextCursor` of the page before.',
    pattern: `^${DAY}%20([01][0-9]|2[0-3])%3A[0-5][0-9]%3A[0-5][0-9]([.][0-9]{1,6})?%2B00~${UUID}~[A-Za-z0-9_-]{1,64}~([0-9TZ.-]|%3A){0,40}(_[A-Za-z0-9_-]{1,64})?$`,
  });

/** How far somebody has read the changes, as `readChangeCursor` reads it. */
export const ChangeCursorText = z.string().max(100).meta({ pattern: '^[0-9]{1,18}[.]([0-9]{1,9}|1[0-9]{9}|2147483647)[.][0-9]{1,15}$' });

/** A time of day, as `minuteOf` reads it. */
export const TimeOfDay = z.string().meta({ pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$', example: '09:00' });

export const StatusName = z.enum(['confirmed', 'tentative', 'cancelled']);

export const BusyName = z.enum(['busy', 'tentative', 'needs-action', 'free']);

/** The connection and the calendar that the examples of the document are about. */
export const EXAMPLE = {
  connectionId: '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10',
  calendarId: '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b',
  eventId: 'Qm9vay1rZWVwaW5nLTAx',
  fresh: {
    calendarId: '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b',
    state: 'fresh',
    lastSuccessAt: '2026-03-01T08:15:02.311Z',
    lastAttemptAt: '2026-03-01T08:15:02.311Z',
    window: { start: '2026-01-30T08:15:00.000Z', end: '2027-03-15T00:00:00.000Z' },
    seriesWithin: null,
    unreadable: 1,
    problems: [{ code: 'object.bad-time', count: 1, reason: '1 event has a time that no clock shows.' }],
    code: null,
    reason: null,
    nextStep: null,
    nextAttemptAt: null,
  },
} as const;

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
    seriesWithin: z.strictObject({ start: Instant, end: Instant }).nullable().meta({
      description: 'Series that repeat more often than can be shown are shown within it only; null when all are shown whole.',
    }),
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
  .meta({ id: 'Freshness', example: EXAMPLE.fresh });
