import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { bodyOf, bodyText, inOrder, instant, peopleOf, saidOf, timesOf, whereOf } from './event-members.js';
import { type GraphBody, graphId, isAllDay, shownTime, type StoredEvent } from './event.js';
import { type Occurrence } from './series.js';
import { type View } from './view.js';

/** A mark that no two versions of an event have in common. */
export const changeKeyOf = ({ value, revision }: Change<StoredEvent>): string =>
  btoa(`${value.updated.toString(36)}.${revision.toString(36)}`.padEnd(15, ' '));

export const etagOf = (change: Change<StoredEvent>): string => `W/"${changeKeyOf(change)}"`;

export type EventKind = 'singleInstance' | 'seriesMaster' | 'occurrence' | 'exception';

export const kindOf = ({ body }: StoredEvent): EventKind => {
  if (body.seriesMasterId !== undefined) return 'exception';
  return body.recurrence === undefined || body.recurrence === null ? 'singleInstance' : 'seriesMaster';
};

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
  return inOrder({
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
  });
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
