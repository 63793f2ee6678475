import { wallDay } from '../../time/civil.js';
import { zoneOrUtc } from '../../time/time-zone.js';
import { chanceOf, type Diary, MIA, MIA_AT_HOME, MIA_AT_SCHOOL, NOAH } from './diary.js';
import { type CastPerson, type Entry } from './entry.js';
import { birthdays, courseCalendar, familyCalendar, privateCalendar } from './home-diary.js';
import { miasWork, noahsWork, teamCalendar } from './work-diary.js';

/** A calendar of somebody made up. The first one of an account is the one invitations go to. */
export type CastCalendar = Readonly<{
  name: string;
  displayName: string;
  /** `#rrggbb`. */
  color: string;
  /** `read`: kept by somebody else, who alone may write. */
  access: 'write' | 'read';
  entries: readonly Entry[];
}>;

/** One account: somebody made up with several accounts is as many members of the cast. */
export type CastMember = Readonly<{ person: CastPerson; calendars: readonly CastCalendar[] }>;

const calendar = (
  name: string,
  displayName: string,
  color: string,
  entries: readonly Entry[],
  access: CastCalendar['access'] = 'write',
): CastCalendar => ({ name, displayName, color, entries, access });

const membersOf = (diary: Diary): readonly CastMember[] => [
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
  { person: MIA_AT_SCHOOL, calendars: [calendar('courses', 'Courses', '#4527a0', courseCalendar(diary))] },
];

/**
 * Four accounts of two people who do not exist, with lives around the instant `now` (milliseconds) in the zone of the viewer: always the
 * same for the same seed, day and zone.
 */
export const castOf = (now: number, timeZone: string, seed: number): readonly CastMember[] => {
  const today = wallDay(zoneOrUtc(timeZone, {}).wallOf(Math.floor(now / 1_000)));
  return membersOf({ today, zone: timeZone, random: chanceOf(seed) });
};

/** An entry of a calendar that may be moved without surprising its readers. */
export type Movable = Readonly<{ account: string; calendar: string; entry: Entry }>;

const FILLER = /^(meeting|plan)-/;

/** The entries that move now and then. */
export const movablesOf = (cast: readonly CastMember[]): readonly Movable[] =>
  cast.flatMap(({ person, calendars }) =>
    calendars.flatMap(({ name, access, entries }) =>
      (access === 'write' ? entries : [])
        .filter(({ key }) => FILLER.test(key))
        .map((entry) => ({ account: person.email, calendar: name, entry })),
    ),
  );
