import { type GoogleCalendarStart, type GooglePerson, type GoogleStart, type ListedCalendar } from './account.js';
import { NoSuchThing } from '../no-such-thing.js';
import { type Change, changeLog, type ChangeLog } from '../change-log.js';
import { type EventBody, type EventStatus, instanceId, type StoredEvent } from './event.js';

/** A calendar while the simulator runs. `exceptions`: ids of the rows that replace instances, by the id of their series. */
export type GoogleCalendar = Readonly<{
  about: Omit<GoogleCalendarStart, 'events'>;
  events: ChangeLog<StoredEvent>;
  exceptions: Map<string, Set<string>>;
}>;

/** A calendar on somebody's list; `removed`: taken off it, or taken from them. */
export type ListEntry = ListedCalendar & Readonly<{ removed: boolean; updated: number }>;

export type Person = Readonly<{ email: string; fullName: string; list: ChangeLog<ListEntry> }>;

/** What the people have, and how tests change it. `era`: sync tokens of an earlier one are forgotten. */
export type Calendars = Readonly<{
  person: (email: string) => Person | null;
  people: () => readonly Person[];
  calendar: (id: string) => GoogleCalendar | null;
  /** The calendar and what a person may do with it; null when they may not even know it. */
  access: (person: Person, id: string) => Readonly<{ calendar: GoogleCalendar; entry: ListEntry }> | null;
  exceptionsOf: (calendar: GoogleCalendar, master: string) => readonly Change<StoredEvent>[];
  era: (calendar: string) => number;
  /** Adds a calendar, or changes what it says about itself; its events stay. */
  putCalendar: (calendar: GoogleCalendarStart) => void;
  /** Takes a calendar from everybody. */
  removeCalendar: (id: string) => void;
  /** Puts a calendar on somebody's list, or takes it off (null); sync tokens of it are forgotten, as with every change of access. */
  share: (email: string, id: string, access: Omit<ListedCalendar, 'calendar'> | null) => void;
  /** Adds or replaces an event; answers its id. An event with `recurringEventId` and `originalStartTime` replaces an instance. */
  putEvent: (calendar: string, event: EventBody) => string;
  /** The event stays as a cancelled row; false when there is none. */
  removeEvent: (calendar: string, id: string) => boolean;
  forgetSync: (calendar: string | null) => void;
}>;

type Means = Readonly<{
  now: () => number;
  /** An id in Google's alphabet. */
  newId: () => string;
  /** A calendar's events have changed, or it is gone. */
  changed: (calendar: string, isGone: boolean) => void;
}>;

const STATUSES: readonly EventStatus[] = ['confirmed', 'tentative', 'cancelled'];

const statusOf = (body: EventBody): EventStatus => STATUSES.find((status) => status === body['status']) ?? 'confirmed';

const idOf = (body: EventBody, zone: string, newId: () => string): string => {
  const { id, recurringEventId, originalStartTime } = body;
  if (typeof id === 'string') return id;
  return recurringEventId === undefined || originalStartTime === undefined
    ? newId()
    : instanceId(recurringEventId, originalStartTime, zone);
};

/** What the server keeps of an event by itself. */
const OWN = new Set(['id', 'status', 'kind', 'etag', 'created', 'updated', 'htmlLink']);

const written = (event: EventBody): EventBody => Object.fromEntries(Object.entries(event).filter(([field]) => !OWN.has(field)));

const started = (about: GoogleCalendarStart): GoogleCalendar => {
  const { events: _, ...rest } = about;
  return { about: rest, events: changeLog<StoredEvent>(), exceptions: new Map() };
};

const putInto = (calendar: GoogleCalendar, event: EventBody, { now, newId }: Means): string => {
  const id = idOf(event, calendar.about.timeZone, newId);
  const earlier = calendar.events.get(id)?.value ?? null;
  const body = written(event);
  const before = earlier?.body.recurrence === undefined ? null : earlier.body;
  calendar.events.put(id, { id, status: statusOf(event), created: earlier?.created ?? now(), updated: now(), body, before });
  if (body.recurringEventId !== undefined) {
    const known = calendar.exceptions.get(body.recurringEventId) ?? new Set<string>();
    calendar.exceptions.set(body.recurringEventId, known.add(id));
  }
  return id;
};

const cancelIn = ({ events, exceptions }: GoogleCalendar, id: string, now: number): boolean => {
  const event = events.get(id)?.value;
  if (event === undefined || event.status === 'cancelled') return false;
  const gone = [...(exceptions.get(id) ?? []), id];
  for (const each of gone) {
    const value = events.get(each)?.value;
    if (value !== undefined) events.put(each, { ...value, status: 'cancelled', updated: now });
  }
  return true;
};

const personOf = ({ email, fullName, list }: GooglePerson, now: number): Person => {
  const entries = changeLog<ListEntry>();
  for (const entry of list) entries.put(entry.calendar, { ...entry, removed: false, updated: now });
  return { email, fullName, list: entries };
};

type Held = Readonly<{ people: ReadonlyMap<string, Person>; calendars: Map<string, GoogleCalendar>; eras: Map<string, number> }>;

const forget = ({ calendars, eras }: Held, id: string | null): void => {
  for (const each of id === null ? calendars.keys() : [id]) eras.set(each, (eras.get(each) ?? 0) + 1);
};

const takeFrom = (person: Person, id: string, now: number): void => {
  const entry = person.list.get(id)?.value;
  if (entry !== undefined && !entry.removed) person.list.put(id, { ...entry, removed: true, updated: now });
};

const existing = <T>(value: T | null | undefined, name: string): T => {
  if (value === null || value === undefined) throw new NoSuchThing(`there is no ${name}`);
  return value;
};

const reading = ({
  people,
  calendars,
  eras,
}: Held): Pick<Calendars, 'person' | 'people' | 'calendar' | 'access' | 'exceptionsOf' | 'era'> => ({
  person: (email) => people.get(email) ?? null,
  people: () => [...people.values()],
  calendar: (id) => calendars.get(id) ?? null,
  access: (person, id) => {
    const known = id === 'primary' ? person.email : id;
    const [calendar, entry] = [calendars.get(known), person.list.get(known)?.value];
    return calendar === undefined || entry === undefined || entry.removed ? null : { calendar, entry };
  },
  exceptionsOf: ({ events, exceptions }, master) => [...(exceptions.get(master) ?? [])].flatMap((id) => events.get(id) ?? []),
  era: (id) => eras.get(id) ?? 0,
});

const changing = (held: Held, means: Means): Omit<Calendars, keyof ReturnType<typeof reading>> => {
  const { now, changed } = means;
  const { people, calendars } = held;
  const named = (id: string): GoogleCalendar => existing(calendars.get(id), `calendar ${id}`);
  return {
    putCalendar: (about) => {
      const { about: said } = started(about);
      calendars.set(about.id, { ...(calendars.get(about.id) ?? started(about)), about: said });
      for (const event of about.events ?? []) putInto(named(about.id), event, means);
    },
    removeCalendar: (id) => {
      named(id);
      changed(id, true);
      for (const person of people.values()) takeFrom(person, id, now());
      calendars.delete(id);
    },
    share: (email, id, access) => {
      const person = existing(people.get(email), `person ${email}`);
      named(id);
      if (access === null) takeFrom(person, id, now());
      else person.list.put(id, { ...access, calendar: id, removed: false, updated: now() });
      forget(held, id);
    },
    putEvent: (calendar, event) => {
      const id = putInto(named(calendar), event, means);
      changed(calendar, false);
      return id;
    },
    removeEvent: (calendar, id) => {
      const isGone = cancelIn(named(calendar), id, now());
      if (isGone) changed(calendar, false);
      return isGone;
    },
    forgetSync: (id) => {
      forget(held, id);
    },
  };
};

export const calendarsOf = (start: GoogleStart, means: Means): Calendars => {
  const people = new Map(start.people.map((person) => [person.email, personOf(person, means.now())]));
  const held: Held = { people, calendars: new Map(), eras: new Map() };
  const calendars = { ...reading(held), ...changing(held, means) };
  for (const about of start.calendars) calendars.putCalendar(about);
  return calendars;
};
