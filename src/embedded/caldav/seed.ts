import { DAY_SECONDS, wallDay } from '../../time/civil.js';
import { zoneOrUtc } from '../../time/time-zone.js';
import { type SandboxAccount, type SandboxCalendar } from './account.js';
import { chanceOf, type Diary, type Entry, MIA, MIA_AT_HOME, NOAH } from './diary.js';
import { birthdays, familyCalendar, privateCalendar } from './home-diary.js';
import { type IcsContext, icsContext, icsOf } from './ics.js';
import { miasWork, noahsWork, teamCalendar } from './work-diary.js';

/** The password of every sandbox account; there is nothing behind it. */
export const SANDBOX_PASSWORD = 'sandbox';

/** An entry of a calendar that may be moved without anybody's wondering. */
export type Movable = Readonly<{ account: string; calendar: string; entry: Entry }>;

export type Seed = Readonly<{ accounts: readonly SandboxAccount[]; movables: readonly Movable[] }>;

const YEAR = 366;

/** What texts written at an instant (milliseconds) carry. */
export const contextAt = (now: number): IcsContext => {
  const today = Math.floor(now / (DAY_SECONDS * 1_000));
  const stamp = `${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  return icsContext(stamp, today - YEAR, today + 2 * YEAR);
};

type Outline = Omit<SandboxCalendar, 'objects' | 'timeZone'> & Readonly<{ entries: readonly Entry[] }>;

const calendar = (
  name: string,
  displayName: string,
  color: string,
  entries: readonly Entry[],
  access: SandboxCalendar['access'] = 'write',
): Outline => ({ name, displayName, color, entries, access });

const outlines = (
  diary: Diary,
): readonly Readonly<{ person: Readonly<{ name: string; email: string }>; calendars: readonly Outline[] }>[] => [
  {
    person: MIA,
    calendars: [
      calendar('work', 'Work', '#1565c0', miasWork(diary)),
      calendar('team', 'Team (shared by Ivy)', '#6a1b9a', teamCalendar(diary), 'read'),
    ],
  },
  {
    person: MIA_AT_HOME,
    calendars: [
      calendar('private', 'Private', '#2e7d32', privateCalendar(diary)),
      calendar('family', 'Family', '#ef6c00', familyCalendar(diary)),
      calendar('birthdays', 'Birthdays', '#ad1457', birthdays(diary), 'read'),
    ],
  },
  { person: NOAH, calendars: [calendar('work', 'Work', '#00838f', noahsWork(diary))] },
];

const FILLER = /^(meeting|plan)-/;

/**
 * Three accounts of two people who do not exist, with lives around the instant `now` (milliseconds) in the zone of the viewer: always the
 * same for the same seed, day and zone.
 */
export const seedOf = (now: number, timeZone: string, seed: number): Seed => {
  const today = wallDay(zoneOrUtc(timeZone, {}).wallOf(Math.floor(now / 1_000)));
  // Of the day, not of the moment: the same texts have the same etags after a restart.
  const context = contextAt(now - (now % (DAY_SECONDS * 1_000)));
  const made = outlines({ today, zone: timeZone, random: chanceOf(seed) });
  const movables = made.flatMap(({ person, calendars }) =>
    calendars.flatMap(({ name, access, entries }) =>
      (access === 'write' ? entries : [])
        .filter((entry) => FILLER.test(entry.name))
        .map((entry) => ({ account: person.email, calendar: name, entry })),
    ),
  );
  const accounts = made.map(({ person, calendars }) => ({
    username: person.email,
    password: SANDBOX_PASSWORD,
    fullName: person.name,
    calendars: calendars.map(({ entries, ...about }) => ({
      ...about,
      timeZone,
      objects: new Map(entries.map(({ name, events }) => [name, icsOf(events, context)])),
    })),
  }));
  return { accounts, movables };
};
