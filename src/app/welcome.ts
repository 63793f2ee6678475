import { type Config } from '../config/service.config.js';
import { nameOf } from '../connection/providers.js';
import { type ProviderName } from '../provider/names.js';
import { type SandboxAddress } from './engines.js';

/** `unheard`: calendar services whose notifications cannot reach the service. */
type Started = Readonly<{ sandbox: SandboxAddress | null; unheard: readonly ProviderName[] }>;

const connectLine = (base: string, body: string): string =>
  `curl -s ${base}/v1/calendar/connections -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '${body}'`;

const account = (provider: string, credentials: Readonly<Record<string, string>>): string =>
  JSON.stringify({ provider, consent: true, credentials });

const sandboxLines = (base: string, { url, google, microsoft }: SandboxAddress): string => `
  Sandbox, made-up accounts: ${url}${
    google === null
      ? ''
      : `
  and a Google of its own:   ${google.apiUrl}/`
  }${
    microsoft === null
      ? ''
      : `
  and a Microsoft:           ${microsoft.graphUrl}/`
  }

See a merged week without an account of your own; in another terminal:

  npm run connect    # links a Google, a Microsoft and a CalDAV account of a person who does not exist
  npm run week       # the coming seven days, from all nine of her calendars

The same by hand; for a real account see docs/quick-start.md:

  ${tokenLine(base)}

  ${connectLine(base, account('caldav', { serverUrl: url, username: 'mia@home.example', password: 'sandbox' }))}

`;

const liveLines = (base: string): string => `

Connect a calendar and read your week; copy these lines into another terminal:

  ${tokenLine(base)}

  # iCloud (app-specific password from account.apple.com); for any other CalDAV server:
  # "provider":"caldav" and "serverUrl":"https://…" beside user name and password
  ${connectLine(base, account('apple', { username: 'you@icloud.com', password: 'xxxx-xxxx-xxxx-xxxx' }))}

`;

const tokenLine = (base: string): string =>
  `TOKEN=$(curl -s ${base}/v1/dev/token -H 'content-type: application/json' -d '{"userId":"me"}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`;

const weekLine = (base: string): string =>
  `curl -s "${base}/v1/calendar/events?range=$(date -u +%F)/$(date -u -d '+7 days' +%F 2>/dev/null || date -u -v+7d +%F)" -H "authorization: Bearer $TOKEN"`;

/** What operators are told of calendar services whose notifications cannot reach the service; there is one at least. */
export const polledLine = (unheard: readonly ProviderName[]): string =>
  `${unheard.map(nameOf).join(' and ')}: calendars are polled, because notifications of changes come to https only. Set PUBLIC_URL to where the service is reached by https.`;

/** What to do next, in lines to copy; only where anyone may ask for a token. */
export const welcome = (config: Config, url: string, { sandbox, unheard }: Started): string => {
  const base = config.http.publicUrl ?? url.replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  const polled = unheard.length === 0 ? '' : `\n  ${polledLine(unheard)}\n`;
  if (config.auth.mode !== 'dev') return `\nReady at ${base} (API: ${base}/docs)\n${polled}`;
  return `
Ready at ${base}
${polled}
  API to try in a browser:   ${base}/docs${sandbox === null ? liveLines(base) : sandboxLines(base, sandbox)}  ${weekLine(base)}

`;
};
