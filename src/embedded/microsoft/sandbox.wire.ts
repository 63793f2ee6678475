import { z } from 'zod';
import { type ListedCalendar, type MicrosoftCalendarStart } from './account.js';
import { EventOrder } from './event.wire.js';

export const CalendarOrder: z.ZodType<Omit<MicrosoftCalendarStart, 'id'>> = z.strictObject({
  name: z.string(),
  owner: z.strictObject({ name: z.string(), address: z.string() }),
  color: z.strictObject({ name: z.string(), hex: z.string() }).optional(),
  editable: z.boolean().optional(),
  events: z.array(EventOrder).optional(),
});

/** How a calendar stands on somebody's list; null takes it off. */
export const AccessOrder: z.ZodType<Omit<ListedCalendar, 'calendar'> | null> = z
  .strictObject({ role: z.enum(['owner', 'write', 'read', 'limitedRead', 'freeBusyRead']), name: z.string().optional() })
  .nullable();

/**
 * What is done at once, and not from the next request on: a person's grant and their subscriptions revoked, access tokens expired, delta tokens forgotten,
 * the subscriptions of a person told of a lifecycle event.
 */
export const ActionOrder = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('revoke'), account: z.string() }),
  z.strictObject({ action: z.literal('expire-access'), account: z.string().nullable().default(null) }),
  z.strictObject({ action: z.literal('forget-sync'), calendar: z.string().nullable().default(null) }),
  z.strictObject({
    action: z.literal('lifecycle'),
    account: z.string(),
    event: z.enum(['missed', 'subscriptionRemoved', 'reauthorizationRequired']),
  }),
]);

export type Action = z.infer<typeof ActionOrder>;
