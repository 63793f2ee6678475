import { type Json } from '../json.js';
import { answered, type GoogleAnswer, invalid, refuse } from './answers.js';
import { type Asked, type Row, rowsOf } from './event-rows.js';
import { flagOf, instantOf, repeatedOf, sizeOf } from './parameters.js';
import { listEtag, type View } from './rendering.js';
import { type Sticky, type SyncPoint, syncPointOf, syncTokenOf } from './tokens.js';
import { type ApiCall } from './world.js';

const FORBIDDEN_WITH_TOKEN = [
  ...['iCalUID', 'orderBy', 'privateExtendedProperty', 'q', 'sharedExtendedProperty', 'timeMin', 'timeMax', 'updatedMin'],
] as const;

/** A list that is asked for with one of these cannot be gone on with. */
const NEVER_SYNCED = ['orderBy', 'q', 'updatedMin', 'iCalUID', 'privateExtendedProperty', 'sharedExtendedProperty'] as const;

const subjectOf = ({ person }: ApiCall, view: View): string => `${person.email} ${view.calendar.about.id}`;

const badRequest = (parameter: string, message: string): never =>
  refuse(400, { reason: 'badRequest', message, location: { type: 'parameter', name: parameter } });

const checkTogether = ({ query }: ApiCall): void => {
  const both = FORBIDDEN_WITH_TOKEN.find((name) => query.has(name));
  if (both !== undefined) badRequest(both, `Sync token cannot be used with ${both}.`);
  if (flagOf(query, 'showDeleted') === false) badRequest('showDeleted', 'Sync token requires deleted events to be shown.');
};

const fullSyncRequired = (): never =>
  refuse(410, {
    domain: 'calendar',
    reason: 'fullSyncRequired',
    message: 'Sync token is no longer valid, a full sync is required.',
    location: { type: 'parameter', name: 'syncToken' },
  });

/** What a sync token stands for, when it may be used for this request. */
const pointOf = (call: ApiCall, view: View, token: string): SyncPoint => {
  const { world, query } = call;
  checkTogether(call);
  const point = syncPointOf(token);
  if (point === null || point.subject !== subjectOf(call, view)) return invalid('syncToken', 'Invalid sync token value.');
  const refused = call.take(query.has('pageToken') ? 'token-refused-midway' : 'token-refused') !== null;
  if (refused || point.life !== world.life) return fullSyncRequired();
  if (point.era !== world.calendars.era(view.calendar.about.id)) return fullSyncRequired();
  if ((flagOf(query, 'singleEvents') ?? false) !== point.sticky.singleEvents) return invalid('singleEvents');
  if (query.getAll('eventTypes').join() !== point.sticky.eventTypes.join()) return invalid('eventTypes');
  return point;
};

const boundsOf = ({ query }: ApiCall): Pick<Sticky, 'timeMin' | 'timeMax'> => {
  const [from, to] = [instantOf(query.get('timeMin'), 'timeMin'), instantOf(query.get('timeMax'), 'timeMax')];
  if (from !== null && to !== null && from >= to)
    refuse(400, {
      domain: 'calendar',
      reason: 'timeRangeEmpty',
      message: 'The specified time range is empty.',
      location: { type: 'parameter', name: 'timeMax' },
    });
  return { timeMin: query.get('timeMin'), timeMax: query.get('timeMax') };
};

const orderOf = ({ query }: ApiCall, singleEvents: boolean): 'startTime' | 'updated' | null => {
  const order = query.get('orderBy');
  if (order === null) return null;
  if (order === 'startTime' && !singleEvents)
    return badRequest('orderBy', 'The requested ordering is not available for the particular query.');
  return order === 'startTime' || order === 'updated' ? order : invalid('orderBy');
};

const MONTH = 28 * 86_400_000;

const propertiesOf = ({ change }: Row, kind: 'private' | 'shared'): Json => {
  const properties = (change.value.body['extendedProperties'] ?? {}) as Readonly<Record<string, Json | undefined>>;
  return properties[kind] ?? {};
};

const textField = (value: unknown): string => (typeof value === 'string' ? value : '');

const textOf = ({ change }: Row): string =>
  ['summary', 'description', 'location']
    .map((field) => textField(change.value.body[field]))
    .join('\n')
    .toLowerCase();

/** What a full list leaves out when it is searched. */
const searched = ({ query, world }: ApiCall, rows: readonly Row[]): readonly Row[] => {
  const updatedMin = instantOf(query.get('updatedMin'), 'updatedMin');
  if (updatedMin !== null && updatedMin < world.clock.now() - MONTH)
    refuse(410, {
      domain: 'calendar',
      reason: 'updatedMinTooLongAgo',
      message: 'The requested minimum modification time lies too far in the past.',
      location: { type: 'parameter', name: 'updatedMin' },
    });
  const has = (row: Row, kind: 'private' | 'shared', pair: string): boolean => {
    const [name = '', ...value] = pair.split('=');
    return propertiesOf(row, kind)[name] === value.join('=');
  };
  return rows.filter(
    (row) =>
      (updatedMin === null || row.change.value.updated >= updatedMin) &&
      (!query.has('iCalUID') || row.render()['iCalUID'] === query.get('iCalUID')) &&
      textOf(row).includes((query.get('q') ?? '').toLowerCase()) &&
      query.getAll('privateExtendedProperty').every((pair) => has(row, 'private', pair)) &&
      query.getAll('sharedExtendedProperty').every((pair) => has(row, 'shared', pair)),
  );
};

const sorted = (rows: readonly Row[], order: 'startTime' | 'updated' | null): readonly Row[] => {
  if (order === 'startTime') return [...rows].sort((a, b) => a.start - b.start);
  return order === 'updated' ? [...rows].sort((a, b) => a.change.value.updated - b.change.value.updated) : rows;
};

const begin = (call: ApiCall, view: View, query: string): string => {
  const { world } = call;
  const token = call.query.get('syncToken');
  const point = token === null ? null : pointOf(call, view, token);
  const singleEvents = flagOf(call.query, 'singleEvents') ?? false;
  const sticky = point?.sticky ?? { singleEvents, ...boundsOf(call), eventTypes: call.query.getAll('eventTypes') };
  const asked: Asked = {
    view,
    calendars: world.calendars,
    sticky,
    since: point?.revision ?? null,
    showDeleted: flagOf(call.query, 'showDeleted') ?? false,
    now: world.clock.now(),
  };
  const order = orderOf(call, singleEvents);
  const rows = point === null ? sorted(searched(call, rowsOf(asked)), order) : rowsOf(asked);
  const id = view.calendar.about.id;
  const next = {
    life: world.life,
    subject: subjectOf(call, view),
    era: world.calendars.era(id),
    revision: view.calendar.events.revision(),
    sticky,
  };
  const canGoOn = NEVER_SYNCED.every((name) => !call.query.has(name));
  return world.pages.first({ rows: rows.map(({ render }) => render), query, nextSyncToken: canGoOn ? syncTokenOf(next) : null });
};

const headOf = ({ calendar, role }: View, updated: number): Json => ({
  kind: 'calendar#events',
  etag: listEtag(calendar.events.revision(), updated),
  summary: calendar.about.summary,
  ...(calendar.about.description === undefined ? {} : { description: calendar.about.description }),
  updated: new Date(updated).toISOString(),
  timeZone: calendar.about.timeZone,
  accessRole: role,
  defaultReminders: role === 'owner' ? [{ method: 'popup', minutes: 10 }] : [],
});

/** A page of a list, with what every page says of the calendar. */
export const pageAnswer = (call: ApiCall, view: View, token: string, size: number): GoogleAnswer => {
  const last = view.calendar.events.since(0).at(-1)?.value.updated ?? 0;
  const shorter = call.take('short-pages')?.size ?? size;
  const page = call.world.pages.page(token, Math.min(size, shorter), call.take('empty-pages') !== null);
  return answered({
    ...headOf(view, last),
    ...(page.nextPageToken === null ? {} : { nextPageToken: page.nextPageToken }),
    ...(page.nextSyncToken === null ? {} : { nextSyncToken: page.nextSyncToken }),
    items: page.items,
  });
};

/** `events.list`: whole, from a sync token on, or a further page of either. */
export const listEvents = (call: ApiCall, view: View): GoogleAnswer => {
  const { query, world } = call;
  const size = sizeOf(query, 250, 2_500);
  const repeated = repeatedOf(query, subjectOf(call, view));
  const pageToken = query.get('pageToken');
  if (pageToken === null) return pageAnswer(call, view, begin(call, view, repeated), size);
  const token = query.get('syncToken');
  if (token !== null) pointOf(call, view, token);
  return world.pages.at(pageToken, repeated) === null ? invalid('pageToken') : pageAnswer(call, view, pageToken, size);
};
