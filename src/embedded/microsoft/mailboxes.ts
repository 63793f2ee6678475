import { type Change, changeLog, type ChangeLog } from '../change-log.js';
import { type ListedCalendar, type MicrosoftCalendarStart, type MicrosoftPerson, type MicrosoftStart } from './account.js';
import { type GraphBody, graphId, occurrenceKey, seriesOfKey, type StoredEvent } from './event.js';
import { NoSuchThing } from '../no-such-thing.js';

/** A calendar while the simulator runs. `exceptions`: keys of what replaces occurrences, by the key of their series. */
export type GraphCalendar = Readonly<{
  about: Omit<MicrosoftCalendarStart, 'events'>;
  events: ChangeLog<StoredEvent>;
  exceptions: Map<string, Set<string>>;
}>;

export type Person = Readonly<Omit<MicrosoftPerson, 'list'> & { list: Map<string, ListedCalendar> }>;

export type ChangeType = 'created' | 'updated' | 'deleted';

/** Access of one person to one calendar. */
export type Shared = Readonly<{ calendar: GraphCalendar; entry: ListedCalendar }>;

/** What the people have, and how tests change it. `era`: delta tokens of an earlier one are forgotten. Keys are what graphId makes ids of. */
export type Mailboxes = Readonly<{
  person: (email: string) => Person | null;
  people: () => readonly Person[];
  calendar: (id: string) => GraphCalendar | null;
  /** Null when the calendar is not on the person's list. */
  access: (person: Person, id: string) => Shared | null;
  /** What is listed for a person, their own default calendar first. */
  listed: (person: Person) => readonly Shared[];
  exceptionsOf: (calendar: GraphCalendar, master: string) => readonly Change<StoredEvent>[];
  /** Null when it was deleted, or belongs to a series that has other occurrences by now. */
  live: (calendar: GraphCalendar, key: string) => Change<StoredEvent> | null;
  era: (calendar: string) => number;
  /** Adds a calendar, or changes what it says about itself; its events stay. */
  putCalendar: (calendar: MicrosoftCalendarStart) => void;
  /** Takes a calendar from everybody. */
  removeCalendar: (id: string) => void;
  /** Puts a calendar on somebody's list, or takes it off (null). */
  share: (email: string, id: string, access: Omit<ListedCalendar, 'calendar'> | null) => void;
  /**
   * Adds or replaces an event; answers its key (`id`, or a made-up one). One with `seriesMasterId` and `originalStart` replaces an occurrence, and with
   * `@removed` takes it out.
   */
  putEvent: (calendar: string, event: GraphBody) => string;
  /** False when there is none. */
  removeEvent: (calendar: string, key: string) => boolean;
  removeOccurrence: (calendar: string, master: string, original: string) => boolean;
  forgetSync: (calendar: string | null) => void;
}>;

type Means = Readonly<{
  now: () => number;
  newId: () => string;
  /** Something of a calendar has changed; `id`: of the event, as a notification names it. */
  changed: (calendar: string, change: ChangeType, id: string) => void;
}>;

/** What the server keeps of an event by itself. */
const OWN = new Set(['id', '@removed', '@odata.etag', 'changeKey', 'createdDateTime', 'lastModifiedDateTime', 'type', 'webLink']);

const written = (event: GraphBody): GraphBody => Object.fromEntries(Object.entries(event).filter(([field]) => !OWN.has(field)));

const started = (about: MicrosoftCalendarStart): GraphCalendar => {
  const { events: _, ...rest } = about;
  return { about: rest, events: changeLog<StoredEvent>(), exceptions: new Map() };
};

const shapeOf = ({ start, end, isAllDay, recurrence }: GraphBody): string => JSON.stringify([start, end, isAllDay, recurrence]);

const isSeries = ({ recurrence }: GraphBody): boolean => recurrence !== undefined && recurrence !== null;

const keyOf = ({ events }: GraphCalendar, { id, seriesMasterId, originalStart }: GraphBody, newId: () => string): string => {
  if (typeof id === 'string') return id;
  if (seriesMasterId === undefined || originalStart === undefined) return newId();
  return occurrenceKey(seriesMasterId, events.get(seriesMasterId)?.value.generation ?? 0, originalStart);
};

const store = (calendar: GraphCalendar, key: string, event: GraphBody, { now, removed }: Readonly<{ now: number; removed: boolean }>) => {
  const { events, exceptions } = calendar;
  const before = events.get(key)?.value ?? null;
  const body = written(event);
  const reshaped = before !== null && isSeries(before.body) && (removed || shapeOf(before.body) !== shapeOf(body));
  const generation = (before?.generation ?? 0) + (reshaped ? 1 : 0);
  const shape = { body: before?.body ?? body, generation: before?.generation ?? 0, until: events.revision() + 1 };
  const earlier = [...(before?.earlier ?? []), ...(reshaped ? [shape] : [])];
  events.put(key, { key, removed, created: before?.created ?? now, updated: now, generation, body, earlier });
  const { seriesMasterId } = body;
  if (seriesMasterId !== undefined) exceptions.set(seriesMasterId, (exceptions.get(seriesMasterId) ?? new Set<string>()).add(key));
};

const existing = <T>(value: T | null | undefined, name: string): T => {
  if (value === null || value === undefined) throw new NoSuchThing(`there is no ${name}`);
  return value;
};

const exceptionsOf = ({ events, exceptions }: GraphCalendar, master: string): readonly Change<StoredEvent>[] => {
  const generation = events.get(master)?.value.generation;
  return [...(exceptions.get(master) ?? [])]
    .filter((key) => (seriesOfKey(key)?.generation ?? generation) === generation)
    .flatMap((key) => events.get(key) ?? []);
};

const live = (calendar: GraphCalendar, key: string): Change<StoredEvent> | null => {
  const change = calendar.events.get(key);
  if (change === null || change.value.removed) return null;
  const master = change.value.body.seriesMasterId;
  if (master === undefined) return change;
  const isStale = !exceptionsOf(calendar, master).some((each) => each.key === key);
  return isStale || calendar.events.get(master)?.value.removed === true ? null : change;
};

type Held = Readonly<{ people: ReadonlyMap<string, Person>; calendars: Map<string, GraphCalendar>; eras: Map<string, number> }>;

type Reading = Pick<Mailboxes, 'person' | 'people' | 'calendar' | 'access' | 'listed' | 'exceptionsOf' | 'live' | 'era'>;

const reading = ({ people, calendars, eras }: Held): Reading => {
  const access = (person: Person, id: string): Shared | null => {
    const [calendar, entry] = [calendars.get(id), person.list.get(id)];
    return calendar === undefined || entry === undefined ? null : { calendar, entry };
  };
  return {
    person: (email) => people.get(email) ?? null,
    people: () => [...people.values()],
    calendar: (id) => calendars.get(id) ?? null,
    access,
    listed: (person) => [...person.list.keys()].flatMap((id) => access(person, id) ?? []),
    exceptionsOf,
    live,
    era: (id) => eras.get(id) ?? 0,
  };
};

type Changing = Omit<Mailboxes, keyof Reading>;

const ofEvents = ({ calendars }: Held, { now, newId, changed }: Means): Pick<Changing, 'putEvent' | 'removeEvent' | 'removeOccurrence'> => {
  const named = (id: string): GraphCalendar => existing(calendars.get(id), `calendar ${id}`);
  const remove = (id: string, key: string, body: GraphBody): true => {
    store(named(id), key, body, { now: now(), removed: true });
    changed(id, 'deleted', graphId(key, true));
    return true;
  };
  const removeOccurrence: Changing['removeOccurrence'] = (id, master, original) => {
    const calendar = named(id);
    const series = live(calendar, master);
    if (series === null || !isSeries(series.value.body)) return false;
    const key = occurrenceKey(master, series.value.generation, original);
    return calendar.events.get(key)?.value.removed !== true && remove(id, key, { seriesMasterId: master, originalStart: original });
  };
  return {
    putEvent: (id, event) => {
      const calendar = named(id);
      const key = keyOf(calendar, event, newId);
      const isNew = live(calendar, key) === null;
      store(calendar, key, event, { now: now(), removed: event['@removed'] !== undefined });
      changed(id, isNew && event.seriesMasterId === undefined ? 'created' : 'updated', graphId(key, true));
      return key;
    },
    removeEvent: (id, key) => {
      const change = live(named(id), key);
      return change !== null && remove(id, key, change.value.body);
    },
    removeOccurrence,
  };
};

const changing = (held: Held, means: Means): Changing => {
  const { people, calendars, eras } = held;
  const events = ofEvents(held, means);
  return {
    ...events,
    putCalendar: (about) => {
      const made = started(about);
      calendars.set(about.id, { ...(calendars.get(about.id) ?? made), about: made.about });
      for (const event of about.events ?? []) events.putEvent(about.id, event);
    },
    removeCalendar: (id) => {
      existing(calendars.get(id), `calendar ${id}`);
      for (const { list } of people.values()) list.delete(id);
      calendars.delete(id);
    },
    share: (email, id, entry) => {
      const { list } = existing(people.get(email), `person ${email}`);
      existing(calendars.get(id), `calendar ${id}`);
      if (entry === null) list.delete(id);
      else list.set(id, { ...entry, calendar: id });
    },
    forgetSync: (id) => {
      for (const each of id === null ? calendars.keys() : [id]) eras.set(each, (eras.get(each) ?? 0) + 1);
    },
  };
};

export const mailboxesOf = (start: MicrosoftStart, means: Means): Mailboxes => {
  const people = new Map(
    start.people.map(({ list, ...person }) => [
      person.email,
      { ...person, list: new Map(list.map((entry) => [entry.calendar, entry] as const)) },
    ]),
  );
  const held: Held = { people, calendars: new Map(), eras: new Map() };
  const mailboxes = { ...reading(held), ...changing(held, means) };
  for (const about of start.calendars) mailboxes.putCalendar(about);
  return mailboxes;
};
