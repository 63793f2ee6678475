import { type Json } from '../json.js';
import { type GraphBody, isAllDay, shownTime } from './event.js';
import { type View } from './view.js';

const NEVER = '0001-01-01T00:00:00Z';

/** Graph writes fractions of seconds in seven digits. */
export const instant = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '0000Z');

/** An original start as Graph writes it: whole days at midnight. */
const originalStartOf = (original: string): string =>
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

/** The body of an event as plain text. */
export const bodyText = (body: GraphBody): string => {
  const { contentType = 'text', content = '' } = (body['body'] ?? {}) as ItemBody;
  return contentType.toLowerCase() === 'html' ? plain(content).trim() : content;
};

export const bodyOf = ({ prefer, basic }: View, body: GraphBody): Json => {
  if (basic) return {};
  const { contentType = 'text', content = '' } = (body['body'] ?? {}) as ItemBody;
  if (prefer.text) return { body: { contentType: 'text', content: bodyText(body) } };
  const html = contentType.toLowerCase() === 'html' || content === '' ? content : `<html><body>${content}</body></html>`;
  return { body: { contentType: 'html', content: html } };
};

const LOCATION = { displayName: '', locationType: 'default', uniqueIdType: 'unknown', address: {}, coordinates: {} };

export const whereOf = (body: GraphBody): Json => {
  const given = (body['location'] ?? null) as Json | null;
  const isNamed = typeof given?.['displayName'] === 'string' && given['displayName'] !== '';
  const location = { ...LOCATION, ...given, ...(isNamed ? { uniqueId: given['displayName'], uniqueIdType: 'private' } : {}) };
  return { location, locations: isNamed ? [location] : [] };
};

export const peopleOf = ({ calendar }: View, body: GraphBody): Json => {
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

export const timesOf = ({ prefer }: View, body: GraphBody): Json => {
  const { start, end = start, originalStart } = body;
  const whole = isAllDay(body);
  return {
    ...(start === undefined ? {} : { start: shownTime(start, whole, prefer.zone) }),
    ...(end === undefined ? {} : { end: shownTime(end, whole, prefer.zone) }),
    ...(originalStart === undefined ? {} : { originalStart: originalStartOf(originalStart) }),
  };
};

/** What is written of an event, or what an event has when nothing is. */
export const saidOf = (body: GraphBody): Json => ({
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

/** The order in which Graph names the members of an event. */
const ORDER = [
  ...['@odata.etag', 'id', 'createdDateTime', 'lastModifiedDateTime', 'changeKey', 'categories', 'transactionId', 'originalStartTimeZone'],
  ...['originalEndTimeZone', 'iCalUId', 'uid', 'reminderMinutesBeforeStart', 'isReminderOn', 'hasAttachments', 'subject', 'bodyPreview'],
  ...[
    'importance',
    'sensitivity',
    'isAllDay',
    'isCancelled',
    'isOrganizer',
    'responseRequested',
    'seriesMasterId',
    'showAs',
    'type',
    'webLink',
  ],
  ...['onlineMeetingUrl', 'isOnlineMeeting', 'onlineMeetingProvider', 'allowNewTimeProposals', 'occurrenceId', 'isDraft', 'hideAttendees'],
  ...[
    'responseStatus',
    'body',
    'originalStart',
    'start',
    'end',
    'location',
    'locations',
    'recurrence',
    'attendees',
    'organizer',
    'onlineMeeting',
  ],
];

export const inOrder = (row: Json): Json => Object.fromEntries(ORDER.flatMap((name) => (name in row ? [[name, row[name]]] : [])));
