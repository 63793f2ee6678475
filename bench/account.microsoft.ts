import { MICROSOFT_SANDBOX_CLIENT } from '../src/embedded/microsoft.sandbox.js';
import { tokensFor } from '../test/support/microsoft-sandbox.js';
import { BENCH_PERSON, changing, type VendorAccount } from './account.vendor.js';
import { BENCH_CALENDAR, microsoftItems, microsoftKeyOf, microsoftRows } from './microsoft.calendar.js';
import { rawMicrosoft } from './raw.microsoft.js';
import { startSimulator } from './simulator.process.js';

/** Starts the simulator of Microsoft with one calendar of so many events around `now`. */
export const startMicrosoftAccount = async (events: number, now: Date): Promise<VendorAccount> => {
  const simulator = await startSimulator('microsoft.server', events, now);
  const { url, stop } = simulator;
  const { origin } = new URL(url);
  return {
    email: BENCH_PERSON,
    settings: {
      MICROSOFT_CLIENT_ID: MICROSOFT_SANDBOX_CLIENT.id,
      MICROSOFT_CLIENT_SECRET: MICROSOFT_SANDBOX_CLIENT.secret,
      MICROSOFT_LOGIN_URL: origin,
      MICROSOFT_GRAPH_URL: origin,
    },
    raw: async () => {
      const { access_token: token } = await tokensFor({ url }, { account: BENCH_PERSON });
      return rawMicrosoft(url, String(token));
    },
    ...changing(simulator, microsoftItems(events, now), now, (item) => {
      const { id: _, ...event } = microsoftRows(item)[0] ?? {};
      return { path: `sandbox/calendars/${encodeURIComponent(BENCH_CALENDAR)}/events/${microsoftKeyOf(item)}`, event };
    }),
    stop,
  };
};
