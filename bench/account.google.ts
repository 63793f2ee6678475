import { tokensFor } from '../test/support/google-sandbox.js';
import { BENCH_PERSON, changing, type VendorAccount } from './account.vendor.js';
import { googleIdOf, googleItems, googleRows } from './google.calendar.js';
import { rawGoogle } from './raw.google.js';
import { startSimulator } from './simulator.process.js';

/** Starts the simulator of Google with one calendar of so many events around `now`. */
export const startGoogleAccount = async (events: number, now: Date): Promise<VendorAccount> => {
  const simulator = await startSimulator('google.server', events, now);
  const { url, stop } = simulator;
  return {
    email: BENCH_PERSON,
    settings: {
      GOOGLE_CLIENT_ID: 'sandbox',
      GOOGLE_CLIENT_SECRET: 'sandbox-secret',
      GOOGLE_AUTH_URL: `${url}o/oauth2/v2/auth`,
      GOOGLE_TOKEN_URL: `${url}token`,
      GOOGLE_REVOKE_URL: `${url}revoke`,
      GOOGLE_API_URL: url,
    },
    raw: async () => {
      const { access_token: token } = await tokensFor({ url }, { account: BENCH_PERSON });
      return rawGoogle(url, String(token));
    },
    ...changing(simulator, googleItems(events, now), now, (item) => {
      const { id: _, ...event } = googleRows(item)[0] ?? {};
      return { path: `sandbox/calendars/${encodeURIComponent(BENCH_PERSON)}/events/${googleIdOf(item)}`, event };
    }),
    stop,
  };
};
