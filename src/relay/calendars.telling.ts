import { type Position } from '../kernel/event-store.js';
import { type Telling, toldOfCalendarAs, toldOfComplete, toldOfPresent, type UuidFor } from './event-messages.js';
import { type Outbox } from './outbox.js';
import { type MergedCalendar, type Owned } from './relay.ports.js';

type Merged = Pick<MergedCalendar, 'events' | 'calendars'>;
/** What it takes to tell calendars. */
export type TellingMeans = Readonly<{ merged: Merged; outbox: Outbox; uuidFor: UuidFor; signal: AbortSignal }>;

/** Tells a calendar whole, as it is now: that it begins, each of its events, and that it is complete. Answers with how many. */
export const tellCalendar = async (
  { merged, outbox, uuidFor, signal }: TellingMeans,
  change: 'calendar-added' | 'calendar-changed',
  telling: Telling,
): Promise<number> => {
  await outbox.add(toldOfCalendarAs(change, telling, uuidFor));
  let count = 0;
  for await (const page of merged.events(telling.calendarId)) {
    signal.throwIfAborted();
    for (const event of page) await outbox.add(toldOfPresent(telling, event, uuidFor));
    count += page.length;
  }
  await outbox.add(toldOfComplete(telling, count, uuidFor));
  return count;
};

/** Calendars to tell whole. `position`: the place in the log they are told at; `at`: the time, RFC 3339, UTC. `isWanted`: which of them. */
export type Wanted = Readonly<{ position: Position; at: string; isWanted: (calendar: Owned) => boolean }>;

/**
 * Tells all calendars whole, and of those that ever were and cannot be read now that they are gone. `adopted`: every calendar that ever was. Answers with the
 * calendars told whole and how many events they have.
 */
export const tellCalendars = async (
  means: TellingMeans,
  adopted: () => AsyncIterable<Owned>,
  { position, at, isWanted }: Wanted,
): Promise<Readonly<{ calendars: ReadonlySet<string>; events: number }>> => {
  const { merged, outbox, uuidFor, signal } = means;
  const tellingOf = (calendar: Owned): Telling => ({ ...calendar, at, origin: ['whole', calendar.calendarId, String(position)] });
  const calendars = new Set<string>();
  let events = 0;
  for await (const page of merged.calendars())
    for (const calendar of page.filter(isWanted)) {
      calendars.add(calendar.calendarId);
      events += await tellCalendar(means, 'calendar-added', tellingOf(calendar));
    }
  for await (const calendar of adopted()) {
    signal.throwIfAborted();
    if (isWanted(calendar) && !calendars.has(calendar.calendarId))
      await outbox.add(toldOfCalendarAs('calendar-removed', tellingOf(calendar), uuidFor));
  }
  return { calendars, events };
};
