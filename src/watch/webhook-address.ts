import { isLoopback } from '../kernel/loopback.js';

/**
 * How the process is reached. `publicUrl`: without a slash at the end. `hasTls`: it serves https itself. `hasApi`: it plays the role whose routes
 * take notifications.
 */
export type Reach = Readonly<{ publicUrl: string | null; host: string; port: number; hasTls: boolean; hasApi: boolean }>;

/** Where a calendar service of this name, which is called at `apiUrl`, sends its notifications; null where it cannot reach this service. */
export type WebhookOf = (provider: string) => string | null;

/** The address at which a process that listens here is called on its own machine; null when it is not. */
const localOrigin = ({ host, port, hasTls, hasApi }: Reach): string | null => {
  // Which port a process takes that may take any is known too late; a certificate is not made out to this machine.
  if (port === 0 || hasTls || !hasApi) return null;
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  if (!isLoopback(host)) return null;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
};

/** What simulators on this machine call: they take no certificate into account, and reach what the outside cannot. */
const nearOrigin = (reach: Reach): string | null => {
  const { publicUrl } = reach;
  return publicUrl !== null && isLoopback(new URL(publicUrl).hostname) ? publicUrl : localOrigin(reach);
};

/** What a service somewhere else calls: vendors send to https alone, and reach no machine by the name it has for itself. */
const farOrigin = ({ publicUrl }: Reach): string | null => {
  if (publicUrl === null) return null;
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === 'https:' && !isLoopback(hostname) ? publicUrl : null;
};

/**
 * Where the notifications of a calendar service go that is called at `apiUrl`; null where it cannot send any, so that its calendars are polled. That
 * is decided by what is set alone, so that all processes and threads with the same settings agree.
 */
export const webhookAddress = (provider: string, apiUrl: string, reach: Reach): string | null => {
  const near = isLoopback(new URL(apiUrl).hostname) ? nearOrigin(reach) : null;
  const origin = near ?? farOrigin(reach);
  return origin === null ? null : `${origin}/v1/webhooks/${provider}`;
};
