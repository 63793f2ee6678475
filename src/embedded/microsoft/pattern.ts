import { parseDate, weekdayOf } from '../../time/civil.js';

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
const SHORT = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
const INDEXES = ['first', 'second', 'third', 'fourth', 'last'] as const;
const TYPES = ['daily', 'weekly', 'absoluteMonthly', 'relativeMonthly', 'absoluteYearly', 'relativeYearly'] as const;

export type Weekday = (typeof DAYS)[number];

/** Graph's `recurrencePattern`. */
export type Pattern = Readonly<{
  type: (typeof TYPES)[number];
  interval: number;
  month?: number | undefined;
  dayOfMonth?: number | undefined;
  daysOfWeek?: readonly Weekday[] | undefined;
  firstDayOfWeek?: Weekday | undefined;
  index?: (typeof INDEXES)[number] | undefined;
}>;

/** Graph's `recurrenceRange`; dates are those of the series' own zone, the last included. */
export type RecurrenceRange = Readonly<{
  type: 'endDate' | 'noEnd' | 'numbered';
  startDate: string;
  endDate?: string | undefined;
  numberOfOccurrences?: number | undefined;
  recurrenceTimeZone?: string | undefined;
}>;

export type Recurrence = Readonly<{ pattern: Pattern; range: RecurrenceRange }>;

export const PATTERN_TYPES = TYPES;
export const WEEKDAYS = DAYS;
export const WEEK_INDEXES = INDEXES;

const shortOf = (day: Weekday): string => SHORT[DAYS.indexOf(day)] ?? 'MO';

const byDay = ({ daysOfWeek = [] }: Pattern): string => `BYDAY=${daysOfWeek.map(shortOf).join(',')}`;

const position = ({ index = 'first' }: Pattern): string => `BYSETPOS=${index === 'last' ? -1 : INDEXES.indexOf(index) + 1}`;

const partsOf = (pattern: Pattern): readonly string[] => {
  const month = `BYMONTH=${pattern.month ?? 1}`;
  const day = `BYMONTHDAY=${pattern.dayOfMonth ?? 1}`;
  switch (pattern.type) {
    case 'daily':
      return ['FREQ=DAILY'];
    case 'weekly':
      return ['FREQ=WEEKLY', byDay(pattern), `WKST=${shortOf(pattern.firstDayOfWeek ?? 'sunday')}`];
    case 'absoluteMonthly':
      return ['FREQ=MONTHLY', day];
    case 'relativeMonthly':
      return ['FREQ=MONTHLY', byDay(pattern), position(pattern)];
    case 'absoluteYearly':
      return ['FREQ=YEARLY', month, day];
    case 'relativeYearly':
      return ['FREQ=YEARLY', month, byDay(pattern), position(pattern)];
  }
};

/** The RRULE value of a pattern. `until`: the last instant of a day of the range, as RFC 5545 writes it for this series. */
export const ruleOf = ({ pattern, range }: Recurrence, until: (day: string) => string): string =>
  [
    ...partsOf(pattern),
    `INTERVAL=${pattern.interval}`,
    ...(range.type === 'numbered' ? [`COUNT=${range.numberOfOccurrences ?? 1}`] : []),
    ...(range.type === 'endDate' ? [`UNTIL=${until(range.endDate ?? range.startDate)}`] : []),
  ].join(';');

const dayNamed = (short: string): readonly Weekday[] => DAYS.filter((_, index) => SHORT[index] === short);

/** `full`: what Graph always says of a pattern, with zeros for what does not apply. */
const full = (pattern: Partial<Pattern> & Pick<Pattern, 'type'>, interval: number): Pattern => ({
  interval,
  month: 0,
  dayOfMonth: 0,
  firstDayOfWeek: 'sunday',
  index: 'first',
  ...pattern,
});

const patternIn = (fields: ReadonlyMap<string, string>, startDate: string): Pattern => {
  const interval = Number(fields.get('INTERVAL') ?? 1);
  const [, month = 1, dayOfMonth = 1] = startDate.split('-').map(Number);
  const weekday = DAYS[weekdayOf(parseDate(startDate) ?? 0)] ?? 'monday';
  const daysOfWeek = fields.get('BYDAY')?.split(',').flatMap(dayNamed) ?? [weekday];
  switch (fields.get('FREQ')) {
    case 'DAILY':
      return full({ type: 'daily' }, interval);
    case 'WEEKLY':
      return full({ type: 'weekly', daysOfWeek, firstDayOfWeek: 'monday' }, interval);
    case 'MONTHLY':
      return full({ type: 'absoluteMonthly', dayOfMonth: Number(fields.get('BYMONTHDAY') ?? dayOfMonth) }, interval);
    case 'YEARLY':
      return full({ type: 'absoluteYearly', month, dayOfMonth }, interval);
    default:
      throw new RangeError(`Graph has no pattern for ${[...fields].join(' ')}`);
  }
};

/** The simple RRULE values a made-up person's series have, as Graph writes them. `startDate`: of the first occurrence, in the series' zone. */
export const recurrenceOf = (rule: string, startDate: string, timeZone: string): Recurrence => {
  const fields = new Map(rule.split(';').map((part) => part.split('=') as [string, string]));
  const [count, until] = [fields.get('COUNT'), fields.get('UNTIL')];
  const range: RecurrenceRange = {
    type: count !== undefined ? 'numbered' : until === undefined ? 'noEnd' : 'endDate',
    startDate,
    endDate: until === undefined ? '0001-01-01' : until.slice(0, 8).replace(/(....)(..)(..)/, '$1-$2-$3'),
    recurrenceTimeZone: timeZone,
    numberOfOccurrences: Number(count ?? 0),
  };
  return { pattern: patternIn(fields, startDate), range };
};
