import { DAY_SECONDS, dayOf, weekdayOf } from './civil.js';
import { ZONES } from './zone-rules.js';

/** A zone's offsets: `first` before its first change, then each from its instant on, in rising order; all in seconds, offsets east of UTC. */
export type Transitions = Readonly<{ first: number; from: readonly number[]; offsets: readonly number[] }>;

/** Before 1900 the first offset holds and after 2100 the last, so that nothing has to be worked out for millennia. */
const FIRST = dayOf(1900, 1, 1) * DAY_SECONDS;
const LAST_YEAR = 2_100;

/** One yearly change in UTC: at a second of the first such weekday (0 is Monday) that is `day` days after 1 March or later. */
type YearlyChange = Readonly<{ day: number; weekday: number; second: number; offset: number }>;

const number = (text: string | undefined): number => parseInt(text ?? '0', 36);

const instantIn = (year: number, { day, weekday, second }: YearlyChange): number => {
  const earliest = dayOf(year, 3, 1) + day;
  return (earliest + ((weekday - weekdayOf(earliest) + 7) % 7)) * DAY_SECONDS + second;
};

const readRule = (text: string, offsets: readonly number[]): YearlyChange => {
  const [day, weekday, second, offset] = text.split('.').map(number);
  return { day: day ?? 0, weekday: weekday ?? 0, second: second ?? 0, offset: offsets[offset ?? 0] ?? 0 };
};

/**
 * Reads a zone of `ZONES`: `names|offsets|changes|rules`, numbers in base 36. Of the names the first is the database's own. A change is the
 * index of its offset (one digit) and the seconds since the change before it, or since 1900. Rules give every change from their year on; a
 * year begins with March here, so that a leap day ends it: `year day.weekday.second.offset ...`.
 */
export const transitionsOf = (zone: string): Transitions => {
  const [, offsetTexts = '', changes = '', rules = ''] = zone.split('|');
  const known = offsetTexts.split(' ').map(number);
  const [from, offsets]: [number[], number[]] = [[], []];
  let at = FIRST;
  for (const change of changes === '' ? [] : changes.split(' ')) {
    at += number(change.slice(1));
    from.push(at);
    offsets.push(known[number(change.slice(0, 1))] ?? 0);
  }
  const [firstYear, ...yearly] = rules.split(' ');
  const read = yearly.map((rule) => readRule(rule, known));
  for (let year = Number(firstYear); read.length > 0 && year <= LAST_YEAR; year += 1)
    for (const rule of read) {
      from.push(instantIn(year, rule));
      offsets.push(rule.offset);
    }
  return { first: known[0] ?? 0, from, offsets };
};

/** The zones of `ZONES` by every one of their names, aliases included, as they are spelled. */
export const zonesByName = (): ReadonlyMap<string, string> =>
  new Map(
    ZONES.trim()
      .split(/[\n;]/)
      .flatMap((zone) =>
        zone
          .slice(0, zone.indexOf('|'))
          .split(',')
          .map((name) => [name, zone] as const),
      ),
  );
