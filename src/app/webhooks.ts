import { type Config } from '../config/service.config.js';
import { type AppleSettings } from '../provider/apple/apple-settings.js';
import { type GoogleSettings } from '../provider/google/google-settings.js';
import { type MicrosoftSettings } from '../provider/microsoft/microsoft-settings.js';
import { type ProviderName } from '../provider/names.js';
import { webhookAddress, type WebhookOf } from '../watch/webhook-address.js';
import { type EngineAddresses } from './engines.js';

type Known = Pick<EngineAddresses, 'sandbox'>;

/** Google as the operator set it, else the sandbox's; null where there is none. */
export const googleOf = ({ google }: Pick<Config, 'google'>, { sandbox }: Known): GoogleSettings | null =>
  google ?? sandbox?.google ?? null;

/** Sign in with Apple as the operator set it, else the sandbox's; null where there is none. */
export const appleOf = ({ apple }: Pick<Config, 'apple'>, { sandbox }: Known): AppleSettings | null => apple ?? sandbox?.apple ?? null;

/** Microsoft, likewise. */
export const microsoftOf = ({ microsoft }: Pick<Config, 'microsoft'>, { sandbox }: Known): MicrosoftSettings | null =>
  microsoft ?? sandbox?.microsoft ?? null;

/** Where each calendar service that sends notifications is called. */
const pushing = (config: Config, engines: Known): ReadonlyMap<ProviderName, string> => {
  const [google, microsoft] = [googleOf(config, engines), microsoftOf(config, engines)];
  return new Map([
    ...(google === null ? [] : [['google', google.apiUrl] as const]),
    ...(microsoft === null ? [] : [['microsoft', microsoft.graphUrl] as const]),
  ]);
};

/** Where the notifications of each calendar service go. */
export const webhooksOf = (config: Config, engines: Known): WebhookOf => {
  const { http, roles } = config;
  const reach = { publicUrl: http.publicUrl, host: http.host, port: http.port, hasTls: http.tls !== null, hasApi: roles.has('api') };
  const addresses = new Map<string, string | null>(
    [...pushing(config, engines)].map(([name, apiUrl]) => [name, webhookAddress(name, apiUrl, reach)]),
  );
  return (provider) => addresses.get(provider) ?? null;
};

/** Calendar services that send notifications, and cannot reach this service with them. */
export const unheard = (config: Config, engines: Known): readonly ProviderName[] => {
  const webhookOf = webhooksOf(config, engines);
  return [...pushing(config, engines).keys()].filter((name) => webhookOf(name) === null);
};
