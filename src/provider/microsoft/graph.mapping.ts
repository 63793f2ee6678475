import { busyOf } from '../../calendar/busy.js';
import {
  type Attendee,
  type CalendarObject,
  type Component,
  type Contents,
  type EventType,
  type Span,
  type When,
} from '../../calendar/calendar-object.js';
import { endZoneOf } from '../end-zone.js';
import { oneLine, plainText } from '../plain-text.js';
import { UnreadableObject } from '../unreadable-object.js';
import { dateOf, daysBetween, exactTime, type GraphTime, instantOf, knownZone, secondsBetween } from './graph-time.js';
import { type GraphEvent } from './graph.wire.js';

/** Version of how events are read: a change of what is read of the same answer adds one, and every calendar is read again within a day. */
export const MAPPING = 1;

const RESPONSES: Readonly<Record<string, Attendee['response']>> = {
  accepted: 'accepted',
  organizer: 'accepted',
  declined: 'declined',
  tentativelyaccepted: 'tentative',
};

/** The owner's own answer to an invitation; null where none is waited for. */
const OWN: Readonly<Record<string, Attendee['response']>> = {
  declined: 'declined',
  tentativelyaccepted: 'tentative',
  notresponded: 'needs-action',
};

const EVENT_TYPES: Readonly<Record<string, EventType>> = { oof: 'out-of-office', workingelsewhere: 'working-location' };

const lower = (text: string | null | undefined): string => text?.toLowerCase() ?? '';

const textOf = (text: string | null | undefined): string | null => (text === null || text === undefined ? null : plainText(text));

/** `own`: the address of the account, in lower case; null where it is not known. */
const attendeeOf = ({ emailAddress, status }: GraphEvent['attendees'][number], own: string | null): Attendee => ({
  name: textOf(emailAddress?.name),
  email: textOf(emailAddress?.address),
  response: RESPONSES[lower(status?.response)] ?? 'needs-action',
  self: own !== null && lower(emailAddress?.address) === own,
});

const organizerOf = ({ organizer }: GraphEvent): Contents['organizer'] => {
  const address = organizer?.emailAddress ?? null;
  return address === null ? null : { name: textOf(address.name), email: textOf(address.address) };
};

/** The zones in which an event starts and ends, where they are known. */
const zonesOf = ({ isAllDay, originalStartTimeZone, originalEndTimeZone }: GraphEvent): readonly [string | null, string | null] =>
  isAllDay ? [null, null] : [knownZone(originalStartTimeZone), knownZone(originalEndTimeZone)];

/** `uid`: that of its series, since each occurrence has an iCalUId of its own. */
export const contentsOf = (event: GraphEvent, uid: string | null, own: string | null): Contents => ({
  title: oneLine(textOf(event.subject)),
  location: textOf(event.location?.displayName),
  description: textOf(event.body?.content),
  organizer: organizerOf(event),
  attendees: event.attendees.map((each) => attendeeOf(each, own)),
  url: textOf(event.webLink),
  uid: textOf(uid),
  ...endZoneOf(...zonesOf(event)),
});

/** How an event counts. What Graph does not tell, or tells in a word that is not known, takes up time. */
export const countsAs = (event: GraphEvent): Pick<Component, 'status' | 'busy' | 'private'> => {
  const status = event.isCancelled ? 'cancelled' : 'confirmed';
  const response = OWN[lower(event.responseStatus?.response)] ?? null;
  return {
    status,
    busy: busyOf({ status, transparent: false, response, eventType: null, showAs: event.showAs }),
    private: ['private', 'confidential'].includes(lower(event.sensitivity)),
  };
};

export const eventTypeOf = ({ showAs }: GraphEvent): EventType => EVENT_TYPES[lower(showAs)] ?? 'default';

/** When an event begins and how long it lasts. Throws `UnreadableObject`. */
export const timesOf = (
  event: Pick<GraphEvent, 'start' | 'end'>,
  isAllDay: boolean,
  zone: string | null,
): Readonly<{ start: When; span: Span }> => {
  const start: GraphTime | null = event.start;
  if (start === null) throw new UnreadableObject('object.bad-time');
  const end = event.end ?? start;
  if (isAllDay) return { start: { date: dateOf(start) }, span: daysBetween(start, end) };
  return { start: exactTime(instantOf(start), zone), span: secondsBetween(start, end) };
};

export const PLAIN = { recurrenceId: null, thisAndFuture: false, rules: [], rdates: [], exdates: [] } as const;

/** An event on its own clock: one that happens once, or an exception of a series. Throws `UnreadableObject`. */
export const componentOf = (event: GraphEvent, uid: string | null, own: string | null): Component => ({
  ...PLAIN,
  ...timesOf(event, event.isAllDay, zonesOf(event)[0]),
  ...countsAs(event),
  contents: contentsOf(event, uid, own),
});

/** An event that happens once. Throws `UnreadableObject`. */
export const singleOf = (event: GraphEvent, id: string, own: string | null): CalendarObject => ({
  remoteId: id,
  etag: event['@odata.etag'],
  seriesRemoteId: id,
  components: [componentOf(event, event.iCalUId, own)],
  zones: {},
  eventType: eventTypeOf(event),
  problems: [],
});
