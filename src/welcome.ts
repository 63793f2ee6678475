import { type Config } from './config.js';

/** What to do next, in lines to copy; only where anyone may ask for a token. */
export const welcome = (config: Config, url: string): string => {
  const base = config.http.publicUrl ?? url.replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  if (config.auth.mode !== 'dev') return `\nReady at ${base} (API: ${base}/docs)\n`;
  return `
Ready at ${base}

  API to try in a browser:  ${base}/docs

Connect a calendar and read your week; copy these lines into another terminal:

  TOKEN=$(curl -s ${base}/v1/dev/token -H 'content-type: application/json' -d '{"userId":"me"}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

  # iCloud (app-specific password from account.apple.com); for any other CalDAV server:
  # "provider":"caldav" and "serverUrl":"https://…" beside user name and password
  curl -s ${base}/v1/calendar/connections -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '{"provider":"apple","consent":true,"credentials":{"username":"you@icloud.com","password":"xxxx-xxxx-xxxx-xxxx"}}'

  curl -s "${base}/v1/calendar/events?range=$(date -u +%F)/$(date -u -d '+7 days' +%F 2>/dev/null || date -u -v+7d +%F)" -H "authorization: Bearer $TOKEN"

`;
};
