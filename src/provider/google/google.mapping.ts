import { busyOf } from '../../calendar/busy.js';
import {
  type Attendee,
  type CalendarObject,
  type Component,
  type Contents,
  type EventType,
  type Status,
  type Timing,
} from '../../calendar/calendar-object.js';
import { type Change } from '../calendar-provider.js';
import { endZoneOf } from '../end-zone.js';
import { oneLine, plainText } from '../plain-text.js';
import { UnreadableObject } from '../unreadable-object.js';
import { exactTime, type GoogleTime, knownZone, lengthBetween, startNamedBy, wallClock, zonesBetween } from './google-time.js';
import { recurrenceOf } from './google.recurrence.js';
import { type GoogleEvent, readEvent } from './google.wire.js';

/** Version of how events are read: a change of what is read of the same answer adds one, and every calendar is read again within a day. */
export const MAPPING = 2;

/** Codes of an object's problems: a date of it makes no sense; its series is in a zone whose clock is not known. */
const LOST = 'component.bad-time';
const UNKNOWN_ZONE = 'component.unknown-zone';

/** What Google lists without an id can be asked for by no name. */
const NO_ID = 'object.bad-address';

const STATUSES: Readonly<Record<string, Status>> = { cancelled: 'cancelled', tentative: 'tentative' };

const EVENT_TYPES: Readonly<Record<string, EventType>> = {
  default: 'default',
  focusTime: 'focus-time',
  outOfOffice: 'out-of-office',
  workingLocation: 'working-location',
  birthday: 'birthday',
  fromGmail: 'from-mail',
};

const RESPONSES: Readonly<Record<string, Attendee['response']>> = {
  accepted: 'accepted',
  declined: 'declined',
  tentative: 'tentative',
};

type GooglePerson = NonNullable<GoogleEvent['organizer']>;

const textOf = (text: string | null): string | null => (text === null ? null : plainText(text));

const attendeeOf = ({ email, displayName, self, responseStatus }: GooglePerson): Attendee => ({
  name: textOf(displayName),
  email: textOf(email),
  response: RESPONSES[responseStatus ?? ''] ?? 'needs-action',
  self,
});

/** The owner's answer; null when not invited, or when the meeting is the owner's own and waits for no answer. */
const ownResponse = ({ attendees }: GoogleEvent): Attendee['response'] | null => {
  const self = attendees.find((each) => each.self);
  if (self === undefined) return null;
  const { response } = attendeeOf(self);
  return self.organizer && response === 'needs-action' ? null : response;
};

const contentsOf = (event: GoogleEvent): Contents => {
  const { organizer } = event;
  return {
    title: oneLine(textOf(event.summary)),
    location: textOf(event.location),
    description: textOf(event.description),
    organizer: organizer === null ? null : { name: textOf(organizer.displayName), email: textOf(organizer.email) },
    attendees: event.attendees.map(attendeeOf),
    url: textOf(event.htmlLink),
    uid: textOf(event.iCalUID),
  };
};

/** Where an event is read: the zone of its calendar, and who is told of what makes no sense. */
type Place = Readonly<{ calendarZone: string | null; problem: (code: string) => void }>;

/** What an event replaces in its series, by what Google says, else by its id. */
const originalOf = ({ originalStartTime, id }: GoogleEvent): GoogleTime => {
  const named = originalStartTime ?? startNamedBy(id ?? '');
  if (named === null) throw new UnreadableObject('object.bad-time');
  return named;
};

/** A series keeps to the clock of its zone; what happens once is at its instant. */
const startOf = (start: GoogleTime, isSeries: boolean, { calendarZone, problem }: Place): Timing['start'] => {
  if (!isSeries) return exactTime(start, calendarZone);
  if (start.date === null && knownZone(start.timeZone ?? calendarZone) === null) problem(UNKNOWN_ZONE);
  return wallClock(start, calendarZone);
};

const seriesOf = (event: GoogleEvent, start: Timing['start'], { calendarZone, problem }: Place): Partial<Timing> => {
  if (event.recurringEventId !== null) return { recurrenceId: wallClock(originalOf(event), calendarZone) };
  if (event.recurrence === null || event.recurrence === undefined) return {};
  return recurrenceOf(event.recurrence, 'zone' in start ? start.zone : null, () => {
    problem(LOST);
  });
};

const SINGLE = { recurrenceId: null, thisAndFuture: false, rules: [], rdates: [], exdates: [] };

const componentOf = (event: GoogleEvent, place: Place): Component => {
  const { start: from, end, recurringEventId, recurrence } = event;
  if (from === null) throw new UnreadableObject('object.bad-time');
  const isSeries = recurringEventId === null && (recurrence?.length ?? 0) > 0;
  const start = startOf(from, isSeries, place);
  const status = STATUSES[event.status ?? ''] ?? 'confirmed';
  return {
    ...SINGLE,
    start,
    span: lengthBetween(from, end, place.calendarZone),
    ...seriesOf(event, start, place),
    status,
    busy: busyOf({
      status,
      transparent: event.transparency === 'transparent',
      response: ownResponse(event),
      eventType: event.eventType,
      showAs: null,
    }),
    private: event.visibility === 'private' || event.visibility === 'confidential',
    contents: { ...contentsOf(event), ...endZoneOf(...zonesBetween(from, end, place.calendarZone)) },
  };
};

/** An instance that is cancelled: of it Google promises no more than which one of which series it is. */
const holeOf = (event: GoogleEvent, { calendarZone }: Place): Component => {
  const recurrenceId = wallClock(originalOf(event), calendarZone);
  const span = 'date' in recurrenceId ? { days: 1, seconds: 0 } : { days: 0, seconds: 0 };
  const taken = {
    status: 'cancelled',
    busy: 'free',
    private: event.visibility === 'private' || event.visibility === 'confidential',
  } as const;
  return { ...SINGLE, recurrenceId, start: recurrenceId, span, ...taken, contents: contentsOf(event) };
};

/** One event of a list, which is one object: an event, a series, or an instance that differs from its series and is stored apart from it. */
const objectOf = (event: GoogleEvent, id: string, calendarZone: string | null): CalendarObject => {
  const problems = new Set<string>();
  const place = { calendarZone, problem: (code: string) => void problems.add(code) };
  const component = event.status === 'cancelled' ? holeOf(event, place) : componentOf(event, place);
  return {
    remoteId: id,
    etag: event.etag,
    seriesRemoteId: event.recurringEventId ?? id,
    components: [component],
    zones: {},
    eventType: event.eventType === null ? 'default' : (EVENT_TYPES[event.eventType] ?? 'other'),
    problems: [...problems],
  };
};

/**
 * What one line of a list says. `isHole`: it is an instance that was taken out of the series `seriesRemoteId`; a cancelled event of any other kind is
 * `removed`. What makes no sense is `unreadable` and hides nothing else. `calendarZone`: the zone the answer names as the calendar's.
 */
export type Line = Readonly<{ change: Change; seriesRemoteId: string | null; isHole: boolean }>;

export const readLine = (row: unknown, calendarZone: string | null, index: number): Line => {
  const event = readEvent(row);
  const id = event?.id ?? null;
  if (event === null || id === null || id === '') {
    const nameless = { kind: 'unreadable', remoteId: `nameless-${index}`, etag: null, code: NO_ID } as const;
    return { change: nameless, seriesRemoteId: null, isHole: false };
  }
  const { recurringEventId: seriesRemoteId, status, etag } = event;
  const isCancelled = status === 'cancelled';
  if (isCancelled && seriesRemoteId === null) return { change: { kind: 'removed', remoteId: id }, seriesRemoteId, isHole: false };
  try {
    return { change: { kind: 'object', object: objectOf(event, id, calendarZone) }, seriesRemoteId, isHole: isCancelled };
  } catch (error) {
    if (!(error instanceof UnreadableObject)) throw error;
    return { change: { kind: 'unreadable', remoteId: id, etag, code: error.code }, seriesRemoteId, isHole: false };
  }
};
