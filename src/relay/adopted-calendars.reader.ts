import { type CalendarEvent } from '../calendar/calendar.js';
import { calendarCodec } from '../calendar/calendar.codec.js';
import { type EventFamily, type EventStore, idOf } from '../kernel/event-store.js';
import { type Owned } from './relay.ports.js';

type Adopted = Extract<CalendarEvent, { type: 'CalendarAdopted' }>;
type Other = Readonly<{ type: 'Other' }>;

const ADOPTED = 'CalendarAdopted.';

/** Reads the adoption in a calendar's stream, and of its other facts nothing, so that none of them can be in the way. */
export const adoptionCodec: EventFamily<Adopted | Other>['codec'] = {
  reads: calendarCodec.reads,
  decode: (type, data) => (type.startsWith(ADOPTED) ? (calendarCodec.decode(type, data) as Adopted) : { type: 'Other' }),
};

/** Every calendar that was ever adopted, as the log tells up to its end. */
export async function* adoptedCalendars(store: Pick<EventStore, 'follow'>, signal: AbortSignal): AsyncGenerator<Owned> {
  for await (const { events, live } of store.follow([{ category: 'calendar', codec: adoptionCodec }], null, signal)) {
    for (const { stream, event } of events) if (event.type === 'CalendarAdopted') yield { calendarId: idOf(stream), userId: event.userId };
    if (live) return;
  }
}
