import { type ServedAccount, type DavAnswer, type DavRequest, exchangeOf, placeOf, plain, type World } from './dav.exchange.js';
import { get, put, remove } from './dav.objects.js';
import { propfind } from './dav.propfind.js';
import { report } from './dav.reports.js';
import { pathOf } from './targets.js';

const METHODS = { PROPFIND: propfind, REPORT: report, GET: get, HEAD: get, PUT: put, DELETE: remove } as const;

const ALLOW = { allow: ['OPTIONS', ...Object.keys(METHODS)].join(', '), dav: '1, 3, calendar-access' };

const isMethod = (method: string): method is keyof typeof METHODS => Object.hasOwn(METHODS, method);

/** Whose user name and password a request brings (RFC 7617); null when they are of no account. */
export const authenticated = ({ accounts }: World, { header }: Pick<DavRequest, 'header'>): ServedAccount | null => {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header('authorization') ?? '')?.[1] ?? '';
  const [username = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  const account = accounts.get(username);
  return account?.password === password.join(':') ? account : null;
};

const LOGIN = plain(401, { 'www-authenticate': 'Basic realm="Sandbox calendars", charset="UTF-8"' });

/** What stands between, a proxy or a portal, answers with success. */
const PORTAL: DavAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><title>Sign in to the network</title>',
};

/** What one of the whole-server faults answers instead of the truth; null when none is switched on for that request. */
const insteadOf = ({ faults }: World, { target }: DavRequest, account: ServedAccount): DavAnswer | null => {
  const place = placeOf(target, account.username);
  if (faults.take('password-refused', place) !== null) return LOGIN;
  const redirected = faults.take('redirected', place);
  if (redirected !== null) return plain(302, { location: new URL(pathOf(target), redirected.to).href });
  const throttled = faults.take('throttled', place) ?? faults.take('unavailable', place);
  if (throttled !== null) {
    const wait = throttled.retryAfter === null ? {} : { 'retry-after': String(throttled.retryAfter) };
    return plain(throttled.fault === 'throttled' ? 429 : 503, wait);
  }
  if (faults.take('senseless', place) !== null) return PORTAL;
  return faults.take('broken', place) === null ? null : plain(500);
};

/** Answers one request as a CalDAV server does (RFC 4791, RFC 6578), or as the switched-on faults will have it. */
export const davAnswer = (world: World, request: DavRequest): DavAnswer => {
  const { method, target } = request;
  if (target.kind === 'well-known') return plain(301, { location: pathOf({ kind: 'root' }) });
  if (method === 'OPTIONS') return plain(200, ALLOW);
  const account = authenticated(world, request);
  if (account === null) return LOGIN;
  if ('account' in target && target.account !== account.username) return plain(403);
  const instead = insteadOf(world, request, account);
  if (instead !== null) return instead;
  return isMethod(method) ? METHODS[method](exchangeOf(world, account, request)) : plain(405, ALLOW);
};
