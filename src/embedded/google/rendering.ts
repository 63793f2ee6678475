import { type AccessRole } from './account.js';
import { type GoogleCalendar, type ListEntry } from './calendars.js';
import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { type EventBody, type EventPerson, shownTime, type StoredEvent } from './event.js';
import { type Instance } from './series.js';

/** Whose eyes an event is shown to. `shownIn`: the zone offsets are in. `busyOnly`: times without what takes place. */
export type View = Readonly<{
  calendar: GoogleCalendar;
  role: AccessRole;
  owner: string;
  shownIn: string;
  busyOnly: boolean;
  origin: string;
}>;

/** Google's marks are numbers of microseconds, doubled for events; no two versions of a list have the same. */
const mark = (updated: number, revision: number, factor: 1 | 2): string => `"${(updated * 1_000 + (revision % 1_000)) * factor}"`;

export const eventEtag = ({ value, revision }: Change<StoredEvent>): string => mark(value.updated, revision, 2);

export const entryEtag = ({ value, revision }: Change<ListEntry>): string => mark(value.updated, revision, 1);

export const listEtag = (revision: number, updated: number): string => `"p3${revision.toString(32)}s${updated.toString(32)}o"`;

/** Without members that are undefined: JSON leaves them out, and so does this. */
const defined = (json: Json): Json => Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));

const withSelf = (person: EventPerson, calendar: string): EventPerson => ({
  ...person,
  ...(person.email === calendar ? { self: true } : {}),
});

/** What a reader may know of an event that is none of theirs. */
const TIMES = new Set(['recurrence', 'recurringEventId', 'originalStartTime', 'transparency', 'visibility', 'eventType']);

const isHidden = ({ role }: View, { visibility }: EventBody): boolean =>
  (visibility === 'private' || visibility === 'confidential') && (role === 'reader' || role === 'writerWithoutPrivateAccess');

const peopleOf = ({ calendar, owner }: View, { organizer, creator, attendees }: EventBody): Json => {
  const { id, summary } = calendar.about;
  const own = id === owner ? { email: id } : { email: id, displayName: summary };
  return defined({
    creator: withSelf(creator ?? { email: owner }, id),
    organizer: withSelf(organizer ?? own, id),
    attendees: attendees?.map((each) => withSelf(each, id)),
  });
};

const timesOf = ({ calendar, shownIn }: View, { start, end = start, originalStartTime }: EventBody): Json => {
  const shown = (time: EventBody['start']) => (time === undefined ? undefined : shownTime(time, calendar.about.timeZone, shownIn));
  return defined({ start: shown(start), end: shown(end), originalStartTime: shown(originalStartTime) });
};

/** What is told of every event that is there. */
const described = (view: View, change: Change<StoredEvent>, id: string, body: EventBody): Json => {
  const { created, updated, status } = change.value;
  const { calendar, origin, busyOnly } = view;
  const hidden = busyOnly || isHidden(view, body);
  const kept = Object.fromEntries(Object.entries(body).filter(([field]) => !hidden || TIMES.has(field)));
  const google = `${body.recurringEventId ?? change.key}@google.com`;
  return {
    kind: 'calendar#event',
    etag: eventEtag(change),
    id,
    status,
    ...(busyOnly ? {} : { htmlLink: `${origin}/calendar/event?eid=${encodeURIComponent(`${id} ${calendar.about.id}`)}` }),
    created: new Date(created).toISOString(),
    updated: new Date(updated).toISOString(),
    ...kept,
    ...(hidden ? {} : peopleOf(view, body)),
    ...timesOf(view, body),
    ...(busyOnly ? { visibility: 'private' } : {}),
    iCalUID: body['iCalUID'] ?? google,
    sequence: body['sequence'] ?? 0,
    ...(hidden ? {} : { reminders: body['reminders'] ?? { useDefault: true } }),
    eventType: body['eventType'] ?? 'default',
  };
};

/** A row that says no more than that something is gone. */
const gone = (view: View, change: Change<StoredEvent>, id: string, body: EventBody): Json => ({
  kind: 'calendar#event',
  etag: eventEtag(change),
  id,
  status: 'cancelled',
  ...(body.recurringEventId === undefined ? {} : { recurringEventId: body.recurringEventId }),
  ...(body.recurringEventId === undefined || body.originalStartTime === undefined
    ? {}
    : { originalStartTime: shownTime(body.originalStartTime, view.calendar.about.timeZone, view.shownIn) }),
});

/** A row of a list: of a cancelled one only what the reference guarantees. */
export const rowOf = (view: View, change: Change<StoredEvent>): Json =>
  change.value.status === 'cancelled'
    ? gone(view, change, change.key, change.value.body)
    : described(view, change, change.key, change.value.body);

/** A single event asked for by its id: deleted ones keep what they were. */
export const wholeOf = (view: View, change: Change<StoredEvent>): Json => described(view, change, change.key, change.value.body);

const ofInstance = (change: Change<StoredEvent>, body: EventBody, { original, start, end }: Instance): EventBody => {
  const { recurrence: _, ...rest } = body;
  return { ...rest, recurringEventId: change.key, originalStartTime: original, start, end };
};

/** An instance as a row of its own; `isGone`: the series has it no more. */
export const instanceRow = (view: View, change: Change<StoredEvent>, instance: Instance, isGone = false): Json => {
  if (instance.exception !== null) return rowOf(view, instance.exception);
  const body = ofInstance(change, change.value.body, instance);
  return isGone ? gone(view, change, instance.id, body) : described(view, change, instance.id, body);
};
