import { type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client } from '../test/support/service.js';
import { DAY } from '../test/support/calendar-item.js';
import { dateOf } from '../test/support/whole-window.js';
import { type Watcher } from './crowd.relay.js';

/** From when a notification went to the service until its change could be read. Moments are those of `performance.now()`. */
export type Sample = Readonly<{ account: string; from: number; to: number }>;

/** A change whose notification is waited for. */
type Awaited = Readonly<{ account: string; client: Client; title: string; day: string }>;

export type Probes = Watcher &
  Readonly<{
    /** Waits, beside everything else, for the next notification of a calendar, and then until its change can be read. */
    begin: (calendar: string, awaited: Awaited) => void;
    samples: readonly Sample[];
    /** Changes that were told of and could not be read within a minute: a later change may have replaced them. */
    unseen: () => number;
    over: () => Promise<void>;
  }>;

/** Milliseconds between two looks, at the least; a tenth of what has passed. So much longer at most a change seems to take. */
const PAUSE = 15;

const PATIENCE = 60_000;

/** The calendars that a notification is about. `calendarOf`: of a subscription of Microsoft's. */
const calendarsIn = (
  headers: IncomingHttpHeaders,
  body: string,
  calendarOf: (subscription: string) => string | null,
): readonly string[] => {
  const resource = headers['x-goog-resource-uri'];
  if (typeof resource === 'string') return [decodeURIComponent(/\/calendars\/([^/]+)\/events/.exec(resource)?.[1] ?? '')];
  const { value } = JSON.parse(body) as Readonly<{ value: readonly Readonly<{ subscriptionId: string }>[] }>;
  return value.flatMap(({ subscriptionId }) => calendarOf(subscriptionId) ?? []);
};

const isShown = async ({ client, title, day }: Awaited): Promise<boolean> => {
  const at = Date.parse(day);
  const shown = await client.events(`${dateOf(at - DAY)}/${dateOf(at + 2 * DAY)}`);
  return shown.some((event) => event.title === title);
};

export const probesOf = (calendarOf: (subscription: string) => string | null): Probes => {
  const waiting = new Map<string, Awaited>();
  const [samples, looking]: [Sample[], Set<Promise<void>>] = [[], new Set()];
  let unseen = 0;
  const look = async (awaited: Awaited, from: number): Promise<void> => {
    while (performance.now() < from + PATIENCE) {
      if (await isShown(awaited).catch(() => false)) {
        samples.push({ account: awaited.account, from, to: performance.now() });
        return;
      }
      await sleep(Math.max(PAUSE, (performance.now() - from) / 10));
    }
    unseen += 1;
  };
  return {
    begin: (calendar, awaited) => {
      waiting.set(calendar, awaited);
    },
    sent: (headers, body) => {
      const from = performance.now();
      for (const calendar of calendarsIn(headers, body, calendarOf)) {
        const awaited = waiting.get(calendar);
        if (awaited === undefined) continue;
        waiting.delete(calendar);
        const done = look(awaited, from).finally(() => looking.delete(done));
        looking.add(done);
      }
    },
    lost: (headers, body) => {
      for (const calendar of calendarsIn(headers, body, calendarOf)) waiting.delete(calendar);
    },
    samples,
    unseen: () => unseen,
    over: async () => {
      await Promise.all(looking);
    },
  };
};
