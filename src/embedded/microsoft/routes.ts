import { type Operation } from './faults.js';
import { type Need } from './scopes.js';

/** What is asked for by method and path. `calendar`: as the path names it; null for the default one. */
export type Route = Readonly<{
  operation: Operation;
  need: Need;
  calendar: string | null;
  event: string | null;
  subscription: string | null;
  /** Who the path begins with: `me`, or a user by address or id. */
  user: string;
}>;

type Shape = Readonly<{ method: string; path: RegExp; operation: Operation; need: Need }>;

const BASE = String.raw`(?:/calendar|/calendars/(?<calendar>[^/]+)|/calendarGroups?/[^/]+/calendars/(?<grouped>[^/]+))`;

const shape = (method: string, path: string, operation: Operation, need: Need): Shape => ({
  method,
  path: new RegExp(`^(?:me|users/(?<user>[^/]+))${path}$`),
  operation,
  need,
});

const SHAPES: readonly Shape[] = [
  shape('GET', '', 'me', 'profile'),
  shape('GET', '/mailboxSettings(?:/timeZone)?', 'settings', 'settings'),
  shape('GET', '/calendars', 'calendars', 'read'),
  shape('GET', BASE, 'calendars', 'read'),
  shape('GET', `${BASE}?/calendarView`, 'view', 'read'),
  shape('GET', `${BASE}?/calendarView/(?:microsoft[.]graph[.])?delta(?:[(][)]|%28%29)?`, 'delta', 'read'),
  shape('GET', `${BASE}?/events`, 'events', 'read'),
  shape('POST', `${BASE}?/events`, 'create', 'write'),
  shape('GET', `${BASE}?/events/(?<event>[^/]+)`, 'event', 'read'),
  shape('PATCH', `${BASE}?/events/(?<event>[^/]+)`, 'change', 'write'),
  shape('DELETE', `${BASE}?/events/(?<event>[^/]+)`, 'delete', 'write'),
  shape('GET', `${BASE}?/events/(?<event>[^/]+)/instances`, 'instances', 'read'),
  { method: 'POST', path: /^subscriptions$/, operation: 'subscribe', need: 'subscribe' },
  { method: 'GET', path: /^subscriptions(?:[/](?<subscription>[^/]+))?$/, operation: 'subscriptions', need: 'subscribe' },
  { method: 'PATCH', path: /^subscriptions[/](?<subscription>[^/]+)$/, operation: 'renew', need: 'subscribe' },
  { method: 'DELETE', path: /^subscriptions[/](?<subscription>[^/]+)$/, operation: 'unsubscribe', need: 'subscribe' },
  { method: 'POST', path: /^subscriptions[/](?<subscription>[^/]+)[/]reauthorize$/, operation: 'reauthorize', need: 'subscribe' },
];

const decoded = (text: string | undefined): string | null => {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** `calendars('id')` as `calendars/id`, without the version: both spellings are Graph's. */
export const plainPath = (path: string): string =>
  path.replace(/^\/v1[.]0\//, '').replace(/(calendars|events|users|subscriptions)\((?:'|%27)([^/]*?)(?:'|%27)\)/g, '$1/$2');

/** Null when there is no such path. */
export const routeOf = (method: string, path: string): Route | null => {
  const plain = plainPath(path);
  for (const each of SHAPES) {
    const groups = each.method === method ? each.path.exec(plain)?.groups : undefined;
    if (each.method !== method || !each.path.test(plain)) continue;
    const { operation, need } = each;
    const calendar = decoded(groups?.['calendar'] ?? groups?.['grouped']);
    const [event, subscription] = [decoded(groups?.['event']), decoded(groups?.['subscription'])];
    return { operation, need, calendar, event, subscription, user: decoded(groups?.['user']) ?? 'me' };
  }
  return null;
};
