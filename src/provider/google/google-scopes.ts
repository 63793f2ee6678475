import { type OAuthAccess } from '../oauth.js';

const PREFIX = 'https://www.googleapis.com/auth/';

const named = (names: string): readonly string[] => names.split(' ').map((name) => `${PREFIX}${name}`);

/** Who the account is: its subject and its address. */
const IDENTITY = ['openid', 'email'];

/** What is asked for: no more than reading needs until writing is turned on. Reading has a box of its own then too, so that writing alone can be unticked. */
const ASKED: Readonly<Record<OAuthAccess, readonly string[]>> = {
  read: [...IDENTITY, ...named('calendar.events.readonly calendar.calendarlist.readonly')],
  write: [...IDENTITY, ...named('calendar.events calendar.events.readonly calendar.calendarlist.readonly calendar.freebusy')],
};

/** Any one scope of a line opens what the line names (Google's discovery document, `calendar.v3`). */
const OPENS = {
  list: named('calendar calendar.readonly calendar.calendarlist calendar.calendarlist.readonly'),
  events: named('calendar calendar.readonly calendar.events calendar.events.readonly'),
  writing: named('calendar calendar.events'),
};

/** Scopes as the `scope` parameter takes them. */
export const scopesFor = (access: OAuthAccess): string => ASKED[access].join(' ');

/**
 * What granted scopes are enough for; null when reading is not among it. A person may untick each scope, and earlier grants are included, so what
 * was granted is neither more nor less than what was asked for.
 */
export const accessGranted = (scopes: readonly string[]): OAuthAccess | null => {
  const opens = (any: readonly string[]): boolean => any.some((scope) => scopes.includes(scope));
  if (!opens(OPENS.list) || !opens(OPENS.events)) return null;
  return opens(OPENS.writing) ? 'write' : 'read';
};
