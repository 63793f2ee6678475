import { type Database } from '../kernel/sql.js';
import { type MergedCalendar, type Owned } from './relay.ports.js';
import { type Asked, type Place } from './telling.js';
import { type Tellings } from './tellings.rows.js';

/** Calendars asked for at once. */
const AT_ONCE = 1_000;

type Ports = Readonly<{ database: Database; tellings: Pick<Tellings, 'ask'>; merged: Pick<MergedCalendar, 'calendars'> }>;

/** Calendars to tell whole. `position`: the place in the log they are told at; `at`: the time, RFC 3339, UTC. `told`: as of each that is asked for. */
export type Wanted = Readonly<{ position: bigint; at: string; told: Place; isWanted: (calendar: Owned) => boolean }>;

async function* inPages(calendars: AsyncIterable<Owned>): AsyncGenerator<readonly Owned[]> {
  let page: Owned[] = [];
  for await (const calendar of calendars) {
    page.push(calendar);
    if (page.length < AT_ONCE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/**
 * Asks for calendars whole: those that can be read, and of `adopted`, all that ever were, the others too, so that consumers learn that they are gone. Answers
 * their numbers.
 */
export const askForAll = async (
  { database, tellings, merged }: Ports,
  adopted: AsyncIterable<Owned>,
  { position, at, told, isWanted }: Wanted,
): Promise<readonly string[]> => {
  const [known, nrs]: [Set<string>, string[]] = [new Set(), []];
  const askedOf = (calendar: Owned): Asked => ({
    telling: { ...calendar, at, origin: ['whole', calendar.calendarId, String(position)] },
    change: 'calendar-added',
    told,
  });
  for (const pages of [merged.calendars(), inPages(adopted)])
    for await (const page of pages) {
      const fresh = page.filter((calendar) => isWanted(calendar) && !known.has(calendar.calendarId));
      for (const { calendarId } of fresh) known.add(calendarId);
      nrs.push(...(await tellings.ask(database, [...new Map(fresh.map((each) => [each.calendarId, askedOf(each)])).values()])));
    }
  return nrs;
};
