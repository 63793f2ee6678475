import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { ProviderName } from '../provider/provider.contract.js';
import { FRESH, FreshnessView } from '../sync/freshness.contract.js';
import { DAY, RangeText } from './range.contract.js';

export const StatusName = z.enum(['confirmed', 'tentative', 'cancelled']);

export const BusyName = z.enum(['busy', 'tentative', 'needs-action', 'free']);

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** Where a page of events ended, as `readCursor` reads it. */
export const EventCursorText = z
  .string()
  .max(300)
  .meta({
    description: '`nextCursor` of the page before.',
    pattern: `^${DAY}%20([01][0-9]|2[0-3])%3A[0-5][0-9]%3A[0-5][0-9]([.][0-9]{1,6})?%2B00~${UUID}~[A-Za-z0-9_-]{1,64}~([0-9TZ.-]|%3A){0,40}(_[A-Za-z0-9_-]{1,64})?$`,
  });

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
  endTimeZone: null,
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
    endTimeZone: z
      .string()
      .nullable()
      .meta({ description: 'The zone its end was written in, where that is another than `timeZone`, as of a flight; else null.' }),
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
  .meta({ id: 'EventPage', example: { items: [planning], nextCursor: null, freshness: [FRESH] } });
export type EventPage = z.output<typeof EventPage>;

export const EventFilter = z.strictObject({
  range: RangeText,
  provider: ProviderName.optional(),
  calendarId: z.uuid().optional(),
  cursor: EventCursorText.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
