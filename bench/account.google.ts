import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { icsOf } from '../test/support/calendar-item.js';
import { tokensFor } from '../test/support/google-sandbox.js';
import { BENCH_PERSON, googleIdOf, googleItems, googleRows } from './google.calendar.js';
import { type RawGoogle, rawGoogle } from './raw.google.js';

/** A seeded calendar at Google’s simulator, and what is in it at the moment. */
export type GoogleAccount = Readonly<{
  email: string;
  /** What tells the service where Google is. */
  settings: Readonly<Record<string, string>>;
  /** Signs the bare client in. */
  raw: () => Promise<RawGoogle>;
  texts: () => Iterable<string>;
  /** Gives another single event of the next weeks this title; answers the day it is on, `2026-03-01`. */
  change: (title: string) => Promise<Readonly<{ day: string }>>;
  stop: () => Promise<void>;
}>;

const DAY = 86_400_000;
const PROGRAM = fileURLToPath(new URL('./google.server.main.js', import.meta.url));

const addressOf = async (child: ChildProcess): Promise<string> => {
  if (child.stdout === null) throw new Error('The simulator prints nothing.');
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('The simulator of Google ended at its start.'))),
  ])) as [string];
  return line;
};

/** Starts the simulator, 40 ms a request, with one calendar of so many events around `now`. */
export const startGoogleAccount = async (events: number, now: Date): Promise<GoogleAccount> => {
  const child = spawn(process.execPath, [PROGRAM, '--events', String(events), '--from', now.toISOString()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(child);
  const items = [...googleItems(events, now)];
  const [first = 0, last = 0] = [2, 21].map((days) => now.getTime() + days * DAY);
  const changeable = items.flatMap(({ rule, master: { zone, start } }, index) =>
    rule === null && zone !== null && start >= first && start <= last ? [index] : [],
  );
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
    texts: () => items.map(icsOf),
    change: async (title) => {
      const index = changeable.shift();
      const item = index === undefined ? undefined : items[index];
      if (index === undefined || item === undefined) throw new Error('Too few events to change: take more of them (--events).');
      const changed = { ...item, master: { ...item.master, title } };
      items[index] = changed;
      const { id, ...event } = googleRows(changed)[0] ?? {};
      const path = `sandbox/calendars/${encodeURIComponent(BENCH_PERSON)}/events/${googleIdOf(item)}`;
      const answer = await fetch(url + path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      });
      if (!answer.ok) throw new Error(`The simulator answered ${answer.status} to the change of ${String(id)}.`);
      return { day: new Date(item.master.start).toISOString().slice(0, 10) };
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
};
