/** A wall clock: milliseconds since the epoch as if it were UTC. */
export type Wall = number;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What a VEVENT says of itself; `zone` is null for all-day events. Lengths in milliseconds. */
export type Part = Readonly<{ title: string; start: Wall; length: number; zone: ZoneName | null; status: 'CONFIRMED' | 'CANCELLED' }>;

/** `of`: the start of the instance it replaces, on the clock of the series. */
export type OverridePart = Part & Readonly<{ of: Wall; thisAndFuture: boolean }>;

/** One calendar object: a single event, or a series with what deviates from its rule. */
export type Item = Readonly<{
  uid: string;
  master: Part;
  /** Without UNTIL, which has its form from the kind of the start. */
  rule: string | null;
  /** Last instant of the rule. */
  until: number | null;
  exdates: readonly Wall[];
  rdates: readonly Wall[];
  overrides: readonly OverridePart[];
  /** More lines of the master, as `LOCATION:Canteen`. */
  lines: readonly string[];
}>;

type Observance = readonly [kind: 'STANDARD' | 'DAYLIGHT', start: string, from: string, to: string, rule: string | null];

const european = (winter: string, summer: string, autumnHour: string, springHour: string): readonly Observance[] => [
  ['STANDARD', `19961027T${autumnHour}0000`, summer, winter, 'FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU'],
  ['DAYLIGHT', `19810329T${springHour}0000`, winter, summer, 'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU'],
];

const ZONES = {
  'Europe/Paris': european('+0100', '+0200', '03', '02'),
  'Europe/London': european('+0000', '+0100', '02', '01'),
  'America/New_York': [
    ['STANDARD', '20071104T020000', '-0400', '-0500', 'FREQ=YEARLY;BYMONTH=11;BYDAY=1SU'],
    ['DAYLIGHT', '20070311T020000', '-0500', '-0400', 'FREQ=YEARLY;BYMONTH=3;BYDAY=2SU'],
  ],
  'Australia/Sydney': [
    ['STANDARD', '20080406T030000', '+1100', '+1000', 'FREQ=YEARLY;BYMONTH=4;BYDAY=1SU'],
    ['DAYLIGHT', '20081005T020000', '+1000', '+1100', 'FREQ=YEARLY;BYMONTH=10;BYDAY=1SU'],
  ],
  'Asia/Tokyo': [['STANDARD', '19700101T000000', '+0900', '+0900', null]],
  'Asia/Kolkata': [['STANDARD', '19700101T000000', '+0530', '+0530', null]],
} as const satisfies Record<string, readonly Observance[]>;

export type ZoneName = keyof typeof ZONES;

export const ZONE_NAMES = Object.keys(ZONES) as readonly ZoneName[];

/** `20260301T090000`, or of a day `20260301`. */
export const stamp = (wall: Wall, isDay: boolean): string =>
  new Date(wall)
    .toISOString()
    .replaceAll(/[-:]/g, '')
    .slice(0, isDay ? 8 : 15);

const observanceLines = ([kind, start, from, to, rule]: Observance): readonly string[] => [
  `BEGIN:${kind}`,
  `DTSTART:${start}`,
  `TZOFFSETFROM:${from}`,
  `TZOFFSETTO:${to}`,
  ...(rule === null ? [] : [`RRULE:${rule}`]),
  `END:${kind}`,
];

const zoneLines = (name: ZoneName): readonly string[] => [
  'BEGIN:VTIMEZONE',
  `TZID:${name}`,
  ...ZONES[name].flatMap(observanceLines),
  'END:VTIMEZONE',
];

const time = (property: string, wall: Wall, zone: ZoneName | null): string =>
  zone === null ? `${property};VALUE=DATE:${stamp(wall, true)}` : `${property};TZID=${zone}:${stamp(wall, false)}`;

const partLines = ({ title, start, length, zone, status }: Part): readonly string[] => [
  'DTSTAMP:20260101T000000Z',
  `SUMMARY:${title.replaceAll(/[\\;,]/g, String.raw`\$&`)}`,
  time('DTSTART', start, zone),
  time('DTEND', start + length, zone),
  ...(status === 'CANCELLED' ? ['STATUS:CANCELLED'] : []),
];

const ruleLines = ({ rule, until, master, exdates, rdates }: Item): readonly string[] => [
  ...(rule === null
    ? []
    : [`RRULE:${rule}${until === null ? '' : `;UNTIL=${stamp(until, master.zone === null)}${master.zone === null ? '' : 'Z'}`}`]),
  ...rdates.map((wall) => time('RDATE', wall, master.zone)),
  ...exdates.map((wall) => time('EXDATE', wall, master.zone)),
];

const overrideLines = (uid: string, override: OverridePart, zone: ZoneName | null): readonly string[] => [
  'BEGIN:VEVENT',
  `UID:${uid}`,
  time(override.thisAndFuture ? 'RECURRENCE-ID;RANGE=THISANDFUTURE' : 'RECURRENCE-ID', override.of, zone),
  ...partLines(override),
  'END:VEVENT',
];

/** The object as iCalendar text (RFC 5545), with the VTIMEZONEs it names. */
export const icsOf = (item: Item): string => {
  const { uid, master, overrides, lines } = item;
  const zones = new Set([master, ...overrides].flatMap(({ zone }) => (zone === null ? [] : [zone])));
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//EN',
    ...[...zones].flatMap(zoneLines),
    'BEGIN:VEVENT',
    `UID:${uid}`,
    ...partLines(master),
    ...ruleLines(item),
    ...lines,
    'END:VEVENT',
    ...overrides.flatMap((override) => overrideLines(uid, override, master.zone)),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
};
