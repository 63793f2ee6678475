import { formatDate, formatWall, wallDay } from '../../time/civil.js';
import { zoneOrUtc } from '../../time/time-zone.js';
import { type CastCalendar, type CastMember } from '../cast/cast.js';
import { MIA, NOAH } from '../cast/diary.js';
import { type Entry, type EntryEvent, type EntryTime, uidOf } from '../cast/entry.js';
import { type GoogleCalendarStart, type GooglePerson, type GoogleStart, type ListedCalendar } from './account.js';
import { type EventBody, type EventTime, instanceId } from './event.js';

/** A time of an entry as it is written to Google, which knows no floating times: they are the calendar's. */
const timeIn = (time: EntryTime, zone: string): EventTime =>
  'day' in time ? { date: formatDate(time.day) } : { dateTime: formatWall(time.wall), timeZone: time.zone ?? zone };

const excludedLine = (time: EntryTime, zone: string): string => {
  if ('day' in time) return `EXDATE;VALUE=DATE:${formatDate(time.day).replaceAll('-', '')}`;
  return `EXDATE;TZID=${time.zone ?? zone}:${formatWall(time.wall).replace(/[-:]/g, '')}`;
};

const RESPONSES = { accepted: 'accepted', declined: 'declined', tentative: 'tentative', 'needs-action': 'needsAction' } as const;
const KINDS = { 'focus-time': 'focusTime', birthday: 'birthday' } as const;

/** Google's alphabet of ids is that of base32hex. */
const idOf = ({ key }: Entry): string => Array.from(key, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('');

/** What a kind of event always has. */
const ofKind = (kind: EntryEvent['kind']): EventBody => {
  if (kind === undefined) return {};
  if (kind === 'birthday') return { eventType: 'birthday', visibility: 'private', birthdayProperties: { type: 'birthday' } };
  return { eventType: KINDS[kind], focusTimeProperties: { autoDeclineMode: 'declineNone', chatStatus: 'doNotDisturb' } };
};

const personOf = ({ name, email }: Readonly<{ name: string; email: string }>) => ({ email, displayName: name });

const bodyOf = (event: EntryEvent, zone: string): EventBody => ({
  summary: event.title,
  ...(event.location === undefined ? {} : { location: event.location }),
  ...(event.description === undefined ? {} : { description: event.description }),
  ...(event.status === undefined ? {} : { status: event.status }),
  ...(event.free === true ? { transparency: 'transparent' } : {}),
  ...(event.private === true ? { visibility: 'private' } : {}),
  ...(event.organizer === undefined ? {} : { organizer: personOf(event.organizer), creator: personOf(event.organizer) }),
  ...(event.attendees === undefined
    ? {}
    : { attendees: event.attendees.map(({ response, ...each }) => ({ ...personOf(each), responseStatus: RESPONSES[response] })) }),
  ...ofKind(event.kind),
  sequence: event.sequence ?? 0,
  start: timeIn(event.start, zone),
  end: timeIn(event.end, zone),
  ...(event.rule === undefined
    ? {}
    : { recurrence: [`RRULE:${event.rule}`, ...(event.excluded ?? []).map((time) => excludedLine(time, zone))] }),
});

/** An entry as the rows Google keeps of it: one, or a series and its exceptions. */
export const googleEvents = (entry: Entry, zone: string): readonly EventBody[] => {
  const id = idOf(entry);
  return entry.events.map((event) => {
    const body = { ...bodyOf(event, zone), iCalUID: uidOf(entry) };
    if (event.instance === undefined) return { ...body, id };
    const originalStartTime = timeIn(event.instance, zone);
    return { ...body, id: instanceId(id, originalStartTime, zone), recurringEventId: id, originalStartTime };
  });
};

/** The first calendar of an account is its primary one. */
export const calendarIdOf = ({ person, calendars }: CastMember, name: string): string => {
  if (name === calendars[0]?.name) return person.email;
  if (name === 'birthdays') return 'addressbook#contacts@group.v.calendar.google.com';
  return `c_${name}_${person.email.replace(/\W/g, '_')}@group.calendar.google.com`;
};

const HOLIDAYS = 'en.nowhere#holiday@group.v.calendar.google.com';

const HOLIDAY_NAMES = ['Day of the Example', 'Placeholder Monday', 'Feast of the Fixture'] as const;

/** Holidays of a country that is none, in the weeks around today; they cannot be watched. */
const holidays = (today: number, timeZone: string): GoogleCalendarStart => ({
  id: HOLIDAYS,
  summary: 'Holidays in Nowhere',
  description: 'Holidays and observances in Nowhere',
  timeZone,
  color: '#16a765',
  watchable: false,
  events: HOLIDAY_NAMES.map((summary, index) => ({
    id: `686f6c69646179${index}`,
    summary,
    visibility: 'public',
    transparency: 'transparent',
    start: { date: formatDate(today + 5 + index * 30) },
    end: { date: formatDate(today + 6 + index * 30) },
  })),
});

/** What Google alone knows: where somebody works, and when they are away. */
const ofGoogle = (today: number, timeZone: string): readonly EventBody[] => [
  {
    id: '776f726b706c616365',
    summary: 'Home',
    eventType: 'workingLocation',
    transparency: 'transparent',
    visibility: 'public',
    workingLocationProperties: { type: 'homeOffice', homeOffice: {} },
    start: { date: formatDate(today + 1) },
    end: { date: formatDate(today + 2) },
  },
  {
    id: '61776179',
    summary: 'Out of office',
    eventType: 'outOfOffice',
    outOfOfficeProperties: { autoDeclineMode: 'declineOnlyNewConflictingInvitations', declineMessage: 'Away' },
    start: { dateTime: `${formatDate(today + 20)}T13:00:00`, timeZone },
    end: { dateTime: `${formatDate(today + 20)}T17:00:00`, timeZone },
  },
];

const calendarOf = (member: CastMember, calendar: CastCalendar, timeZone: string, more: readonly EventBody[]): GoogleCalendarStart => ({
  id: calendarIdOf(member, calendar.name),
  summary: calendar.displayName,
  timeZone,
  color: calendar.color,
  watchable: calendar.name !== 'birthdays',
  events: [...calendar.entries.flatMap((entry) => googleEvents(entry, timeZone)), ...more],
});

const listOf = (member: CastMember): readonly ListedCalendar[] => [
  ...member.calendars.map(({ name, access }, index) => ({
    calendar: calendarIdOf(member, name),
    accessRole: access === 'write' ? ('owner' as const) : ('reader' as const),
    ...(index === 0 ? { primary: true } : {}),
  })),
  // Of her colleague Mia sees no more than when he is busy.
  ...(member.person === MIA ? [{ calendar: NOAH.email, accessRole: 'freeBusyReader' as const, summaryOverride: NOAH.name }] : []),
  { calendar: HOLIDAYS, accessRole: 'reader' as const },
];

/** The cast as people and calendars of Google, around the instant `now` (milliseconds). */
export const googleStart = (cast: readonly CastMember[], now: number, timeZone: string): GoogleStart => {
  const today = wallDay(zoneOrUtc(timeZone, {}).wallOf(Math.floor(now / 1_000)));
  const people: readonly GooglePerson[] = cast.map((member) => ({
    email: member.person.email,
    fullName: member.person.name,
    list: listOf(member),
  }));
  const calendars = cast.flatMap((member) =>
    member.calendars.map((calendar, index) =>
      calendarOf(member, calendar, timeZone, member.person === MIA && index === 0 ? ofGoogle(today, timeZone) : []),
    ),
  );
  return { people, calendars: [...calendars, holidays(today, timeZone)] };
};
