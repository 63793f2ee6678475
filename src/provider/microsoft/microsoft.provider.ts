import { type CalendarProvider } from '../calendar-provider.js';
import { graphApi } from './graph.api.js';
import { discoverMicrosoft } from './graph.discovery.js';
import { MAPPING } from './graph.mapping.js';
import { microsoftPush } from './graph.push.js';
import { graphReader } from './graph.reader.js';
import { scanMicrosoft } from './graph.scan.js';
import { microsoftOAuth } from './microsoft.oauth.js';
import { type MicrosoftOptions } from './microsoft.options.js';

/**
 * Outlook calendars by Microsoft Graph v1.0, opened by OAuth: secret `{ accessToken, refreshToken, expiresAt, scope, subject, email? }`, `subject` being
 * tenant and object id. A calendar's `remoteId` and address are its id at Graph, an object's is the id of its event, or of the master of its series. No
 * grant can be given back: Entra has no endpoint for it.
 */
export const microsoftProvider = (options: MicrosoftOptions): CalendarProvider => {
  const { graphUrl } = options.microsoft;
  return {
    mapping: MAPPING,
    oauth: microsoftOAuth(options),
    identity: null,
    push: microsoftPush(options),
    discover: (grant, call) => discoverMicrosoft(graphApi(options, grant, call), graphUrl, grant.secret),
    scan: async function* (grant, calendar, request) {
      const reader = graphReader(graphApi(options, grant, request.call), graphUrl, calendar);
      request.call.signal.throwIfAborted();
      const { email } = await grant.secret();
      return yield* scanMicrosoft({ reader, graphUrl, own: email?.toLowerCase() ?? null, request });
    },
    revoke: () => Promise.resolve('manual'),
  };
};
