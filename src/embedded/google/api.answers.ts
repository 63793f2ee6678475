import { type Json } from '../json.js';
import { errorAnswer, type GoogleAnswer, HTML_PAGE, invalid, notFound, Refusal, refuse } from './answers.js';
import { stopChannel, watch } from './api.watch.js';
import { type ListEntry, type GoogleCalendar } from './calendars.js';
import { getCalendar, listCalendars } from './calendar-list.js';
import { listEvents } from './event-list.js';
import { getEvent, instances } from './event-single.js';
import { type Place } from './faults.js';
import { onlyFields } from './fields.js';
import { zoneOf } from './parameters.js';
import { type View } from './rendering.js';
import { type Method, openingOf } from './scopes.js';
import { type ApiCall, type World } from './world.js';

export type ApiRequest = Readonly<{
  method: string;
  path: string;
  query: URLSearchParams;
  header: (name: string) => string | null;
  body: string;
}>;

/** What is asked for by method and path. `calendar`: as the path names it. */
type Route = Readonly<{ method: Method; calendar: string | null; event: string | null }>;

const ROUTES: readonly Readonly<{ verb: string; path: RegExp; method: Method }>[] = [
  { verb: 'GET', path: /^users\/me\/calendarList$/, method: 'calendarList.list' },
  { verb: 'GET', path: /^users\/me\/calendarList\/([^/]+)$/, method: 'calendarList.get' },
  { verb: 'GET', path: /^calendars\/([^/]+)\/events$/, method: 'events.list' },
  { verb: 'POST', path: /^calendars\/([^/]+)\/events\/watch$/, method: 'events.watch' },
  { verb: 'GET', path: /^calendars\/([^/]+)\/events\/([^/]+)$/, method: 'events.get' },
  { verb: 'GET', path: /^calendars\/([^/]+)\/events\/([^/]+)\/instances$/, method: 'events.instances' },
  { verb: 'POST', path: /^channels\/stop$/, method: 'channels.stop' },
];

const decoded = (text: string | undefined): string | null => {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
};

const routeOf = ({ method, path }: ApiRequest): Route | null => {
  const rest = path.replace(/^\/calendar\/v3\//, '');
  for (const route of ROUTES) {
    const match = route.verb === method ? route.path.exec(rest) : null;
    if (match !== null) return { method: route.method, calendar: decoded(match[1]), event: decoded(match[2]) };
  }
  return null;
};

const unauthenticated = (): never =>
  refuse(
    401,
    {
      reason: 'authError',
      message: 'Invalid Credentials',
      location: { type: 'header', name: 'Authorization' },
      rest: { status: 'UNAUTHENTICATED' },
    },
    { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  );

const info = (reason: string, metadata: Json): Json => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata: { service: 'calendar-json.googleapis.com', ...metadata },
});

const insufficient = (method: Method): never => {
  const [collection = '', verb = ''] = method.split('.').map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}`);
  const details = [info('ACCESS_TOKEN_SCOPE_INSUFFICIENT', { method: `calendar.v3.${collection}.${verb}` })];
  return refuse(403, {
    reason: 'insufficientPermissions',
    message: 'Request had insufficient authentication scopes.',
    rest: { status: 'PERMISSION_DENIED', details },
  });
};

const waiting = (seconds: number | null): Readonly<Record<string, string>> => (seconds === null ? {} : { 'retry-after': String(seconds) });

/** Refuses what one of the switched-on faults refuses. */
const checkFaults = ({ take }: Pick<ApiCall, 'take'>): void => {
  if (take('access-refused') !== null) unauthenticated();
  if (take('api-disabled') !== null)
    refuse(403, {
      domain: 'usageLimits',
      reason: 'accessNotConfigured',
      message: 'Google Calendar API has not been used in this project before or it is disabled.',
      rest: { status: 'PERMISSION_DENIED', details: [info('SERVICE_DISABLED', { consumer: 'projects/sandbox' })] },
    });
  const limited = take('rate-limited');
  if (limited !== null)
    refuse(limited.status, { domain: 'usageLimits', reason: limited.reason, message: 'Rate Limit Exceeded' }, waiting(limited.retryAfter));
  const unavailable = take('unavailable');
  if (unavailable !== null) refuse(503, { reason: 'backendError', message: 'Backend Error' }, waiting(unavailable.retryAfter));
  if (take('senseless') !== null) throw new Refusal(HTML_PAGE);
  if (take('broken') !== null) refuse(500, { reason: 'backendError', message: 'Backend Error' });
};

const callOf = (world: World, request: ApiRequest, route: Route): ApiCall => {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
  const access = world.grants.byAccess(token);
  const person = access === null ? null : world.calendars.person(access.account);
  if (access === null || person === null) return unauthenticated();
  const calendar = route.calendar === 'primary' ? person.email : route.calendar;
  const place: Place = { account: person.email, calendar, on: 'api' };
  const take: ApiCall['take'] = (name) => world.faults.take(name, place);
  checkFaults({ take });
  const opening = openingOf(route.method, new Set(access.scopes)) ?? insufficient(route.method);
  return { world, person, method: route.method, opening, place, path: request.path, query: request.query, body: request.body, take };
};

const ownerOf = ({ world }: ApiCall, calendar: GoogleCalendar): string =>
  world.calendars.people().find((each) => each.list.get(calendar.about.id)?.value.accessRole === 'owner')?.email ?? calendar.about.id;

const viewOf = (call: ApiCall, calendar: GoogleCalendar, entry: ListEntry): View => ({
  calendar,
  role: entry.accessRole,
  owner: ownerOf(call, calendar),
  shownIn: zoneOf(call.query, calendar.about.timeZone),
  busyOnly: call.opening === 'busy' || entry.accessRole === 'freeBusyReader',
  origin: call.world.origin(),
});

const onCalendar = (call: ApiCall, { calendar: id, event }: Route): GoogleAnswer => {
  const found = call.world.calendars.access(call.person, id ?? '');
  if (found === null || (call.opening === 'owned' && found.entry.accessRole !== 'owner')) return notFound();
  const view = viewOf(call, found.calendar, found.entry);
  switch (call.method) {
    case 'events.list':
      return listEvents(call, view);
    case 'events.watch':
      return watch(call, view);
    case 'events.instances':
      return instances(call, view, event ?? '');
    default:
      return getEvent(call, view, event ?? '');
  }
};

const dispatched = (call: ApiCall, route: Route): GoogleAnswer => {
  if (route.method === 'calendarList.list') return listCalendars(call);
  if (route.method === 'calendarList.get') return getCalendar(call, route.calendar ?? '');
  return route.method === 'channels.stop' ? stopChannel(call) : onCalendar(call, route);
};

const partial = (answer: GoogleAnswer, fields: string | null): GoogleAnswer => {
  if (fields === null || answer.body === '') return answer;
  const content = onlyFields(JSON.parse(answer.body) as Json, fields) ?? invalid('fields', `Invalid field selection ${fields}`);
  return { ...answer, body: JSON.stringify(content, null, 1) };
};

/** Where a request was counted, so that faults of delivery know it. */
export type ApiAnswer = Readonly<{ answer: GoogleAnswer; place: Place }>;

/** Answers one request to the Calendar API as its reference says, or as the switched-on faults will have it. */
export const apiAnswer = (world: World, request: ApiRequest): ApiAnswer => {
  const route = routeOf(request);
  let place: Place = { account: null, calendar: route?.calendar ?? null, on: 'api' };
  if (route === null) return { answer: errorAnswer(404, { reason: 'notFound', message: 'Not Found' }), place };
  try {
    const call = callOf(world, request, route);
    place = call.place;
    return { answer: partial(dispatched(call, route), request.query.get('fields')), place };
  } catch (error) {
    if (error instanceof Refusal) return { answer: error.answer, place };
    throw error;
  }
};
