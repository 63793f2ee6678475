import { type SandboxAnswer } from '../exchange.js';
import { NoSuchThing } from '../no-such-thing.js';
import { empty, faultsAnswer, json, ordered, problem } from '../sandbox.board.js';
import { EventOrder } from './event.wire.js';
import { FaultOrder } from './faults.wire.js';
import { AccessOrder, type Action, ActionOrder, CalendarOrder } from './sandbox.wire.js';
import { type World } from './world.js';

/** A request to the simulator itself. */
export type AdminRequest = Readonly<{ method: string; path: string; header: (name: string) => string | null; body: string }>;

const described = ({ mailboxes, client, faults, origin, subscriptions }: World) => ({
  serverUrl: `${origin()}/`,
  clientId: client.id,
  clientSecret: client.secret,
  accounts: mailboxes.people().map((person) => ({
    email: person.email,
    fullName: person.fullName,
    tenant: person.tenant,
    calendars: mailboxes
      .listed(person)
      .map(({ calendar, entry }) => ({ id: calendar.about.id, name: calendar.about.name, role: entry.role })),
  })),
  subscriptions: subscriptions.live().map(({ id, account, calendar, expiration }) => ({ id, account, calendar, expiration })),
  faults: faults.list(),
});

/** Does at once what no fault of a later request is. */
export const act = ({ grants, mailboxes, subscriptions }: World, action: Action): void => {
  switch (action.action) {
    case 'revoke':
      grants.revoke(action.account);
      subscriptions.end(action.account);
      return;
    case 'expire-access':
      grants.expireAccess(action.account);
      return;
    case 'forget-sync':
      mailboxes.forgetSync(action.calendar);
      return;
    case 'lifecycle':
      subscriptions.lifecycle(action.account, action.event);
  }
};

const NO_ORDER = 'sandbox.no-such-order';

const calendarAnswer = ({ mailboxes }: World, request: AdminRequest, id: string): SandboxAnswer => {
  if (request.method === 'DELETE') {
    mailboxes.removeCalendar(id);
    return empty(204);
  }
  if (request.method !== 'PUT') return empty(405);
  return ordered(request, CalendarOrder, NO_ORDER, (about) => {
    mailboxes.putCalendar({ ...about, id });
    return json(200, { id });
  });
};

const eventAnswer = ({ mailboxes }: World, request: AdminRequest, calendar: string, id: string): SandboxAnswer => {
  if (request.method === 'DELETE') return empty(mailboxes.removeEvent(calendar, id) ? 204 : 404);
  if (request.method !== 'PUT') return empty(405);
  return ordered(request, EventOrder, NO_ORDER, (event) => json(200, { id: mailboxes.putEvent(calendar, { ...event, id }) }));
};

const listAnswer = ({ mailboxes }: World, request: AdminRequest, email: string, calendar: string): SandboxAnswer => {
  if (request.method !== 'PUT') return empty(405);
  return ordered(request, AccessOrder, NO_ORDER, (access) => {
    mailboxes.share(email, calendar, access);
    return json(200, { calendar });
  });
};

const actionAnswer = (world: World, request: AdminRequest): SandboxAnswer =>
  request.method === 'POST'
    ? ordered(request, ActionOrder, NO_ORDER, (action) => {
        act(world, action);
        return empty(204);
      })
    : empty(405);

const routed = (world: World, request: AdminRequest, segments: readonly string[]): SandboxAnswer | null => {
  const [kind, first, second, third] = segments;
  if (kind === undefined) return request.method === 'GET' ? json(200, described(world)) : empty(405);
  if (kind === 'faults') return faultsAnswer(request, FaultOrder, world.faults);
  if (kind === 'actions') return actionAnswer(world, request);
  if (first === undefined) return null;
  if (kind === 'people' && second === 'calendars' && third !== undefined) return listAnswer(world, request, first, third);
  if (kind !== 'calendars') return null;
  if (second === undefined) return calendarAnswer(world, request, first);
  return second === 'events' && third !== undefined ? eventAnswer(world, request, first, third) : null;
};

/**
 * What the simulator answers about itself, to callers on this machine; null when a path is not its own. `/sandbox` says who and what there is,
 * `/sandbox/faults` is the switchboard, `/sandbox/actions` does something at once, and `/sandbox/calendars/{id}[/events/{key}]` and
 * `/sandbox/people/{email}/calendars/{id}` put, change and delete.
 */
export const sandboxAnswer = (world: World, request: AdminRequest): SandboxAnswer | null => {
  const [root, ...segments] = request.path.split('/').filter((segment) => segment !== '');
  if (root !== 'sandbox' && !(root === undefined && request.method === 'GET')) return null;
  try {
    return routed(world, request, segments.map(decodeURIComponent)) ?? empty(404);
  } catch (error) {
    if (error instanceof NoSuchThing) return problem(404, 'sandbox.not-there', error.message);
    if (error instanceof URIError) return empty(404);
    throw error;
  }
};
