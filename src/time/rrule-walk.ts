import { civilOf, DAY_SECONDS, LAST_WALL, modulo, wallDay, wallTime, weekdayOf } from './civil.js';
import { admitsDay, daysOfPeriod, firstDayOfPeriod, periodOfDay } from './rrule-days.js';
import { type Rule, Unexpandable } from './rrule.js';

/** Steps that are left for one object; what ends a hostile rule, so that the same rule ends the same way on every machine. */
export type Budget = { left: number };

/** Takes steps from the budget; throws `Unexpandable` when they are used up. */
export const spend = (budget: Budget, steps: number): void => {
  budget.left -= steps;
  if (budget.left < 0) throw new Unexpandable('recurrence.too-costly');
};

/** Walls between which instances are wanted, both inclusive. */
export type WallRange = Readonly<{ from: number; to: number }>;

/** What one walk may bring, so that a rule that is allowed many steps does not fill the memory. */
const MOST_INSTANCES = 100_000;

/** What a rule leaves unsaid is taken from DTSTART (RFC 5545 3.3.10). */
const completed = (rule: Rule, start: number): Rule => {
  const unsaidDay = rule.yearDays.length + rule.monthDays.length + rule.weekdays.length === 0;
  if (!unsaidDay) return rule;
  const { month, day } = civilOf(wallDay(start));
  const weekdays = [{ ordinal: 0, day: weekdayOf(wallDay(start)) }];
  if (rule.frequency === 'WEEKLY' || (rule.frequency === 'YEARLY' && rule.weekNumbers.length > 0)) return { ...rule, weekdays };
  if (rule.frequency === 'MONTHLY') return { ...rule, monthDays: [day] };
  if (rule.frequency === 'YEARLY') return { ...rule, monthDays: [day], months: rule.months.length > 0 ? rule.months : [month] };
  return rule;
};

const orElse = (list: readonly number[], value: number): readonly number[] => (list.length > 0 ? list : [value]);

/** Seconds after the start of a day, hour, minute or second (the finest the frequency names) at which instances begin, in order. */
const slotsOf = (rule: Rule, start: number): readonly number[] => {
  const seconds = orElse(rule.seconds, modulo(start, 60));
  const minutes = orElse(rule.minutes, Math.floor(modulo(start, 3_600) / 60));
  const hours = orElse(rule.hours, Math.floor(wallTime(start) / 3_600));
  switch (rule.frequency) {
    case 'SECONDLY':
      return [0];
    case 'MINUTELY':
      return seconds;
    case 'HOURLY':
      return minutes.flatMap((minute) => seconds.map((second) => minute * 60 + second));
    default:
      return hours.flatMap((hour) => minutes.flatMap((minute) => seconds.map((second) => hour * 3_600 + minute * 60 + second)));
  }
};

/** How one frequency cuts time: `unit` is a length in seconds below a day, null when periods are made of days. */
type Plan = Readonly<{ rule: Rule; unit: number | null; slots: readonly number[]; positions: readonly number[] }>;

const UNITS: Readonly<Partial<Record<string, number>>> = { HOURLY: 3_600, MINUTELY: 60, SECONDLY: 1 };

const planOf = (rule: Rule, start: number): Plan => ({
  rule: completed(rule, start),
  unit: UNITS[rule.frequency] ?? null,
  slots: slotsOf(rule, start),
  positions: rule.positions,
});

const periodOf = ({ rule, unit }: Plan, wall: number): number =>
  unit === null ? periodOfDay(rule, wallDay(wall)) : Math.floor(wall / unit);

const beginOf = ({ rule, unit }: Plan, period: number): number =>
  unit === null ? firstDayOfPeriod(rule, period) * DAY_SECONDS : period * unit;

/** A wall before which a rule below a day has nothing more to say after `wall`; null when `wall` itself may begin an instance. */
const barredUntil = ({ rule }: Plan, wall: number): number | null => {
  if (!admitsDay(rule, wallDay(wall))) return (wallDay(wall) + 1) * DAY_SECONDS;
  const time = wallTime(wall);
  if (rule.hours.length > 0 && !rule.hours.includes(Math.floor(time / 3_600))) return wall - (time % 3_600) + 3_600;
  if (rule.frequency === 'HOURLY') return null;
  if (rule.minutes.length > 0 && !rule.minutes.includes(Math.floor((time % 3_600) / 60))) return wall - (time % 60) + 60;
  return rule.frequency === 'SECONDLY' && rule.seconds.length > 0 && !rule.seconds.includes(time % 60) ? wall + 1 : null;
};

/** BYSETPOS picks among all instances of the period, those before DTSTART too; without it all are taken. */
const chosen = (positions: readonly number[], total: number): readonly number[] | null =>
  positions.length === 0
    ? null
    : [...new Set(positions.map((position) => (position > 0 ? position - 1 : total + position)))]
        .filter((index) => index >= 0 && index < total)
        .sort((a, b) => a - b);

/** Calls `found` with the walls of one period, in order, until it answers false. */
const walkPeriod = (plan: Plan, period: number, budget: Budget, found: (wall: number) => boolean): boolean => {
  const { rule, unit, slots } = plan;
  const bases = unit === null ? daysOfPeriod(rule, period) : [period];
  const scale = unit ?? DAY_SECONDS;
  const total = bases.length * slots.length;
  const indexes = chosen(plan.positions, total);
  const length = indexes?.length ?? total;
  for (let at = 0; at < length; at += 1) {
    const index = indexes?.[at] ?? at;
    const wall = (bases[Math.floor(index / slots.length)] ?? 0) * scale + (slots[index % slots.length] ?? 0);
    spend(budget, 1);
    if (!found(wall)) return false;
  }
  return true;
};

const COST: Readonly<Partial<Record<string, number>>> = { YEARLY: 366, MONTHLY: 31, WEEKLY: 7 };

/**
 * Walls at which a rule that starts at `start` has instances within the range, in order and each once. `start` is always the first
 * instance, whether the rule matches it or not, and COUNT counts it (RFC 5545 3.3.10). UNTIL is for the caller, who knows the zone; it
 * may end the range early. A rule without COUNT is entered at the range, not at its start. Throws `Unexpandable` when the budget ends.
 */
export const walk = (source: Rule, start: number, range: WallRange, budget: Budget): readonly number[] => {
  const plan = planOf(source, start);
  const { interval, count, frequency } = source;
  const last = Math.min(range.to, LAST_WALL);
  const walls = start >= range.from && start <= last ? [start] : [];
  let instances = 1;
  const found = (wall: number): boolean => {
    if (wall <= start) return true;
    instances += 1;
    if (wall > last || (count !== null && instances > count)) return false;
    if (wall < range.from) return true;
    if (walls.push(wall) > MOST_INSTANCES) throw new Unexpandable('recurrence.too-many');
    return true;
  };
  const first = periodOf(plan, start);
  const stepsTo = (wall: number): number => Math.ceil((periodOf(plan, wall) - first) / interval);
  let step = count === null ? Math.max(0, stepsTo(range.from)) : 0;
  for (;;) {
    spend(budget, COST[frequency] ?? 1);
    const period = first + step * interval;
    const begin = beginOf(plan, period);
    if (begin > last) return walls;
    const barred = plan.unit === null ? null : barredUntil(plan, begin);
    if (barred === null && !walkPeriod(plan, period, budget, found)) return walls;
    step = barred === null ? step + 1 : Math.max(step + 1, stepsTo(barred));
  }
};

/** Whether a rule by itself has an instance at the wall it starts at: DTSTART is one of an RRULE in any case, but EXRULE takes out only its own. */
export const namesStart = (source: Rule, start: number, budget: Budget): boolean => {
  const plan = planOf(source, start);
  if (plan.unit !== null && barredUntil(plan, start) !== null) return false;
  return !walkPeriod(plan, periodOf(plan, start), budget, (wall) => wall !== start);
};

const DAYS_OF_MONTH = 31;
const DAYS_OF_YEAR = 366;

/** No fewer days than a rule lets pass in one of its periods. */
const mostDays = ({ frequency, months, weekNumbers, yearDays, monthDays, weekdays }: Rule): number => {
  if (frequency === 'WEEKLY') return Math.min(7, weekdays.length);
  if (frequency !== 'MONTHLY' && frequency !== 'YEARLY') return 1;
  const days = frequency === 'MONTHLY' ? DAYS_OF_MONTH : DAYS_OF_YEAR;
  if (weekNumbers.length + yearDays.length > 0) return days;
  const monthsOfPeriod = frequency === 'MONTHLY' ? 1 : months.length > 0 ? months.length : 12;
  if (weekdays.length === 0) return Math.min(days, monthDays.length * monthsOfPeriod);
  if (weekdays.some(({ ordinal }) => ordinal === 0)) return days;
  return Math.min(days, weekdays.length * (frequency === 'YEARLY' && months.length === 0 ? 1 : monthsOfPeriod));
};

/** No fewer instances than a period of the rule can have. */
const mostOfPeriod = ({ rule, unit, slots, positions }: Plan): number => {
  const all = slots.length * (unit === null ? mostDays(rule) : 1);
  return Math.max(1, positions.length > 0 ? Math.min(all, positions.length) : all);
};

/** No fewer instances than a rule has within a range, without walking it. */
export const mostInstances = (source: Rule, start: number, range: WallRange): number => {
  const plan = planOf(source, start);
  const [from, to] = [Math.max(range.from, start), Math.min(range.to, LAST_WALL)];
  if (to < from) return 1;
  const periods = Math.floor((periodOf(plan, to) - periodOf(plan, from)) / source.interval) + 2;
  return Math.min(source.count ?? Infinity, periods * mostOfPeriod(plan)) + 1;
};

const PERIODS: Readonly<Record<Rule['frequency'], number>> = {
  SECONDLY: 1,
  MINUTELY: 60,
  HOURLY: 3_600,
  DAILY: DAY_SECONDS,
  WEEKLY: 7 * DAY_SECONDS,
  MONTHLY: 28 * DAY_SECONDS,
  YEARLY: 365 * DAY_SECONDS,
};

/** How many seconds of wall hold about so many instances of a rule, at the densest it can be; never less than one of its periods. */
export const spanOf = (source: Rule, start: number, instances: number): number =>
  Math.max(1, Math.floor(instances / mostOfPeriod(planOf(source, start)))) * source.interval * PERIODS[source.frequency];

/** Whether a rule says no more than how often, so that its instances are evenly spaced on the wall. */
const isEven = (rule: Rule): boolean =>
  rule.frequency !== 'MONTHLY' &&
  rule.frequency !== 'YEARLY' &&
  [
    rule.months,
    rule.weekNumbers,
    rule.yearDays,
    rule.monthDays,
    rule.weekdays,
    rule.hours,
    rule.minutes,
    rule.seconds,
    rule.positions,
  ].every((list) => list.length === 0);

/** The wall of the last instance that COUNT lets pass, Infinity when that is after `to` or there is no COUNT. Walked only where it must be. */
export const lastCounted = (rule: Rule, start: number, to: number, budget: Budget): number => {
  if (rule.count === null) return Infinity;
  if (isEven(rule)) return start + (rule.count - 1) * rule.interval * PERIODS[rule.frequency];
  const walls = walk(rule, start, { from: start, to }, budget);
  return walls.length < rule.count ? Infinity : (walls.at(-1) ?? start);
};
