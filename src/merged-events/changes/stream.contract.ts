import { z } from 'zod';
import { EXAMPLE, Instant } from '../../infra/http/contract.zod.js';

export const StreamFilter = z.strictObject({
  ticket: z.string().max(200).optional().meta({ description: 'Instead of a bearer token, for who cannot send one.' }),
  lastEventId: z.string().max(100).optional().meta({ description: 'Where to resume, for who cannot send the header `Last-Event-ID`.' }),
});

export const TicketView = z
  .strictObject({ ticket: z.string(), expiresAt: Instant })
  .meta({ id: 'StreamTicket', example: { ticket: 'w0zq3mJb1r8vT5cXk2eY7g', expiresAt: '2026-03-01T08:16:02.311Z' } });

export const StreamText = z.string().meta({
  example: `id: 90412.1.1772352902311\nevent: events-changed\ndata: {"calendarIds":["${EXAMPLE.calendarId}"],"range":null,"changes":3}\n\n`,
});

/** Data of `events-changed`. */
export type EventsChanged = Readonly<{
  calendarIds: readonly string[];
  /** From the earliest start to the latest end among the changed events; null when whole calendars came or went. */
  range: Readonly<{ start: string; end: string }> | null;
  changes: number;
}>;

/** Data of `calendar-changed`: too much of the calendar changed to be told one by one, so it has to be read again. */
export type CalendarChanged = Readonly<{ calendarId: string }>;
