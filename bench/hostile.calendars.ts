/** iCalendar texts by file name. */
export type HostileCalendar = ReadonlyMap<string, string>;

/** How a server answers that does not tell what it has: something else, the half of it, nothing at all. */
export type Lie = 'nonsense' | 'cut' | 'hangs';

export const LIES: readonly Lie[] = ['nonsense', 'cut', 'hangs'];

export const MINUTELY = 'minutely';
export const SERIES = 80;

const TEXTS = 'texts';
const SMALL_TEXTS = 64;
const SMALL_TEXT = 2_000;
const LARGE_TEXT = 655_000;
const FEW = 5;
const DAY = 86_400_000;

const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d{3}|Z$/g, '');

const eventOf = (uid: string, start: number, lines: readonly string[]): string =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//hostile//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z'],
    ...[`DTSTART:${stamp(start)}`, 'DURATION:PT10M', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');

const named = (count: number, textOf: (index: number) => string): HostileCalendar =>
  new Map(Array.from({ length: count }, (_, index) => [`${index}.ics`, textOf(index)]));

const midnight = (now: number): number => Math.floor(now / DAY) * DAY;

/** A series of every half hour on no zone's clock, so that a move of its person's zone moves all of it. */
export const minutelySeries = (index: number, title: string, now: number): string =>
  eventOf(`series-${index}`, midnight(now) - 60 * DAY, ['RRULE:FREQ=MINUTELY;INTERVAL=30', `SUMMARY:${title} ${index}`]);

const few = (name: string, count: number, now: number): HostileCalendar =>
  named(count, (index) => eventOf(`${name}-${index}`, midnight(now) + index * DAY, [`SUMMARY:Something ${index}`]));

/** So many calendars: one of series that repeat every half hour, one of long texts, the others with a few events each. */
export const hostileCalendars = (count: number, now: number): ReadonlyMap<string, HostileCalendar> => {
  const long = named(SMALL_TEXTS + 1, (index) =>
    eventOf(`text-${index}`, midnight(now) + index * DAY, [`DESCRIPTION:${'x'.repeat(index === SMALL_TEXTS ? LARGE_TEXT : SMALL_TEXT)}`]),
  );
  const others = Array.from({ length: Math.max(0, count - 2) }, (_, index) => `calendar-${index}`);
  return new Map([
    [MINUTELY, named(SERIES, (index) => minutelySeries(index, 'Every half hour', now))],
    [TEXTS, long],
    ...others.map((name) => [name, few(name, FEW, now)] as const),
  ]);
};

/** So many calendars with a few events each. */
export const smallCalendars = (count: number, now: number): ReadonlyMap<string, HostileCalendar> =>
  new Map(Array.from({ length: count }, (_, index) => [`calendar-${index}`, few(`calendar-${index}`, FEW, now)]));
