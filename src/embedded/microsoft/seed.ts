import { formatDate, formatWall, wallDay } from '../../time/civil.js';
import { zoneOrUtc } from '../../time/time-zone.js';
import { type CastCalendar, type CastMember } from '../cast/cast.js';
import { IVY, MIA, MIA_AT_HOME, MIA_AT_SCHOOL, NOAH } from '../cast/diary.js';
import { type CastPerson, type Entry, type EntryEvent, type EntryTime, uidOf } from '../cast/entry.js';
import { type ListedCalendar, type MicrosoftCalendarStart, type MicrosoftPerson, type MicrosoftStart, PERSONAL_TENANT } from './account.js';
import { type GraphBody, type GraphTime, occurrenceKey, secondsOf, windowsOf } from './event.js';
import { recurrenceOf } from './pattern.js';

/** The tenants of the colleagues and of the school, and one whose administrator lets no application in by itself. */
const WORK_TENANT = '6c7a1f9e-54d2-4c8b-9d0e-1b2f3a4c5d6e';
const SCHOOL_TENANT = '3f2b8d1c-7a6e-4f5d-8c9b-0a1b2c3d4e5f';
const STRICT_TENANT = '0d1e2f3a-4b5c-4d6e-8f7a-8b9c0d1e2f3a';

/** Somebody whose administrator must consent, and somebody whose mailbox is in no cloud. */
const STRICT: CastPerson = { name: 'Rita Restricted', email: 'rita@strict.example' };
const WITHOUT_MAILBOX: CastPerson = { name: 'Owen Onpremises', email: 'owen@work.example' };

/** A time of an entry as it is written to Graph, which knows no floating times: they are the mailbox's. */
const timeIn = (time: EntryTime, zone: string): GraphTime =>
  'day' in time
    ? { dateTime: `${formatDate(time.day)}T00:00:00`, timeZone: windowsOf(zone) }
    : { dateTime: formatWall(time.wall), timeZone: windowsOf(time.zone ?? zone) };

/** An original start as occurrences are named by. */
const originalIn = (time: EntryTime, zone: string): string =>
  'day' in time ? formatDate(time.day) : `${formatWall(secondsOf(timeIn(time, zone)) ?? 0)}Z`;

const RESPONSES = { accepted: 'accepted', declined: 'declined', tentative: 'tentativelyAccepted', 'needs-action': 'notResponded' } as const;

const NEVER = '0001-01-01T00:00:00Z';

const addressed = ({ name, email }: CastPerson) => ({ emailAddress: { name, address: email } });

const showAsOf = ({ free, status, attendees = [] }: EntryEvent, self: string): string => {
  if (free === true) return 'free';
  const response = attendees.find(({ email }) => email === self)?.response;
  if (response === 'declined') return 'free';
  return status === 'tentative' || response === 'tentative' || response === 'needs-action' ? 'tentative' : 'busy';
};

const recurrenceIn = (event: EntryEvent, zone: string): GraphBody => {
  if (event.rule === undefined) return {};
  const { dateTime, timeZone } = timeIn(event.start, zone);
  return { recurrence: recurrenceOf(event.rule, dateTime.slice(0, 10), timeZone) };
};

const bodyOf = (event: EntryEvent, zone: string, self: string): GraphBody => ({
  subject: event.title,
  ...(event.location === undefined ? {} : { location: { displayName: event.location } }),
  ...(event.description === undefined ? {} : { body: { contentType: 'text', content: event.description } }),
  showAs: showAsOf(event, self),
  ...(event.status === 'cancelled' ? { isCancelled: true } : {}),
  ...(event.private === true ? { sensitivity: 'private' } : {}),
  ...(event.organizer === undefined ? {} : { organizer: addressed(event.organizer) }),
  ...(event.attendees === undefined
    ? {}
    : {
        attendees: event.attendees.map(({ response, ...each }) => ({
          type: 'required',
          status: { response: RESPONSES[response], time: NEVER },
          ...addressed(each),
        })),
      }),
  isAllDay: 'day' in event.start,
  start: timeIn(event.start, zone),
  end: timeIn(event.end, zone),
  ...recurrenceIn(event, zone),
});

/** An entry as Graph keeps it: an event, or a series with its exceptions. What it leaves out is removed from it after (see excludedOf). */
export const microsoftEvents = (entry: Entry, zone: string, self: string): readonly GraphBody[] =>
  entry.events.map((event) => {
    const body = { ...bodyOf(event, zone, self), uid: uidOf(entry) };
    if (event.instance === undefined) return { ...body, id: entry.key };
    const originalStart = originalIn(event.instance, zone);
    return { ...body, id: occurrenceKey(entry.key, 0, originalStart), seriesMasterId: entry.key, originalStart };
  });

/** The occurrences an entry leaves out, by their original start. */
const excludedOf = (entry: Entry, zone: string): readonly Readonly<{ master: string; original: string }>[] =>
  entry.events.flatMap(({ excluded = [] }) => excluded.map((time) => ({ master: entry.key, original: originalIn(time, zone) })));

/** Ids of calendars are not fit for a path as they are. */
export const calendarIdOf = ({ person }: Pick<CastMember, 'person'>, name: string): string =>
  `AQMkADAw${btoa(`${person.email}/${name}`).replaceAll('+', '-').replaceAll('/', '_')}`;

const COLORS: Readonly<Record<string, string>> = {
  work: 'lightBlue',
  team: 'lightPink',
  private: 'lightGreen',
  family: 'lightOrange',
  birthdays: 'lightRed',
  courses: 'lightTeal',
};

const HOLIDAY_NAMES = ['Day of the Example', 'Placeholder Monday', 'Feast of the Fixture'] as const;

/** Holidays of a country that is none, which Outlook keeps in a calendar of one's own that cannot be edited. */
const holidays = (person: CastPerson, today: number, timeZone: string): MicrosoftCalendarStart => ({
  id: calendarIdOf({ person }, 'holidays'),
  name: 'Nowhere holidays',
  owner: { name: person.name, address: person.email },
  editable: false,
  events: HOLIDAY_NAMES.map((subject, index) => ({
    id: `holiday-${index}`,
    subject,
    showAs: 'free',
    isAllDay: true,
    isReminderOn: false,
    categories: ['Holiday'],
    start: { dateTime: `${formatDate(today + 5 + index * 30)}T00:00:00`, timeZone: windowsOf(timeZone) },
    end: { dateTime: `${formatDate(today + 6 + index * 30)}T00:00:00`, timeZone: windowsOf(timeZone) },
  })),
});

/** What Microsoft has words for: where somebody works, and when they are away. */
const ofMicrosoft = (today: number, zone: string): readonly GraphBody[] => [
  {
    id: 'working-elsewhere',
    subject: 'Home',
    showAs: 'workingElsewhere',
    isAllDay: true,
    start: timeIn({ day: today + 1 }, zone),
    end: timeIn({ day: today + 2 }, zone),
  },
  {
    id: 'away',
    subject: 'Out of office',
    showAs: 'oof',
    start: { dateTime: `${formatDate(today + 20)}T13:00:00`, timeZone: windowsOf(zone) },
    end: { dateTime: `${formatDate(today + 20)}T17:00:00`, timeZone: windowsOf(zone) },
  },
];

const calendarOf = (
  member: CastMember,
  { name, displayName, color, entries }: CastCalendar,
  zone: string,
  more: readonly GraphBody[],
): MicrosoftCalendarStart => {
  const keeper = name === 'team' ? IVY : member.person;
  return {
    id: calendarIdOf(member, name),
    name: displayName,
    owner: { name: keeper.name, address: keeper.email },
    color: { name: COLORS[name] ?? 'auto', hex: color },
    editable: name !== 'birthdays',
    events: [
      ...entries.flatMap((entry) => microsoftEvents(entry, zone, member.person.email)),
      ...entries.flatMap((entry) => excludedOf(entry, zone)).map(({ master, original }) => hole(master, original)),
      ...more,
    ],
  };
};

/** An occurrence that does not take place. */
const hole = (master: string, originalStart: string): GraphBody => ({ seriesMasterId: master, originalStart, '@removed': true });

const listOf = (member: CastMember): readonly ListedCalendar[] => [
  ...member.calendars.map(({ name }) => ({
    calendar: calendarIdOf(member, name),
    role: name === 'team' ? ('read' as const) : ('owner' as const),
  })),
  // Of her colleague Mia sees no more than when he is busy.
  ...(member.person === MIA ? [{ calendar: calendarIdOf({ person: NOAH }, 'work'), role: 'freeBusyRead' as const, name: NOAH.name }] : []),
  { calendar: calendarIdOf(member, 'holidays'), role: 'owner' as const },
];

const personOf = ({ name, email }: CastPerson, tenant: string, timeZone: string): Omit<MicrosoftPerson, 'list'> => ({
  email,
  fullName: name,
  tenant,
  timeZone: windowsOf(timeZone),
});

/** The cast as people and calendars of Microsoft, around the instant `now` (milliseconds), and two people who cannot be connected. */
export const microsoftStart = (cast: readonly CastMember[], now: number, timeZone: string): MicrosoftStart => {
  const today = wallDay(zoneOrUtc(timeZone, {}).wallOf(Math.floor(now / 1_000)));
  const tenantOf = (person: CastPerson): string =>
    new Map([
      [MIA_AT_HOME, PERSONAL_TENANT],
      [MIA_AT_SCHOOL, SCHOOL_TENANT],
    ]).get(person) ?? WORK_TENANT;
  const people: readonly MicrosoftPerson[] = [
    ...cast.map((member) => ({ ...personOf(member.person, tenantOf(member.person), timeZone), list: listOf(member) })),
    { ...personOf(STRICT, STRICT_TENANT, timeZone), needsAdmin: true, list: [] },
    { ...personOf(WITHOUT_MAILBOX, WORK_TENANT, timeZone), mailbox: false, list: [] },
  ];
  const calendars = cast.flatMap((member) => [
    ...member.calendars.map((calendar, index) =>
      calendarOf(member, calendar, timeZone, member.person === MIA && index === 0 ? ofMicrosoft(today, timeZone) : []),
    ),
    holidays(member.person, today, timeZone),
  ]);
  return { people, calendars };
};
