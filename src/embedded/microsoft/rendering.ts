import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { type ListedCalendar } from './account.js';
import { type GraphBody, graphId, isAllDay, shownTime, type StoredEvent } from './event.js';
import { type GraphCalendar, type Person } from './mailboxes.js';
import { type Preferences } from './preferences.js';
import { type Occurrence } from './series.js';

/** Whose eyes an event is shown to, and how they asked. `basic`: without bodies, as Calendars.ReadBasic opens it. */
export type View = Readonly<{
  calendar: GraphCalendar;
  person: Person;
  entry: ListedCalendar;
  prefer: Preferences;
  origin: string;
  basic: boolean;
}>;

const NEVER = '0001-01-01T00:00:00Z';

/** A mark that no two versions of an event have in common. */
export const changeKeyOf = ({ value, revision }: Change<StoredEvent>): string =>
  btoa(`${value.updated.toString(36)}.${revision.toString(36)}`.padEnd(15, ' '));

export const etagOf = (change: Change<StoredEvent>): string => `W/"${changeKeyOf(change)}"`;

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '0000Z');

/** An original start as Graph writes it: whole days at midnight. */
export const originalStartOf = (original: string): string =>
  /^\d{4}-\d\d-\d\d$/.test(original) ? `${original}T00:00:00Z` : original.replace(/\.\d+Z$/, 'Z');

type Addressed = Readonly<{ emailAddress?: Readonly<{ name?: string; address?: string }>; status?: Json }>;

const sameAddress = (a: Addressed | undefined, address: string): boolean =>
  a?.emailAddress?.address?.toLowerCase() === address.toLowerCase();

const attendeesOf = (body: GraphBody): readonly Addressed[] => (body['attendees'] ?? []) as readonly Addressed[];

const plain = (html: string): string =>
  html
    .replace(/<(?:br|\/p|\/div)[^>]*>/gi, '\r\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&nbsp;/g, ' ');

type ItemBody = Readonly<{ contentType?: string; content?: string }>;

const bodyText = (body: GraphBody): string => {
  const { contentType = 'text', content = '' } = (body['body'] ?? {}) as ItemBody;
  return contentType.toLowerCase() === 'html' ? plain(content).trim() : content;
};

const bodyOf = ({ prefer, basic }: View, body: GraphBody): Json => {
  if (basic) return {};
  const { contentType = 'text', content = '' } = (body['body'] ?? {}) as ItemBody;
  if (prefer.text) return { body: { contentType: 'text', content: bodyText(body) } };
  const html = contentType.toLowerCase() === 'html' || content === '' ? content : `<html><body>${content}</body></html>`;
  return { body: { contentType: 'html', content: html } };
};

const LOCATION = { displayName: '', locationType: 'default', uniqueIdType: 'unknown', address: {}, coordinates: {} };

const whereOf = (body: GraphBody): Json => {
  const given = (body['location'] ?? null) as Json | null;
  const isNamed = typeof given?.['displayName'] === 'string' && given['displayName'] !== '';
  const location = { ...LOCATION, ...given, ...(isNamed ? { uniqueId: given['displayName'], uniqueIdType: 'private' } : {}) };
  return { location, locations: isNamed ? [location] : [] };
};

const peopleOf = ({ calendar }: View, body: GraphBody): Json => {
  const { name, address } = calendar.about.owner;
  const organizer = (body['organizer'] ?? { emailAddress: { name, address } }) as Addressed;
  const isOrganizer = sameAddress(organizer, address);
  const own = attendeesOf(body).find((each) => sameAddress(each, address));
  return {
    isOrganizer,
    responseStatus:
      body['responseStatus'] ?? (isOrganizer ? { response: 'organizer', time: NEVER } : (own?.status ?? { response: 'none', time: NEVER })),
    attendees: attendeesOf(body).map((each) => ({ type: 'required', status: { response: 'none', time: NEVER }, ...each })),
    organizer,
  };
};

const timesOf = ({ prefer }: View, body: GraphBody): Json => {
  const { start, end = start, originalStart } = body;
  const whole = isAllDay(body);
  return {
    ...(start === undefined ? {} : { start: shownTime(start, whole, prefer.zone) }),
    ...(end === undefined ? {} : { end: shownTime(end, whole, prefer.zone) }),
    ...(originalStart === undefined ? {} : { originalStart: originalStartOf(originalStart) }),
  };
};

export type EventKind = 'singleInstance' | 'seriesMaster' | 'occurrence' | 'exception';

export const kindOf = ({ body }: StoredEvent): EventKind => {
  if (body.seriesMasterId !== undefined) return 'exception';
  return body.recurrence === undefined || body.recurrence === null ? 'singleInstance' : 'seriesMaster';
};

/** What is written of an event, or what an event has when nothing is. */
const saidOf = (body: GraphBody): Json => ({
  categories: body['categories'] ?? [],
  transactionId: body['transactionId'] ?? null,
  reminderMinutesBeforeStart: body['reminderMinutesBeforeStart'] ?? 15,
  isReminderOn: body['isReminderOn'] ?? true,
  hasAttachments: false,
  subject: body['subject'] ?? '',
  importance: body['importance'] ?? 'normal',
  sensitivity: body['sensitivity'] ?? 'normal',
  isCancelled: body['isCancelled'] ?? false,
  responseRequested: body['responseRequested'] ?? true,
  showAs: body['showAs'] ?? 'busy',
  isOnlineMeeting: body['isOnlineMeeting'] ?? false,
  onlineMeetingProvider: body['onlineMeetingProvider'] ?? 'unknown',
  onlineMeetingUrl: body['onlineMeetingUrl'] ?? null,
  onlineMeeting: body['onlineMeeting'] ?? null,
  allowNewTimeProposals: body['allowNewTimeProposals'] ?? true,
  isDraft: body['isDraft'] ?? false,
  hideAttendees: body['hideAttendees'] ?? false,
});

/** Of what others may not read nothing is told but when it is. */
const isHidden = ({ entry }: View, body: GraphBody): boolean =>
  entry.role === 'freeBusyRead' ||
  (entry.role !== 'owner' && (body['sensitivity'] === 'private' || body['sensitivity'] === 'confidential'));

const KEPT_WHEN_HIDDEN = new Set([
  'start',
  'end',
  'isAllDay',
  'recurrence',
  'seriesMasterId',
  'originalStart',
  'showAs',
  'sensitivity',
  'uid',
]);

const readable = (view: View, body: GraphBody): GraphBody => {
  if (!isHidden(view, body)) return view.entry.role === 'limitedRead' ? { ...body, body: undefined, attendees: [] } : body;
  return Object.fromEntries(Object.entries(body).filter(([field]) => KEPT_WHEN_HIDDEN.has(field)));
};

const uidsOf = (body: GraphBody, key: string, kind: EventKind): Json => {
  const given = body['uid'] ?? body['iCalUId'];
  const uid = typeof given === 'string' ? given : `${body.seriesMasterId ?? key}@outlook.example`;
  const isOne = kind === 'occurrence' || kind === 'exception';
  return { iCalUId: isOne ? `${uid}-${(body.originalStart ?? '').replace(/\D/g, '')}` : (body['iCalUId'] ?? uid), uid };
};

/** An event whole, as `GET /me/events/{id}` answers it. */
export const eventRow = (view: View, change: Change<StoredEvent>, key: string, body: GraphBody, kind: EventKind): Json => {
  const { prefer, origin } = view;
  const id = graphId(key, prefer.immutable);
  const shown = readable(view, body);
  const { value } = change;
  return {
    '@odata.etag': etagOf(change),
    id,
    createdDateTime: instant(value.created),
    lastModifiedDateTime: instant(value.updated),
    changeKey: changeKeyOf(change),
    ...saidOf(shown),
    ...(view.basic ? {} : { bodyPreview: bodyText(shown).slice(0, 255) }),
    originalStartTimeZone: body['originalStartTimeZone'] ?? body.start?.timeZone ?? 'UTC',
    originalEndTimeZone: body['originalEndTimeZone'] ?? body.end?.timeZone ?? 'UTC',
    ...uidsOf(shown, key, kind),
    isAllDay: isAllDay(body),
    seriesMasterId: body.seriesMasterId === undefined ? null : graphId(body.seriesMasterId, prefer.immutable),
    type: kind,
    webLink: `${origin}/owa/?itemid=${encodeURIComponent(id)}&exvsurl=1&path=/calendar/item`,
    occurrenceId: null,
    ...bodyOf(view, shown),
    ...timesOf(view, body),
    ...whereOf(shown),
    recurrence: kind === 'seriesMaster' ? body.recurrence : null,
    ...peopleOf(view, shown),
  };
};

export const rowOf = (view: View, change: Change<StoredEvent>): Json =>
  eventRow(view, change, change.key, change.value.body, kindOf(change.value));

/** An occurrence whole, as calendarView and `/instances` answer it. */
export const occurrenceRow = (view: View, master: Change<StoredEvent>, occurrence: Occurrence): Json => {
  if (occurrence.exception !== null)
    return eventRow(view, occurrence.exception, occurrence.key, inherited(master, occurrence.exception), 'exception');
  const { key, original: originalStart, start, end } = occurrence;
  const { recurrence: _, ...rest } = master.value.body;
  const zones = {
    originalStartTimeZone: rest['originalStartTimeZone'] ?? rest.start?.timeZone,
    originalEndTimeZone: rest['originalEndTimeZone'] ?? rest.end?.timeZone,
  };
  return eventRow(view, master, key, { ...rest, ...zones, start, end, originalStart, seriesMasterId: master.key }, 'occurrence');
};

/** What an exception does not say itself is its series'. */
export const inherited = (master: Change<StoredEvent> | null, exception: Change<StoredEvent>): GraphBody => {
  const { recurrence: _, originalStartTimeZone: __, originalEndTimeZone: ___, ...rest } = master?.value.body ?? {};
  return { ...rest, ...exception.value.body };
};

/** An occurrence in a delta round: when it is, and whose. */
export const sparseRow = ({ prefer }: View, master: Change<StoredEvent>, { key, start, end }: Occurrence): Json => {
  const whole = isAllDay(master.value.body);
  return {
    '@odata.etag': etagOf(master),
    seriesMasterId: graphId(master.key, prefer.immutable),
    type: 'occurrence',
    id: graphId(key, prefer.immutable),
    start: shownTime(start, whole, prefer.zone),
    end: shownTime(end, whole, prefer.zone),
  };
};

export const removedRow = ({ prefer }: View, key: string, reason: 'deleted' | 'changed'): Json => ({
  id: graphId(key, prefer.immutable),
  '@removed': { reason },
});
