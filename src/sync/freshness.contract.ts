import { z } from 'zod';
import { EXAMPLE, Instant } from '../infra/http/contract.zod.js';

/** Of the calendar that the examples of the document are about. */
export const FRESH = {
  calendarId: EXAMPLE.calendarId,
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
  .meta({ id: 'Freshness', example: FRESH });
