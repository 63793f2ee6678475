import { type z } from 'zod';
import { type SandboxAnswer, type SandboxRequest } from './exchange.js';
import { NoSuchThing } from './no-such-thing.js';
import { empty, faultsAnswer, json, ordered, problem } from './sandbox.board.js';

/** A request to the simulator itself. */
export type AdminRequest = Omit<SandboxRequest, 'url'> & Readonly<{ path: string }>;

/** What a simulator of a vendor holds, as its own orders put it: calendars, events, how a calendar stands on somebody's list (null: not at all). */
export type Board<Fault, Action, About, Event, Access> = Readonly<{
  described: () => unknown;
  faults: Parameters<typeof faultsAnswer<Fault>>[2];
  /** Does at once what no fault of a later request is. */
  act: (action: Action) => void;
  held: Readonly<{
    putCalendar: (about: About & Readonly<{ id: string }>) => void;
    removeCalendar: (id: string) => void;
    putEvent: (calendar: string, event: Event & Readonly<{ id: string }>) => string;
    removeEvent: (calendar: string, id: string) => boolean;
    share: (email: string, calendar: string, access: Access) => void;
  }>;
  orders: Readonly<{
    fault: z.ZodType<Fault>;
    action: z.ZodType<Action>;
    calendar: z.ZodType<About>;
    event: z.ZodType<Event>;
    access: z.ZodType<Access>;
  }>;
}>;

const NO_ORDER = 'sandbox.no-such-order';

const routed = <F, A, C, E, L>(
  { described, faults, act, held, orders }: Board<F, A, C, E, L>,
  request: AdminRequest,
  [kind, first, second, third]: readonly string[],
): SandboxAnswer | null => {
  const { method } = request;
  const put = <T>(schema: z.ZodType<T>, carryOut: (order: T) => SandboxAnswer): SandboxAnswer =>
    method === 'PUT' ? ordered(request, schema, NO_ORDER, carryOut) : empty(405);
  if (kind === undefined) return method === 'GET' ? json(200, described()) : empty(405);
  if (kind === 'faults') return faultsAnswer(request, orders.fault, faults);
  if (kind === 'actions' && method !== 'POST') return empty(405);
  if (kind === 'actions')
    return ordered(request, orders.action, NO_ORDER, (action) => {
      act(action);
      return empty(204);
    });
  if (first === undefined) return null;
  if (kind === 'people' && second === 'calendars' && third !== undefined)
    return put(orders.access, (access) => {
      held.share(first, third, access);
      return json(200, { calendar: third });
    });
  if (kind !== 'calendars') return null;
  if (second === undefined && method === 'DELETE') {
    held.removeCalendar(first);
    return empty(204);
  }
  if (second === undefined)
    return put(orders.calendar, (about) => {
      held.putCalendar({ ...about, id: first });
      return json(200, { id: first });
    });
  if (second !== 'events' || third === undefined) return null;
  if (method === 'DELETE') return empty(held.removeEvent(first, third) ? 204 : 404);
  return put(orders.event, (event) => json(200, { id: held.putEvent(first, { ...event, id: third }) }));
};

/**
 * What a simulator of a vendor answers about itself, to callers on this machine; null when a path is not its own. `/sandbox` says who and what there is,
 * `/sandbox/faults` is the switchboard, `/sandbox/actions` does something at once, and `/sandbox/calendars/{id}[/events/{id}]` and
 * `/sandbox/people/{email}/calendars/{id}` put, change and delete.
 */
export const boardAnswer = <F, A, C, E, L>(board: Board<F, A, C, E, L>, request: AdminRequest): SandboxAnswer | null => {
  const [root, ...segments] = request.path.split('/').filter((segment) => segment !== '');
  if (root !== 'sandbox' && !(root === undefined && request.method === 'GET')) return null;
  try {
    return routed(board, request, segments.map(decodeURIComponent)) ?? empty(404);
  } catch (error) {
    if (error instanceof NoSuchThing) return problem(404, 'sandbox.not-there', error.message);
    if (error instanceof URIError) return empty(404);
    throw error;
  }
};
