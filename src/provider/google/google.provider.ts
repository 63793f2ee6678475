import { type Secret } from '../../kernel/vault.js';
import { type Call, type CalendarProvider, ProviderFault } from '../calendar-provider.js';
import { textOf } from '../http/answer.text.js';
import { googleApi, type GoogleApi } from './google.api.js';
import { discoverGoogle } from './google.discovery.js';
import { MAPPING } from './google.mapping.js';
import { googleOAuth } from './google.oauth.js';
import { googlePush } from './google.push.js';
import { type ListEvents, scanGoogle } from './google.scan.js';
import { type GoogleOptions, laneOf } from './google.options.js';
import { readPage } from './google.wire.js';

/**
 * Few requests for large calendars, and answers that stay well below the largest that is read: an event with 200 guests and a long description has
 * some 30 kB. Google allows 2,500.
 */
const PAGE = 1_000;

const eventsOf =
  ({ read }: GoogleApi, calendarId: string): ListEvents =>
  async (listing, pageToken) => {
    const sent = { syncToken: listing.syncToken !== undefined, pageToken: pageToken !== null };
    const parameters = { calendarId, singleEvents: false, maxResults: PAGE, ...listing, ...(pageToken === null ? {} : { pageToken }) };
    return readPage(await read((api, options) => api.events.list(parameters, options), sent), 'calendar#events');
  };

/** Either token ends the whole grant. One that is dead already is what was wanted. */
const revoke = async ({ http, google }: GoogleOptions, secret: Secret, call: Call): Promise<'revoked' | 'manual'> => {
  const token = secret['refreshToken'] ?? secret['accessToken'];
  if (token === undefined) return 'manual';
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const body = new URLSearchParams({ token }).toString();
  const request = {
    method: 'POST',
    url: google.revokeUrl,
    headers,
    body,
    credentials: null,
    lane: laneOf(secret),
    maxBytes: null,
  } as const;
  return http.request(request, call, async (response): Promise<'revoked'> => {
    const { status } = response;
    if (status === 200) return 'revoked';
    if (status === 400 && /"(?:invalid_token|invalid_grant)"/.test(await textOf(response))) return 'revoked';
    if (status >= 500 || status === 408) throw new ProviderFault('unavailable', `Google answers ${status}`);
    throw new ProviderFault('malformed', `Google answers ${status} where a grant is given back`);
  });
};

/**
 * Google Calendar (API v3), opened by OAuth: secret `{ accessToken, refreshToken, expiresAt, scope, subject, email? }`. A calendar's `remoteId` and
 * address are its id at Google, an object's is the id of its event.
 */
export const googleProvider = (options: GoogleOptions): CalendarProvider => ({
  mapping: MAPPING,
  oauth: googleOAuth(options),
  identity: null,
  push: googlePush(options),
  discover: (grant, call) => discoverGoogle(googleApi(options, grant, call), grant.secret),
  scan: (grant, calendarId, request) => scanGoogle(eventsOf(googleApi(options, grant, request.call), calendarId), request),
  revoke: (secret, call) => revoke(options, secret, call),
});
