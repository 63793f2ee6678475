import { systemClock } from '../infra/system.clock.js';
import { systemEntropy } from '../infra/system.entropy.js';
import { caldavProvider, ICLOUD } from '../provider/caldav/caldav.provider.js';
import { guardedHttp } from '../provider/http/guarded.http.js';
import { type OpenProviders } from './runtime.js';

/** Every calendar service there is, over one guarded transport. */
export const openProviders: OpenProviders = ({ caldav, mostListed }, { sandbox }) => {
  const http = guardedHttp({
    clock: systemClock,
    random: systemEntropy.fraction,
    allowPrivate: caldav.allowPrivate,
    allowedOrigins: [new URL(caldav.appleUrl).origin, ...(sandbox?.origins ?? [])],
  });
  const common = { http, clock: systemClock, mostListed };
  const providers = new Map([
    ['caldav', caldavProvider(common)],
    ['apple', caldavProvider({ ...common, service: { ...ICLOUD, serverUrl: caldav.appleUrl } })],
  ]);
  return { providers, close: http.close };
};
