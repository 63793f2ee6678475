import { DAY_SECONDS, parseDate, parseWall } from './civil.js';

/** A recurrence that is not expanded, for a reason with a stable code: it is shown as such and stops nothing else. */
export class Unexpandable extends Error {
  override readonly name = 'Unexpandable';
  constructor(
    readonly code:
      | 'recurrence.bad-rule'
      | 'recurrence.rule-too-long'
      | 'recurrence.too-costly'
      | 'recurrence.too-many'
      | 'recurrence.bad-time',
  ) {
    super(code);
  }
}

export type Frequency = 'SECONDLY' | 'MINUTELY' | 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';

/** `day` 0 is Monday; `ordinal` 0 means every such day, -1 the last one of the month or year. */
export type RuleWeekday = Readonly<{ ordinal: number; day: number }>;

/** Last moment of a rule, inclusive: a wall in the zone of DTSTART, or an instant (seconds since the epoch, UNTIL ending in Z). */
export type Until = Readonly<{ kind: 'wall' | 'instant'; at: number }>;

/** An RRULE value (RFC 5545 3.3.10). An empty list means that the part is absent. */
export type Rule = Readonly<{
  frequency: Frequency;
  interval: number;
  count: number | null;
  until: Until | null;
  weekStart: number;
  months: readonly number[];
  weekNumbers: readonly number[];
  yearDays: readonly number[];
  monthDays: readonly number[];
  weekdays: readonly RuleWeekday[];
  hours: readonly number[];
  minutes: readonly number[];
  seconds: readonly number[];
  positions: readonly number[];
}>;

const LONGEST_RULE = 2_000;
const FREQUENCIES: readonly string[] = ['SECONDLY', 'MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const UNDERSTOOD = new Set(
  'FREQ INTERVAL COUNT UNTIL WKST BYMONTH BYWEEKNO BYYEARDAY BYMONTHDAY BYDAY BYHOUR BYMINUTE BYSECOND BYSETPOS'.split(' '),
);

const bad = (): never => {
  throw new Unexpandable('recurrence.bad-rule');
};

const wholeNumber = (text: string): number => (/^[+-]?\d{1,12}$/.test(text) ? Number(text) : bad());

const atLeastOne = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const value = wholeNumber(text);
  return value >= 0 ? Math.max(value, 1) : bad();
};

/** Sorted and without repetitions. */
const numbers = (text: string | undefined, lowest: number, highest: number): readonly number[] => {
  if (text === undefined) return [];
  const values = text.split(',').map(wholeNumber);
  if (values.some((value) => value < lowest || value > highest || (lowest < 0 && value === 0))) return bad();
  return [...new Set(values)].sort((a, b) => a - b);
};

const weekday = (text: string): RuleWeekday => {
  const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(text) ?? bad();
  const ordinal = Number(match[1] ?? 0);
  return Math.abs(ordinal) <= 53 ? { ordinal, day: WEEKDAYS.indexOf(match[2] ?? '') } : bad();
};

const untilOf = (text: string | undefined): Until | null => {
  if (text === undefined) return null;
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text) ?? bad();
  const date = `${match[1] ?? ''}-${match[2] ?? ''}-${match[3] ?? ''}`;
  if (match[4] === undefined) return { kind: 'wall', at: ((parseDate(date) ?? bad()) + 1) * DAY_SECONDS - 1 };
  const at = parseWall(`${date}T${match[4]}:${match[5] ?? ''}:${match[6] ?? ''}`) ?? bad();
  return { kind: match[7] === 'Z' ? 'instant' : 'wall', at };
};

const partsOf = (text: string): ReadonlyMap<string, string> => {
  if (text.length > LONGEST_RULE) throw new Unexpandable('recurrence.rule-too-long');
  const parts = new Map<string, string>();
  for (const part of text.toUpperCase().replace(/\s/g, '').split(';')) {
    if (part === '') continue;
    const [name = '', value = ''] = part.split('=', 2);
    if (value === '' || parts.has(name)) bad();
    if (!UNDERSTOOD.has(name) && !name.startsWith('X-') && part !== 'RSCALE=GREGORIAN' && part !== 'SKIP=OMIT') bad();
    parts.set(name, value);
  }
  return parts;
};

const isFrequency = (text: string): text is Frequency => FREQUENCIES.includes(text);

/**
 * Reads an RRULE value without the property name. Case and spaces do not matter, COUNT=0 and INTERVAL=0 count as 1, a second 60 as 59.
 * Throws `Unexpandable` for a rule that cannot be understood whole: half a rule would show meetings that do not exist.
 */
export const parseRule = (text: string): Rule => {
  const parts = partsOf(text);
  const frequency = parts.get('FREQ') ?? '';
  if (!isFrequency(frequency)) return bad();
  const weekStart = WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO');
  if (weekStart < 0) bad();
  return {
    frequency,
    interval: atLeastOne(parts.get('INTERVAL')) ?? 1,
    count: atLeastOne(parts.get('COUNT')),
    until: untilOf(parts.get('UNTIL')),
    weekStart,
    months: numbers(parts.get('BYMONTH'), 1, 12),
    weekNumbers: numbers(parts.get('BYWEEKNO'), -53, 53),
    yearDays: numbers(parts.get('BYYEARDAY'), -366, 366),
    monthDays: numbers(parts.get('BYMONTHDAY'), -31, 31),
    weekdays: parts.get('BYDAY')?.split(',').map(weekday) ?? [],
    hours: numbers(parts.get('BYHOUR'), 0, 23),
    minutes: numbers(parts.get('BYMINUTE'), 0, 59),
    seconds: [...new Set(numbers(parts.get('BYSECOND'), 0, 60).map((second) => Math.min(second, 59)))],
    positions: numbers(parts.get('BYSETPOS'), -366, 366),
  };
};
