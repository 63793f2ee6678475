import { z } from 'zod';

/** An instant as this API writes it: RFC 3339 in UTC. */
export const Instant = z.iso.datetime({ offset: true });

/** The connection and the calendar that the examples of the document are about. */
export const EXAMPLE = {
  connectionId: '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10',
  calendarId: '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b',
  eventId: 'Qm9vay1rZWVwaW5nLTAx',
} as const;
