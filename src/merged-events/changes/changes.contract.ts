import { z } from 'zod';
import { EXAMPLE, Instant } from '../../infra/http/contract.zod.js';
import { BusyName, StatusName } from '../events.contract.js';

/** How far somebody has read the changes, as `readChangeCursor` reads it. */
export const ChangeCursorText = z.string().max(100).meta({ pattern: '^[0-9]{1,18}[.]([0-9]{1,9}|1[0-9]{9}|2147483647)[.][0-9]{1,15}$' });

export const ChangeFilter = z.strictObject({
  after: ChangeCursorText.optional().meta({
    description: '`nextCursor` of the answer before. Without it nothing is told but where the feed ends now.',
  }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const ChangedEvent = z.strictObject({
  id: z.string().meta({ description: 'As in /v1/calendar/events, there also among `copies`.' }),
  seriesId: z.string().nullable(),
  start: z.string().meta({ description: 'As in /v1/calendar/events; of a removed event where it was.' }),
  end: z.string(),
  allDay: z.boolean(),
  status: StatusName,
  busy: BusyName,
});

const moved = {
  calendarId: EXAMPLE.calendarId,
  change: 'changed',
  event: {
    id: EXAMPLE.eventId,
    seriesId: null,
    start: '2026-03-02T09:00:00.000Z',
    end: '2026-03-02T10:00:00.000Z',
    allDay: false,
    status: 'confirmed',
    busy: 'busy',
  },
  at: '2026-03-01T08:15:02.311Z',
} as const;

export const ChangeView = z
  .strictObject({
    calendarId: z.uuid(),
    change: z.enum(['added', 'changed', 'removed', 'calendar-added', 'calendar-changed', 'calendar-removed']).meta({
      description:
        'What happened to an event; or to the calendar as a whole: all of its events can be read for the first time (`calendar-added`), are gone at ' +
        'once (`calendar-removed`), or have to be read again, because too many of them changed to be told one by one (`calendar-changed`).',
    }),
    event: ChangedEvent.nullable().meta({ description: 'Null when it is about the calendar.' }),
    at: Instant.meta({ description: 'When it was found.' }),
  })
  .meta({ id: 'Change', example: moved });
export type ChangeView = z.output<typeof ChangeView>;

export const ChangePage = z
  .strictObject({
    items: z.array(ChangeView),
    nextCursor: z.string().meta({ description: 'What to send as `after` next time; good for 30 days.' }),
    more: z.boolean().meta({ description: 'There are more changes already: ask again at once.' }),
  })
  .meta({ id: 'ChangePage', example: { items: [moved], nextCursor: '90412.2147483647.1772352902311', more: false } });
export type ChangePage = z.output<typeof ChangePage>;
