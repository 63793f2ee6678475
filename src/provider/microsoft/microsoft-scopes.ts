import { type OAuthAccess } from '../oauth.js';

/** `offline_access` brings refresh tokens, `profile` the `oid` by which an account is known; `User.Read` is what every sign-in at Graph has. */
const SIGN_IN = ['openid', 'profile', 'email', 'offline_access', 'User.Read'];

/**
 * What is asked for: no more than reading needs until writing is turned on. What others share takes a permission of its own
 * (learn.microsoft.com/graph/outlook-get-shared-events-calendars), which personal accounts are not granted, although they may be asked for it.
 */
const ASKED: Readonly<Record<OAuthAccess, readonly string[]>> = {
  read: [...SIGN_IN, 'Calendars.Read', 'Calendars.Read.Shared'],
  write: [...SIGN_IN, 'Calendars.ReadWrite', 'Calendars.ReadWrite.Shared'],
};

/** Any one of a line opens what the line names (learn.microsoft.com/graph/permissions-reference). */
const OPENS = {
  reading: ['calendars.read', 'calendars.readwrite', 'calendars.read.shared', 'calendars.readwrite.shared'],
  writing: ['calendars.readwrite', 'calendars.readwrite.shared'],
};

/** Scopes as the `scope` parameter takes them. */
export const scopesFor = (access: OAuthAccess): string => ASKED[access].join(' ');

/** Granted scopes come in any case, and some with the address of Graph before them. */
const bare = (scope: string): string => scope.slice(scope.lastIndexOf('/') + 1).toLowerCase();

/** What granted scopes are enough for; null when reading is not among it. Those of earlier consents are included. */
export const accessGranted = (scopes: readonly string[]): OAuthAccess | null => {
  const held = new Set(scopes.map(bare));
  const opens = (any: readonly string[]): boolean => any.some((scope) => held.has(scope));
  if (opens(OPENS.writing)) return 'write';
  return opens(OPENS.reading) ? 'read' : null;
};
