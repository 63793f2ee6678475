import { z } from 'zod';
import { Instant } from '../infra/http/contract.zod.js';

export const StreamFilter = z.strictObject({
  ticket: z.string().max(200).optional().meta({ description: 'Instead of a bearer token, for who cannot send one.' }),
  lastEventId: z.string().max(100).optional().meta({ description: 'Where to resume, for who cannot send the header `Last-Event-ID`.' }),
});

export const TicketView = z.strictObject({ ticket: z.string(), expiresAt: Instant }).meta({ id: 'StreamTicket' });

/** Data of `events-changed`. */
export type EventsChanged = Readonly<{
  calendarIds: readonly string[];
  /** From the earliest start to the latest end among the changed events; null when whole calendars came or went. */
  range: Readonly<{ start: string; end: string }> | null;
  changes: number;
}>;
