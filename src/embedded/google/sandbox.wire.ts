import { z } from 'zod';
import { type GoogleCalendarStart, type ListedCalendar } from './account.js';
import { type EventBody } from './event.js';

const Time = z.looseObject({ date: z.string().optional(), dateTime: z.string().optional(), timeZone: z.string().optional() });

const Person = z.looseObject({ email: z.string().optional(), displayName: z.string().optional() });

/** An event as a test writes it: Google's Events resource. */
export const EventOrder: z.ZodType<EventBody> = z.looseObject({
  start: Time.optional(),
  end: Time.optional(),
  recurrence: z.array(z.string()).optional(),
  recurringEventId: z.string().optional(),
  originalStartTime: Time.optional(),
  visibility: z.string().optional(),
  organizer: Person.optional(),
  creator: Person.optional(),
  attendees: z.array(Person).optional(),
});

export const CalendarOrder: z.ZodType<Omit<GoogleCalendarStart, 'id'>> = z.strictObject({
  summary: z.string(),
  description: z.string().optional(),
  timeZone: z.string(),
  color: z.string().optional(),
  watchable: z.boolean().optional(),
  events: z.array(EventOrder).optional(),
});

const ROLES = ['freeBusyReader', 'reader', 'writerWithoutPrivateAccess', 'writer', 'owner'] as const;

/** How a calendar stands on somebody's list; null takes it off. */
export const AccessOrder: z.ZodType<Omit<ListedCalendar, 'calendar'> | null> = z
  .strictObject({
    accessRole: z.enum(ROLES),
    primary: z.boolean().optional(),
    hidden: z.boolean().optional(),
    selected: z.boolean().optional(),
    summaryOverride: z.string().optional(),
  })
  .nullable();

/** What is done at once, and not from the next request on: a person's grant revoked, access tokens expired, sync tokens forgotten. */
export const ActionOrder = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('revoke'), account: z.string() }),
  z.strictObject({ action: z.literal('expire-access'), account: z.string().nullable().default(null) }),
  z.strictObject({ action: z.literal('forget-sync'), calendar: z.string().nullable().default(null) }),
]);

export type Action = z.infer<typeof ActionOrder>;
