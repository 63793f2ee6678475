import { type Json } from '../json.js';
import { type SandboxAnswer } from '../exchange.js';
import { accessDenied, type Content, itemNotFound, ok, Refusal, refuse, type Refused } from './answers.js';
import { getSubscriptions, reauthorize, renew, subscribe, unsubscribe } from './api.subscriptions.js';
import { defaultOf, getCalendar, isOwn, listCalendars } from './calendar-list.js';
import { calendarView, eventNamed, instances, listEvents } from './calendar-view.js';
import { delta } from './delta.js';
import { keyOfId } from './event.js';
import { changeEvent, createEvent, deleteEvent } from './event.write.js';
import { type Place } from './faults.js';
import { type Person, type Shared } from './mailboxes.js';
import { getMe, getSettings, objectIdOf } from './people.js';
import { withOddRows } from './odd-rows.js';
import { preferencesOf } from './preferences.js';
import { type View } from './view.js';
import { type Route, routeOf } from './routes.js';
import { isBasic, opens, opensShared } from './scopes.js';
import { type GraphCall, type World } from './world.js';

export type GraphRequest = Readonly<{
  method: string;
  path: string;
  query: URLSearchParams;
  header: (name: string) => string | null;
  body: string;
}>;

/** Where a request was counted, so that faults of delivery know it. */
export type GraphAnswer = Readonly<{ answer: SandboxAnswer; place: Place | null }>;

const unauthenticated = (): never =>
  refuse(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.', {
    'www-authenticate':
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
  });

const waiting = (seconds: number | null): Readonly<Record<string, string>> => (seconds === null ? {} : { 'retry-after': String(seconds) });

/** What stands between, a proxy or a portal, answers with success. */
class Senseless extends Error {
  override readonly name = 'Senseless';
}

/** Refuses what one of the switched-on faults refuses. */
const checkFaults = ({ take }: Pick<GraphCall, 'take'>): void => {
  if (take('access-refused') !== null) unauthenticated();
  const denied = take('denied');
  if (denied !== null) refuse(403, denied.code, 'Access is denied. Check credentials and try again.');
  const missing = take('missing');
  if (missing !== null) refuse(404, missing.code, 'The specified object was not found in the store.');
  const throttled = take('throttled');
  if (throttled !== null) refuse(429, throttled.code, 'Application is over its MailboxConcurrency limit.', waiting(throttled.retryAfter));
  const unavailable = take('unavailable');
  if (unavailable !== null)
    refuse(unavailable.status, 'ServiceUnavailable', 'The service is temporarily unavailable.', waiting(unavailable.retryAfter));
  if (take('senseless') !== null) throw new Senseless('a page of HTML');
  if (take('broken') !== null) refuse(500, 'ErrorInternalServerError', 'An internal server error occurred. The operation failed.');
};

type Access = Readonly<{ person: Person; scopes: readonly string[] }>;

const isThem = ({ email }: Person, user: string): boolean =>
  user === 'me' || user.toLowerCase() === email.toLowerCase() || user === objectIdOf(email);

/** Whose access token a request has, and what it opens. */
const accessOf = ({ grants, mailboxes }: World, request: GraphRequest): Access | null => {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
  const access = grants.byAccess(token);
  const person = access === null ? null : mailboxes.person(access.account);
  return access === null || person === null ? null : { person, scopes: access.scopes };
};

/** Requests of one mailbox and application that are answered at a time (guide "Throttling limits", Outlook). */
const MOST_PARALLEL = 4;

const callOf = (world: World, request: GraphRequest, route: Route, { person, scopes }: Access): GraphCall => {
  const place = placeOf(route, person);
  const take: GraphCall['take'] = (name) => world.faults.take(name, place);
  if ((world.underWay.get(person.email) ?? 0) >= MOST_PARALLEL)
    refuse(429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', waiting(1));
  checkFaults({ take });
  if (!opens(scopes, route.need)) accessDenied();
  if (!isThem(person, route.user)) itemNotFound();
  if (person.mailbox === false && route.operation !== 'me')
    refuse(404, 'MailboxNotEnabledForRESTAPI', 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.');
  const { path, query, body } = request;
  const prefer = preferencesOf(request.header('prefer'));
  return {
    world,
    person,
    place,
    path,
    query,
    body,
    prefer,
    basic: isBasic(scopes),
    shared: opensShared(scopes),
    ifMatch: request.header('if-match'),
    take,
  };
};

const placeOf = ({ calendar, operation }: Route, { email }: Person): Place => ({ account: email, calendar, on: operation });

const sharedOf = (call: GraphCall, { calendar }: Route): Shared | null => {
  if (calendar === null) return defaultOf(call);
  const found = call.world.mailboxes.access(call.person, calendar);
  return found === null || call.shared || isOwn(call, found) ? found : accessDenied();
};

const viewOf = ({ person, prefer, world, basic }: GraphCall, { calendar, entry }: Shared): View => ({
  calendar,
  entry,
  person,
  prefer,
  origin: world.origin(),
  basic,
});

/** Without a calendar in its path an event is looked for in the person's own mailbox, and nowhere else. */
const holding = (call: GraphCall, route: Route, key: string): View => {
  const { mailboxes } = call.world;
  if (route.calendar !== null) return viewOf(call, sharedOf(call, route) ?? itemNotFound());
  const own = mailboxes.listed(call.person).filter((shared) => isOwn(call, shared));
  const found = own.map((shared) => viewOf(call, shared)).find((view) => eventNamed(call, view, key) !== null);
  return found ?? itemNotFound();
};

const onEvent = (call: GraphCall, route: Route): Content => {
  const key = keyOfId(route.event ?? '') ?? refuse(400, 'ErrorInvalidIdMalformed', 'Id is malformed.');
  const view = holding(call, route, key);
  switch (call.place.on) {
    case 'change':
      return changeEvent(call, view, key);
    case 'delete':
      return deleteEvent(call, view, key);
    case 'instances':
      return instances(call, view, key);
    default: {
      const context = `${view.origin}/v1.0/$metadata#users('${encodeURIComponent(call.person.email)}')/events/$entity`;
      return ok({ '@odata.context': context, ...(eventNamed(call, view, key) ?? itemNotFound()) });
    }
  }
};

const onCalendar = (call: GraphCall, route: Route): Content => {
  if (route.event !== null) return onEvent(call, route);
  const view = viewOf(call, sharedOf(call, route) ?? itemNotFound());
  switch (call.place.on) {
    case 'view':
      return calendarView(call, view);
    case 'delta':
      return delta(call, view);
    case 'create':
      return createEvent(call, view);
    default:
      return listEvents(call, view);
  }
};

const onSubscription = (call: GraphCall, { operation, subscription }: Route): Content | Promise<Content> => {
  switch (operation) {
    case 'subscribe':
      return subscribe(call);
    case 'renew':
      return renew(call, subscription ?? '');
    case 'reauthorize':
      return reauthorize(call, subscription ?? '');
    case 'unsubscribe':
      return unsubscribe(call, subscription ?? '');
    default:
      return getSubscriptions(call, subscription);
  }
};

const dispatched = (call: GraphCall, route: Route): Content | Promise<Content> => {
  if (/subscri|renew|reauthorize/.test(route.operation)) return onSubscription(call, route);
  switch (route.operation) {
    case 'me':
      return getMe(call);
    case 'settings':
      return getSettings(call);
    case 'calendars':
      return /\/calendars$/.test(call.path) ? listCalendars(call) : getCalendar(call, sharedOf(call, route));
    default:
      return onCalendar(call, route);
  }
};

const JSON_TYPE = 'application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8';

/** Every answer names its request twice, and says when it was given. */
const framed = (world: World, request: GraphRequest, content: Content, applied: string | null): SandboxAnswer => {
  const id = world.newRequestId();
  const headers = {
    'cache-control': 'private',
    'request-id': id,
    'client-request-id': request.header('client-request-id') ?? id,
    ...(applied === null ? {} : { 'preference-applied': applied }),
    ...content.headers,
  };
  if (content.content === null) return { status: content.status, headers, body: '' };
  return { status: content.status, headers: { 'content-type': JSON_TYPE, ...headers }, body: JSON.stringify(content.content) };
};

/** The answer to a refused request. */
export const refusedWith = (world: World, request: GraphRequest, { status, code, message, headers = {} }: Refused): SandboxAnswer => {
  const date = new Date(world.clock.now()).toISOString().slice(0, 19);
  const answer = framed(world, request, { status, headers, content: {} }, null);
  const innerError: Json = { date, 'request-id': answer.headers['request-id'], 'client-request-id': answer.headers['client-request-id'] };
  return {
    ...answer,
    headers: { ...answer.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ error: { code, message, innerError } }),
  };
};

const HTML_PAGE: SandboxAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><title>Sign in to the network</title>',
};

/** Answers one request to Graph as its reference says, or as the switched-on faults will have it. */
export const graphAnswer = async (world: World, request: GraphRequest): Promise<GraphAnswer> => {
  const route = routeOf(request.method, request.path);
  let place: Place | null = null;
  try {
    if (route === null) return refuse(400, 'BadRequest', `Resource not found for the segment '${request.path.split('/')[2] ?? ''}'.`);
    const access = accessOf(world, request) ?? unauthenticated();
    place = placeOf(route, access.person);
    const call = callOf(world, request, route, access);
    const content = withOddRows(call, await dispatched(call, route));
    return { answer: framed(world, request, content, call.prefer.applied), place };
  } catch (error) {
    if (error instanceof Refusal) return { answer: refusedWith(world, request, error.refused), place };
    if (error instanceof Senseless) return { answer: HTML_PAGE, place };
    throw error;
  }
};
