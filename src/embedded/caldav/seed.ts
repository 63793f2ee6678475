import { DAY_SECONDS } from '../../time/civil.js';
import { castOf, type Movable, movablesOf } from '../cast/cast.js';
import { type SandboxAccount } from './account.js';
import { fileOf, type IcsContext, icsContext, icsOf } from './ics.js';

/** The password of every sandbox account; there is nothing behind it. */
export const SANDBOX_PASSWORD = 'sandbox';

export type Seed = Readonly<{ accounts: readonly SandboxAccount[]; movables: readonly Movable[] }>;

const YEAR = 366;

/** What texts written at an instant (milliseconds) carry. */
export const contextAt = (now: number): IcsContext => {
  const today = Math.floor(now / (DAY_SECONDS * 1_000));
  const stamp = `${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  return icsContext(stamp, today - YEAR, today + 2 * YEAR);
};

/** The cast as CalDAV accounts; see `castOf`. */
export const seedOf = (now: number, timeZone: string, seed: number): Seed => {
  // Of the day, not of the moment: the same texts have the same etags after a restart.
  const context = contextAt(now - (now % (DAY_SECONDS * 1_000)));
  const cast = castOf(now, timeZone, seed);
  const accounts = cast.map(({ person, calendars }) => ({
    username: person.email,
    password: SANDBOX_PASSWORD,
    fullName: person.name,
    calendars: calendars.map(({ entries, ...about }) => ({
      ...about,
      timeZone,
      objects: new Map(entries.map((entry) => [fileOf(entry), icsOf(entry, context)])),
    })),
  }));
  return { accounts, movables: movablesOf(cast) };
};
