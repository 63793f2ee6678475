import { type Config } from '../config/service.config.js';
import { type SandboxAddress } from './engines.js';

const connectLine = (base: string, body: string): string =>
  `curl -s ${base}/v1/calendar/connections -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '${body}'`;

const account = (provider: string, credentials: Readonly<Record<string, string>>): string =>
  JSON.stringify({ provider, consent: true, credentials });

const sandboxLines = (base: string, { url, google }: SandboxAddress): string => `
  Sandbox, made-up accounts: ${url}${
    google === null
      ? ''
      : `
  and a Google of its own:   ${google.apiUrl}/`
  }

See a merged week without an account of your own; in another terminal:

  npm run connect    # links a Google and a CalDAV account of a person who does not exist
  npm run week       # the coming seven days, from all seven of her calendars

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

/** What to do next, in lines to copy; only where anyone may ask for a token. */
export const welcome = (config: Config, url: string, sandbox: SandboxAddress | null): string => {
  const base = config.http.publicUrl ?? url.replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  if (config.auth.mode !== 'dev') return `\nReady at ${base} (API: ${base}/docs)\n`;
  return `
Ready at ${base}

  API to try in a browser:   ${base}/docs${sandbox === null ? liveLines(base) : sandboxLines(base, sandbox)}  ${weekLine(base)}

`;
};
