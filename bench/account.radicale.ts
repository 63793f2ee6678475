import { type Radicale, startRadicale } from '../test/support/radicale.js';
import { seedCalendar } from '../test/support/seed.js';
import { type RawClient, rawClient } from './raw.caldav.js';
import { timed } from './timing.js';

/** A seeded calendar on a CalDAV server, and what is in it at the moment. */
export type BenchAccount = Readonly<{
  radicale: Radicale;
  calendar: string;
  raw: RawClient;
  texts: () => Iterable<string>;
  /** Milliseconds of Radicale's own first reading of the files. */
  warmUp: number;
  /** Gives another single event of the next weeks this title; answers the day it is on, `2026-03-01`. */
  change: (title: string) => Promise<Readonly<{ day: string; file: string }>>;
}>;

const SEED = 490;
const DAY = 86_400_000;

const dayOf = (text: string): string => (/^DTSTART;TZID=[^:]*:(\d{4})(\d\d)(\d\d)T/m.exec(text) ?? []).slice(1, 4).join('-');

/** Files of single events with a time, from the day after tomorrow to three weeks ahead. */
const changeable = (objects: ReadonlyMap<string, string>, now: Date): string[] => {
  const [first, last] = [2, 21].map((days) => new Date(now.getTime() + days * DAY).toISOString().slice(0, 10));
  return [...objects]
    .filter(([, text]) => !text.includes('RRULE') && dayOf(text) >= (first ?? '') && dayOf(text) <= (last ?? ''))
    .map(([file]) => file);
};

/** Starts Radicale with one calendar of so many events around `now`, its cache warm. Throws one line when Radicale is not installed. */
export const startAccount = async (events: number, now: Date): Promise<BenchAccount> => {
  const radicale = await startRadicale();
  const calendar = await radicale.makeCalendar('bench', { displayname: 'Bench' });
  const objects = new Map(seedCalendar({ events, seed: SEED, from: now }));
  const raw = rawClient(calendar, radicale);
  const { milliseconds: warmUp } = await timed(async () => {
    await radicale.seed(calendar, objects);
    await raw.readAll();
  });
  const files = changeable(objects, now);
  return {
    radicale,
    calendar,
    raw,
    texts: () => objects.values(),
    warmUp,
    change: async (title) => {
      const file = files.shift();
      const text = file === undefined ? undefined : objects.get(file);
      if (file === undefined || text === undefined) throw new Error('Too few events to change: take more of them (--events).');
      const changed = text.replace(/^SUMMARY:.*$/m, `SUMMARY:${title}`);
      objects.set(file, changed);
      await radicale.put(calendar, file, changed);
      return { day: dayOf(text), file };
    },
  };
};
