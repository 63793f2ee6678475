import { type AccessRole } from './account.js';
import { answered, type GoogleAnswer, invalid, notFound, refuse } from './answers.js';
import { type ListEntry } from './calendars.js';
import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { flagOf, repeatedOf, sizeOf } from './parameters.js';
import { entryEtag, listEtag } from './rendering.js';
import { syncPointOf, syncTokenOf } from './tokens.js';
import { type ApiCall } from './world.js';

const ROLES: readonly AccessRole[] = ['freeBusyReader', 'reader', 'writerWithoutPrivateAccess', 'writer', 'owner'];

const OWNER_NOTICES = ['eventCreation', 'eventChange', 'eventCancellation', 'eventResponse'].map((type) => ({ type, method: 'email' }));

const entryJson = ({ world }: ApiCall, change: Change<ListEntry>): Json => {
  const { calendar: id, accessRole, primary, hidden, selected = true, summaryOverride, removed } = change.value;
  const about = world.calendars.calendar(id)?.about;
  const base = { kind: 'calendar#calendarListEntry', etag: entryEtag(change), id };
  if (about === undefined || removed) return { ...base, deleted: true };
  return {
    ...base,
    summary: about.summary,
    ...(about.description === undefined ? {} : { description: about.description }),
    timeZone: about.timeZone,
    ...(summaryOverride === undefined ? {} : { summaryOverride }),
    colorId: '14',
    backgroundColor: about.color ?? '#9fe1e7',
    foregroundColor: '#000000',
    ...(hidden === true ? { hidden } : {}),
    ...(selected ? { selected } : {}),
    accessRole,
    defaultReminders: accessRole === 'owner' ? [{ method: 'popup', minutes: 10 }] : [],
    ...(primary === true ? { notificationSettings: { notifications: OWNER_NOTICES }, primary } : {}),
    conferenceProperties: { allowedConferenceSolutionTypes: ['hangoutsMeet'] },
  };
};

const subjectOf = ({ person }: ApiCall): string => `${person.email} calendarList`;

const STICKY = { singleEvents: false, timeMin: null, timeMax: null, eventTypes: [] };

/** The revision to go on from; null: from the beginning. */
const sinceOf = (call: ApiCall): number | null => {
  const { query, world } = call;
  const token = query.get('syncToken');
  if (token === null) return null;
  if (query.has('minAccessRole')) invalid('minAccessRole');
  for (const name of ['showDeleted', 'showHidden']) if (flagOf(query, name) === false) invalid(name);
  const point = syncPointOf(token);
  if (point === null || point.subject !== subjectOf(call)) return invalid('syncToken', 'Invalid sync token value.');
  if (point.life === world.life) return point.revision;
  return refuse(410, {
    domain: 'calendar',
    reason: 'fullSyncRequired',
    message: 'Sync token is no longer valid, a full sync is required.',
    location: { type: 'parameter', name: 'syncToken' },
  });
};

const leastRole = ({ query }: ApiCall): number => {
  const text = query.get('minAccessRole');
  const index = ROLES.findIndex((role) => role === text);
  return text !== null && index < 0 ? invalid('minAccessRole') : index;
};

const begin = (call: ApiCall, query: string): string => {
  const { world, person } = call;
  const since = sinceOf(call);
  const least = leastRole(call);
  const [showDeleted, showHidden] = ['showDeleted', 'showHidden'].map((name) => since !== null || (flagOf(call.query, name) ?? false));
  const rows = person.list
    .since(since ?? 0)
    .filter(({ value }) => (!value.removed || showDeleted === true) && (value.hidden !== true || showHidden === true))
    .filter(({ value }) => ROLES.indexOf(value.accessRole) >= least);
  const point = { life: world.life, subject: subjectOf(call), era: 0, revision: person.list.revision(), sticky: STICKY };
  const nextSyncToken = call.query.has('minAccessRole') ? null : syncTokenOf(point);
  return world.pages.first({ rows: rows.map((change) => () => entryJson(call, change)), query, nextSyncToken });
};

/** `calendarList.list`. */
export const listCalendars = (call: ApiCall): GoogleAnswer => {
  const { query, world, person } = call;
  const size = sizeOf(query, 100, 250);
  const repeated = repeatedOf(query, subjectOf(call));
  const pageToken = query.get('pageToken');
  if (pageToken !== null && world.pages.at(pageToken, repeated) === null) invalid('pageToken');
  const shorter = Math.min(size, call.take('short-pages')?.size ?? size);
  const page = world.pages.page(pageToken ?? begin(call, repeated), shorter, call.take('empty-pages') !== null);
  return answered({
    kind: 'calendar#calendarList',
    etag: listEtag(person.list.revision(), 0),
    ...(page.nextPageToken === null ? {} : { nextPageToken: page.nextPageToken }),
    ...(page.nextSyncToken === null ? {} : { nextSyncToken: page.nextSyncToken }),
    items: page.items,
  });
};

/** `calendarList.get`. */
export const getCalendar = (call: ApiCall, id: string): GoogleAnswer => {
  const found = call.world.calendars.access(call.person, id);
  const change = found === null ? null : call.person.list.get(found.entry.calendar);
  return change === null ? notFound() : answered(entryJson(call, change), { etag: entryEtag(change) });
};
