import { type Client } from './service.js';
import { dayFromNow as day } from './events.js';

/** An event of `juy.calendar.events.v1`. */
export type MirroredEvent = Readonly<{
  id: string;
  start: string;
  end: string;
  allDay: boolean;
  status: string;
  busy: string;
  seriesId: string | null;
}>;

type Data = Readonly<{
  userId: string;
  calendarId: string;
  change: string;
  event: MirroredEvent | null;
  count?: number;
  calendarIds?: readonly string[];
}>;
type CloudEvent = Readonly<{ id: string; type: string; data: Data }>;

type Calendar = { userId: string; events: Map<string, MirroredEvent>; fresh: Set<string> | null };

/**
 * What a consumer holds who knows nothing but the topics: the events of calendars, as their documentation says to keep them. It takes messages more than once,
 * and drops those it had; one that does not (`remembers`) has the effect of each be the same when it is repeated.
 */
export const mirror = (remembers = true) => {
  const calendars = new Map<string, Calendar>();
  const [had, revoked] = [new Set<string>(), new Set<string>()];
  const calendarOf = ({ userId, calendarId }: Data): Calendar => {
    const calendar = calendars.get(calendarId) ?? { userId, events: new Map<string, MirroredEvent>(), fresh: null };
    calendars.set(calendarId, calendar);
    return calendar;
  };
  const changeEvent = (data: Data, calendar: Calendar): void => {
    if (data.event === null) return;
    if (data.change === 'removed') calendar.events.delete(data.event.id);
    else {
      calendar.events.set(data.event.id, data.event);
      calendar.fresh?.add(data.event.id);
    }
  };
  const complete = (calendar: Calendar): void => {
    const { events, fresh } = calendar;
    if (fresh !== null) for (const id of [...events.keys()]) if (!fresh.has(id)) events.delete(id);
    calendar.fresh = null;
  };
  const takeEvent = (data: Data): void => {
    if (data.change === 'calendar-removed') calendars.delete(data.calendarId);
    else if (data.change === 'calendar-added' || data.change === 'calendar-changed') calendarOf(data).fresh = new Set();
    else if (data.change === 'calendar-complete') complete(calendarOf(data));
    else changeEvent(data, calendarOf(data));
  };
  return {
    take: (value: string): void => {
      const { id, type, data } = JSON.parse(value) as CloudEvent;
      if (remembers && had.has(id)) return;
      had.add(id);
      if (type === 'juy.calendar.connections.revoked.v1') for (const calendarId of data.calendarIds ?? []) revoked.add(calendarId);
      if (type.startsWith('juy.calendar.events.')) takeEvent(data);
    },
    /** The events of a person, by calendar and id. */
    eventsOf: (userId: string): ReadonlyMap<string, MirroredEvent> => {
      const found = [...calendars].filter(([id, calendar]) => calendar.userId === userId && !revoked.has(id));
      return new Map(found.flatMap(([id, { events }]) => [...events].map(([event, told]) => [`${id} ${event}`, told] as const)));
    },
  };
};

/**
 * Whether the messages of `juy.calendar.events.v1` keep their order: once a calendar is told whole, nothing but its events comes until it is complete, as many as
 * are said; else what is wrong. Holds where none is published twice.
 */
export const disorderIn = (values: readonly string[]): string | null => {
  const telling = new Map<string, Set<string>>();
  for (const value of values) {
    const { calendarId, change, event, count } = (JSON.parse(value) as CloudEvent).data;
    const told = telling.get(calendarId);
    if (change === 'calendar-added' || change === 'calendar-changed') telling.set(calendarId, new Set());
    else if (change === 'present') {
      if (told === undefined) return `an event of ${calendarId} is present of which nothing was to be told`;
      told.add(event?.id ?? '');
    } else {
      if (change === 'calendar-complete' && told?.size !== count) return `${calendarId} has ${told?.size} events, and ${count} as it says`;
      telling.delete(calendarId);
    }
  }
  return null;
};

/** Everything the read model can hold, a year and two weeks ahead at the most; one range is 400 days at the most. */
const EVERYTHING = [`${day(-31)}/${day(200)}`, `${day(200)}/${day(400)}`];

/** What a person reads of the merged calendar, as the topic tells events: a meeting in several calendars is one of each. */
export const readAsTold = async (person: Client): Promise<ReadonlyMap<string, MirroredEvent>> => {
  const found = new Map<string, MirroredEvent>();
  const pages = await Promise.all(EVERYTHING.map((range) => person.events(range)));
  for (const { id, calendarId, copies, start, end, allDay, status, busy, seriesId } of pages.flat()) {
    found.set(`${calendarId} ${id}`, { id, start, end, allDay, status, busy, seriesId });
    for (const copy of copies)
      found.set(`${copy.calendarId} ${copy.id}`, { id: copy.id, start, end, allDay, status, busy, seriesId: null });
  }
  return found;
};

/** Events as a text, equal where they are; a copy does not say of which series it is. */
export const textOf = (events: ReadonlyMap<string, MirroredEvent>): string =>
  JSON.stringify([...events].map(([key, { seriesId: _, ...event }]) => [key, Object.entries(event).sort()]).sort());
