import { z } from 'zod';
import { FreshnessView, ProviderName } from '../infra/http/contract.zod.js';

const PersonView = z.strictObject({ name: z.string().nullable(), email: z.string().nullable() });

export const EventView = z
  .strictObject({
    id: z.string(),
    calendarId: z.uuid(),
    provider: ProviderName,
    title: z.string().nullable(),
    start: z.string().meta({ description: 'RFC 3339 instant in UTC; of an all-day event its first day, a full-date.' }),
    end: z.string().meta({ description: 'RFC 3339 instant in UTC; of an all-day event the day after its last. Exclusive.' }),
    allDay: z.boolean(),
    timeZone: z
      .string()
      .nullable()
      .meta({ description: 'The zone it was written in; for all-day and floating events the one they were placed in.' }),
    floating: z.boolean().meta({ description: 'It was written without a zone: the time zone is an assumption.' }),
    location: z.string().nullable(),
    description: z.string().nullable(),
    organizer: PersonView.nullable(),
    attendees: z.array(PersonView.extend({ response: z.enum(['accepted', 'declined', 'tentative', 'needs-action']), self: z.boolean() })),
    status: z.enum(['confirmed', 'tentative', 'cancelled']),
    busy: z.enum(['busy', 'tentative', 'needs-action', 'free']),
    private: z.boolean(),
    seriesId: z.string().nullable(),
    copies: z
      .array(z.strictObject({ id: z.string(), calendarId: z.uuid(), provider: ProviderName }))
      .meta({ description: 'The same meeting in other calendars of the same person.' }),
    meetingId: z.uuid().nullable(),
    url: z.string().nullable(),
  })
  .meta({ id: 'Event' });
export type EventView = z.output<typeof EventView>;

export const EventPage = z
  .strictObject({ items: z.array(EventView), nextCursor: z.string().nullable(), freshness: z.array(FreshnessView) })
  .meta({ id: 'EventPage' });
export type EventPage = z.output<typeof EventPage>;

export const EventFilter = z.strictObject({
  range: z.string().max(100).meta({ description: 'ISO 8601 interval `start/end`, at most 400 days.', example: '2026-03-01/2026-04-01' }),
  provider: ProviderName.optional(),
  calendarId: z.uuid().optional(),
  cursor: z.string().max(300).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
