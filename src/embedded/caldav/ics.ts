import { DAY_SECONDS, formatDate, formatWall } from '../../time/civil.js';
import { findZone } from '../../time/time-zone.js';
import { type CastPerson, type Entry, type EntryEvent, type EntryTime, uidOf } from '../cast/entry.js';

/** When a text is written, and how it describes zones: the lines of a VTIMEZONE. */
export type IcsContext = Readonly<{ stamp: string; zoneLines: (zone: string) => readonly string[] }>;

const escaped = (text: string): string => text.replace(/[\\;,]/g, '\\$&').replaceAll('\n', '\\n');

const compact = (text: string): string => text.replace(/[-:]/g, '');

const zoned = (name: string, time: EntryTime): string => {
  if ('day' in time) return `${name};VALUE=DATE:${compact(formatDate(time.day))}`;
  const wall = compact(formatWall(time.wall));
  if (time.zone === 'UTC') return `${name}:${wall}Z`;
  return time.zone === null ? `${name}:${wall}` : `${name};TZID=${time.zone}:${wall}`;
};

const person = (name: string, parameters: string, { name: called, email }: CastPerson): string =>
  `${name};CN=${called}${parameters}:mailto:${email}`;

const optional = (value: string | undefined, line: (value: string) => string): readonly string[] =>
  value === undefined ? [] : [line(value)];

const eventLines = (event: EntryEvent, uid: string, { stamp }: IcsContext): readonly string[] => [
  'BEGIN:VEVENT',
  `UID:${uid}`,
  `DTSTAMP:${stamp}`,
  `LAST-MODIFIED:${stamp}`,
  `SEQUENCE:${event.sequence ?? 0}`,
  ...(event.instance === undefined ? [] : [zoned('RECURRENCE-ID', event.instance)]),
  zoned('DTSTART', event.start),
  zoned('DTEND', event.end),
  ...optional(event.rule, (rule) => `RRULE:${rule}`),
  ...(event.excluded ?? []).map((time) => zoned('EXDATE', time)),
  `SUMMARY:${escaped(event.title)}`,
  ...optional(event.location, (text) => `LOCATION:${escaped(text)}`),
  ...optional(event.description, (text) => `DESCRIPTION:${escaped(text)}`),
  `STATUS:${(event.status ?? 'confirmed').toUpperCase()}`,
  `TRANSP:${event.free === true ? 'TRANSPARENT' : 'OPAQUE'}`,
  ...(event.private === true ? ['CLASS:PRIVATE'] : []),
  ...(event.organizer === undefined ? [] : [person('ORGANIZER', '', event.organizer)]),
  ...(event.attendees ?? []).map((each) => person('ATTENDEE', `;ROLE=REQ-PARTICIPANT;PARTSTAT=${each.response.toUpperCase()}`, each)),
  'END:VEVENT',
];

const offset = (seconds: number): string => {
  const minutes = Math.abs(seconds) / 60;
  const two = (value: number): string => `${Math.floor(value)}`.padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${two(minutes / 60)}${two(minutes % 60)}`;
};

type OffsetAt = (instant: number) => number;

/** The first instant between the two at which the later offset holds. */
const changeBetween = (offsetAt: OffsetAt, before: number, after: number): number => {
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offsetAt(before)) low = middle;
    else high = middle;
  }
  return high;
};

const observance = (kind: string, wall: number, from: number, to: number): readonly string[] => [
  `BEGIN:${kind}`,
  `DTSTART:${compact(formatWall(wall))}`,
  `TZOFFSETFROM:${offset(from)}`,
  `TZOFFSETTO:${offset(to)}`,
  `END:${kind}`,
];

const WEEK = 7;

/** A VTIMEZONE that names every change of the clock from one day to another (RFC 5545 3.6.5), without a rule. */
const timeZoneLines = (id: string, firstDay: number, lastDay: number): readonly string[] => {
  const zone = findZone(id, {});
  if (zone === null) return [];
  const first = zone.offsetAt(firstDay * DAY_SECONDS);
  const lines = ['BEGIN:VTIMEZONE', `TZID:${id}`, ...observance('STANDARD', firstDay * DAY_SECONDS + first, first, first)];
  for (let day = firstDay; day < lastDay; day += WEEK) {
    const [start, end] = [day * DAY_SECONDS, (day + WEEK) * DAY_SECONDS];
    const [from, to] = [zone.offsetAt(start), zone.offsetAt(end)];
    if (from !== to)
      lines.push(...observance(to > from ? 'DAYLIGHT' : 'STANDARD', changeBetween(zone.offsetAt, start, end) + from, from, to));
  }
  return [...lines, 'END:VTIMEZONE'];
};

/** Of texts written at a stamp (`20261122T100000Z`) that describe zones for the days from `firstDay` to `lastDay`; each zone is looked up once. */
export const icsContext = (stamp: string, firstDay: number, lastDay: number): IcsContext => {
  const known = new Map<string, readonly string[]>();
  return {
    stamp,
    zoneLines: (zone) => {
      const lines = known.get(zone) ?? timeZoneLines(zone, firstDay, lastDay);
      known.set(zone, lines);
      return lines;
    },
  };
};

const zonesOf = (events: readonly EntryEvent[]): ReadonlySet<string> =>
  new Set(
    events
      .flatMap(({ start, end, instance, excluded = [] }) => [start, end, ...excluded, ...(instance === undefined ? [] : [instance])])
      .flatMap((time) => ('zone' in time && time.zone !== null && time.zone !== 'UTC' ? [time.zone] : [])),
  );

/** At most 75 octets a line; characters of several octets count as four (RFC 5545 3.1). */
const folded = (line: string): string => {
  let [text, length] = ['', 0];
  for (const character of line) {
    const octets = character < '\u0080' ? 1 : 4;
    if (length + octets > 75) [text, length] = [`${text}\r\n `, 1];
    text += character;
    length += octets;
  }
  return text;
};

/** The name of an entry's resource. */
export const fileOf = ({ key }: Entry): string => `${key}.ics`;

/** One resource: a single event, or a series with its overrides, and the zones they name. */
export const icsOf = (entry: Entry, context: IcsContext): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Smart Calendar Integration//Sandbox//EN',
    ...[...zonesOf(entry.events)].flatMap(context.zoneLines),
    ...entry.events.flatMap((event) => eventLines(event, uidOf(entry), context)),
    'END:VCALENDAR',
    '',
  ]
    .map(folded)
    .join('\r\n');

/** A calendar that holds nothing but a zone: what `calendar-timezone` is made of (RFC 4791 5.2.2). */
export const zoneText = (zone: string, context: IcsContext): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Smart Calendar Integration//Sandbox//EN',
    ...context.zoneLines(zone),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
