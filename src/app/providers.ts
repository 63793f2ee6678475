import { type GoogleSettings } from '../provider/google/google-settings.js';
import { systemClock } from '../infra/system.clock.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { withSignIn } from '../provider/apple/apple.identity.js';
import { caldavProvider, ICLOUD } from '../provider/caldav/caldav.provider.js';
import { type CalendarProvider } from '../provider/calendar-provider.js';
import { googleProvider } from '../provider/google/google.provider.js';
import { type MicrosoftSettings } from '../provider/microsoft/microsoft-settings.js';
import { microsoftProvider } from '../provider/microsoft/microsoft.provider.js';
import { guardedHttp } from '../provider/http/guarded.http.js';
import { type OpenProviders } from './runtime.js';
import { appleOf, googleOf, microsoftOf } from './webhooks.js';

/** Where Google is, which may be this machine. */
const originsOf = (google: GoogleSettings | null): readonly string[] =>
  google === null ? [] : [google.authUrl, google.tokenUrl, google.revokeUrl, google.apiUrl].map((url) => new URL(url).origin);

/** Where Microsoft is, likewise. */
const originsOfMicrosoft = (microsoft: MicrosoftSettings | null): readonly string[] =>
  microsoft === null ? [] : [microsoft.loginUrl, microsoft.graphUrl];

/** Every calendar service there is, over one guarded transport. */
export const openProviders: OpenProviders = (config, engines, budget) => {
  const { caldav, mostListed } = config;
  const [google, apple, microsoft] = [googleOf(config, engines), appleOf(config, engines), microsoftOf(config, engines)];
  const http = guardedHttp({
    clock: systemClock,
    random: systemEntropy.fraction,
    ...budget,
    allowPrivate: caldav.allowPrivate,
    allowedOrigins: [
      new URL(caldav.appleUrl).origin,
      ...(engines.sandbox?.origins ?? []),
      ...originsOf(google),
      ...(apple === null ? [] : [new URL(apple.idUrl).origin]),
      ...originsOfMicrosoft(microsoft),
    ],
  });
  const common = { http, clock: systemClock, mostListed };
  const icloud = caldavProvider({ ...common, service: { ...ICLOUD, serverUrl: caldav.appleUrl } });
  const providers = new Map<string, CalendarProvider>([
    ['caldav', caldavProvider(common)],
    ['apple', apple === null ? icloud : withSignIn(icloud, { http, clock: systemClock, apple })],
    ...(google === null ? [] : [['google', googleProvider({ http, clock: systemClock, google })] as const]),
    ...(microsoft === null ? [] : [['microsoft', microsoftProvider({ http, clock: systemClock, microsoft })] as const]),
  ]);
  return { providers, close: http.close };
};
