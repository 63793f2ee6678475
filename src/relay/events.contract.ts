import { z } from 'zod';
import { EXAMPLE } from '../infra/http/contract.zod.js';
import { BusyName, StatusName } from '../merged-events/events.contract.js';
import { type ToldEvent } from '../merged-events/told-event.js';
import { type DataSchemas, messagesOf, type TopicContract } from './cloud-event.contract.js';
import { type EventMessages, type EventMessageType } from './event-messages.js';

const event = z.strictObject({
  id: z
    .string()
    .describe('As in GET /v1/calendar/events, there also among `copies`; the same in the calendar for as long as the event is.'),
  seriesId: z.string().nullable().describe('The series it repeats in; null when it does not repeat.'),
  start: z.string().describe('RFC 3339 instant in UTC; of an all-day event its first day, a full-date. Of a removed event where it was.'),
  end: z.string().describe('Likewise; of an all-day event the day after its last. Exclusive.'),
  allDay: z.boolean(),
  status: StatusName,
  busy: BusyName.describe('Whether it takes up time, before its owner’s preferences are applied.'),
});

const members = { userId: z.string(), calendarId: z.uuid(), at: z.iso.datetime().describe('When it was found.') };
const ofEvent = <C extends string>(change: C) => z.strictObject({ ...members, change: z.literal(change), event });
const ofCalendar = <C extends string>(change: C) => z.strictObject({ ...members, change: z.literal(change), event: z.null() });

const { calendarId, eventId } = EXAMPLE;
const whose = { userId: 'u-2041', calendarId, at: '2026-03-01T08:15:02.311Z' };
const planning: ToldEvent = {
  ...{ id: eventId, seriesId: null, start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T10:00:00.000Z', allDay: false },
  ...{ status: 'confirmed', busy: 'busy' },
};

const schemas: DataSchemas<EventMessages> = {
  added: { summary: 'An event is new.', data: ofEvent('added'), example: { ...whose, change: 'added', event: planning } },
  changed: {
    summary: 'An event is otherwise than before, perhaps only in what is not told here.',
    data: ofEvent('changed'),
    example: { ...whose, change: 'changed', event: planning },
  },
  removed: { summary: 'An event is gone.', data: ofEvent('removed'), example: { ...whose, change: 'removed', event: planning } },
  'calendar-added': {
    summary: 'A calendar can be read. All of its events follow as `present`: begin a new set of them.',
    data: ofCalendar('calendar-added'),
    example: { ...whose, change: 'calendar-added', event: null },
  },
  'calendar-changed': {
    summary: 'Too much of a calendar changed to be told one by one. All of its events follow as `present`: begin a new set of them.',
    data: ofCalendar('calendar-changed'),
    example: { ...whose, change: 'calendar-changed', event: null },
  },
  'calendar-removed': {
    summary: 'All of a calendar is gone, or hidden: drop its events.',
    data: ofCalendar('calendar-removed'),
    example: { ...whose, change: 'calendar-removed', event: null },
  },
  present: {
    summary: 'An event of a calendar that is told whole, as it is now.',
    data: ofEvent('present'),
    example: { ...whose, change: 'present', event: planning },
  },
  'calendar-complete': {
    summary: 'A calendar has been told whole: drop its events that are not in the new set.',
    data: ofCalendar('calendar-complete').extend({ count: z.int().nonnegative().describe('How many `present` belong to it.') }),
    example: { ...whose, change: 'calendar-complete', event: null, count: 1 },
  },
};

export const EVENTS_TOPIC = 'juy.calendar.events.v1';

export const EVENTS: TopicContract = {
  topic: EVENTS_TOPIC,
  summary: 'What changes among the events of people’s merged calendars: ids, times and whether they take up time, never their contents.',
  messages: messagesOf(
    schemas,
    (name) => `juy.calendar.events.${name}.v1` satisfies EventMessageType,
    (data) => data.calendarId,
  ),
};
