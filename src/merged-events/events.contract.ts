import { z } from 'zod';
import { BusyName, EventCursorText, EXAMPLE, FreshnessView, ProviderName, RangeText, StatusName } from '../infra/http/contract.zod.js';

const PersonView = z.strictObject({ name: z.string().nullable(), email: z.string().nullable() });

const planning = {
  id: EXAMPLE.eventId,
  calendarId: EXAMPLE.calendarId,
  provider: 'caldav',
  title: 'Sprint planning',
  start: '2026-03-02T09:00:00.000Z',
  end: '2026-03-02T10:00:00.000Z',
  allDay: false,
  timeZone: 'Europe/Paris',
  floating: false,
  location: 'Room 4',
  description: null,
  organizer: { name: 'Ivy', email: 'ivy@example.com' },
  attendees: [{ name: 'Ada', email: 'ada@example.com', response: 'accepted', self: true }],
  status: 'confirmed',
  busy: 'busy',
  private: false,
  seriesId: null,
  copies: [],
  meetingId: null,
  url: null,
} as const;

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
    status: StatusName,
    busy: BusyName,
    private: z.boolean(),
    seriesId: z.string().nullable(),
    copies: z
      .array(z.strictObject({ id: z.string(), calendarId: z.uuid(), provider: ProviderName }))
      .meta({ description: 'The same meeting in other calendars of the same person.' }),
    meetingId: z.uuid().nullable(),
    url: z.string().nullable(),
  })
  .meta({ id: 'Event', example: planning });
export type EventView = z.output<typeof EventView>;

export const EventPage = z
  .strictObject({ items: z.array(EventView), nextCursor: z.string().nullable(), freshness: z.array(FreshnessView) })
  .meta({ id: 'EventPage', example: { items: [planning], nextCursor: null, freshness: [EXAMPLE.fresh] } });
export type EventPage = z.output<typeof EventPage>;

export const EventFilter = z.strictObject({
  range: RangeText,
  provider: ProviderName.optional(),
  calendarId: z.uuid().optional(),
  cursor: EventCursorText.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
