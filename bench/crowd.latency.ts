import { type IncomingHttpHeaders } from 'node:http';
import { attention } from '../src/infra/postgres/due-work.attention.js';
import { DAY } from '../test/support/calendar-item.js';
import { type EventStream } from '../test/support/event-stream.js';
import { dateOf } from '../test/support/whole-window.js';
import { type Connected } from './crowd.connect.js';
import { type Watcher } from './crowd.relay.js';

/** From when a notification went to the service until its change could be read. Moments are those of `performance.now()`. */
export type Sample = Readonly<{ account: string; from: number; to: number }>;

/**
 * A change whose notification is waited for. `whyUnseen`: why it may not be seen although it was told of, where there is a reason; null where there is
 * none.
 */
export type Awaited = Pick<Connected, 'client' | 'listen'> &
  Readonly<{ account: string; title: string; day: string; whyUnseen: () => Promise<string | null> }>;

/** What waits for a change: the stream of its person, and whether it has told of something. */
type Waiting = Awaited & Readonly<{ stream: EventStream; attention: ReturnType<typeof attention> }>;

export type Probes = Watcher &
  Readonly<{
    /**
     * Opens the stream of a change's person, as somebody who looks at their calendar has it open. Waits then, beside everything else, for the next
     * notification of the calendar, and until the change can be read.
     */
    begin: (calendar: string, awaited: Awaited) => Promise<void>;
    samples: readonly Sample[];
    /** Changes that were told of and could not be read within a minute: why, and of those without a reason which. */
    unseen: () => readonly Unseen[];
    over: () => Promise<void>;
  }>;

/** `reason` null: there is none. */
export type Unseen = Readonly<{ account: string; title: string; reason: string | null }>;

/** Milliseconds after which it is looked again although the stream tells of nothing. */
const PAUSE = 1_000;

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

/** Null where the stream cannot be opened, as when its process has just been killed. */
const waitingFor = async (awaited: Awaited): Promise<Waiting | null> => {
  const news = attention();
  const stream = await awaited.listen(news.hint).catch(() => null);
  return stream === null ? null : { ...awaited, stream, attention: news };
};

export const probesOf = (calendarOf: (subscription: string) => string | null): Probes => {
  const waiting = new Map<string, Waiting>();
  const [samples, unseen, looking]: [Sample[], Unseen[], Set<Promise<void>>] = [[], [], new Set()];
  const look = async (awaited: Waiting, from: number): Promise<void> => {
    const { account, title, attention: news } = awaited;
    while (performance.now() < from + PATIENCE) {
      await news.rest(PAUSE);
      news.look();
      if (await isShown(awaited).catch(() => false)) {
        samples.push({ account, from, to: performance.now() });
        return;
      }
    }
    unseen.push({ account, title, reason: await awaited.whyUnseen() });
  };
  const drop = (calendar: string): void => {
    waiting.get(calendar)?.stream.close();
    waiting.delete(calendar);
  };
  return {
    begin: async (calendar, awaited) => {
      drop(calendar);
      const opened = await waitingFor(awaited);
      if (opened !== null) waiting.set(calendar, opened);
    },
    sent: (headers, body) => {
      const from = performance.now();
      for (const calendar of calendarsIn(headers, body, calendarOf)) {
        const awaited = waiting.get(calendar);
        if (awaited === undefined) continue;
        waiting.delete(calendar);
        const done = look(awaited, from).finally(() => {
          awaited.stream.close();
          looking.delete(done);
        });
        looking.add(done);
      }
    },
    lost: (headers, body) => {
      for (const calendar of calendarsIn(headers, body, calendarOf)) drop(calendar);
    },
    samples,
    unseen: () => unseen,
    over: async () => {
      for (const calendar of [...waiting.keys()]) drop(calendar);
      await Promise.all(looking);
    },
  };
};
