import { civilOf, type CivilDate, dayOf, daysInMonth, daysInYear, modulo, weekdayOf } from './civil.js';
import { type Rule, type RuleWeekday } from './rrule.js';

const holds = (list: readonly number[], fromStart: number, length: number): boolean =>
  list.length === 0 || list.includes(fromStart) || list.includes(fromStart - length - 1);

/** First day of week 1 of a year: the first week with at least four of its days in that year (RFC 5545 3.3.10, BYWEEKNO). */
const firstWeek = (year: number, weekStart: number): number => {
  const fourth = dayOf(year, 1, 4);
  return fourth - modulo(weekdayOf(fourth) - weekStart, 7);
};

const inWeeks = (rule: Rule, day: number, year: number): boolean => {
  if (rule.weekNumbers.length === 0) return true;
  const starts = [year - 1, year, year + 1, year + 2].map((each) => firstWeek(each, rule.weekStart));
  const index = starts.findLastIndex((start) => start <= day);
  const start = starts[index] ?? day;
  const weeks = ((starts[index + 1] ?? start) - start) / 7;
  return holds(rule.weekNumbers, Math.floor((day - start) / 7) + 1, weeks);
};

/** Ordinals count within the year for a yearly rule without months, within the month for monthly and other yearly rules. */
const isRuleWeekday = (rule: Rule, ordinal: number, date: CivilDate, dayOfYear: number): boolean => {
  if (ordinal === 0 || (rule.frequency !== 'YEARLY' && rule.frequency !== 'MONTHLY')) return true;
  const wholeYear = rule.frequency === 'YEARLY' && rule.months.length === 0;
  const position = wholeYear ? dayOfYear : date.day;
  const length = wholeYear ? daysInYear(date.year) : daysInMonth(date.year, date.month);
  return ordinal > 0 ? Math.floor((position - 1) / 7) + 1 === ordinal : Math.floor((length - position) / 7) + 1 === -ordinal;
};

const onWeekday = (rule: Rule, weekday: number): boolean => rule.weekdays.length === 0 || rule.weekdays.some(({ day }) => day === weekday);

/** Whether every part of the rule that speaks of days lets this day pass. */
const admits = (rule: Rule, day: number, date: CivilDate): boolean => {
  const weekday = weekdayOf(day);
  if (!onWeekday(rule, weekday) || (rule.months.length > 0 && !rule.months.includes(date.month))) return false;
  if (!holds(rule.monthDays, date.day, daysInMonth(date.year, date.month))) return false;
  const dayOfYear = day - dayOf(date.year, 1, 1) + 1;
  if (!holds(rule.yearDays, dayOfYear, daysInYear(date.year))) return false;
  const onRuleDay = ({ day: each, ordinal }: RuleWeekday): boolean => each === weekday && isRuleWeekday(rule, ordinal, date, dayOfYear);
  return (rule.weekdays.length === 0 || rule.weekdays.some(onRuleDay)) && inWeeks(rule, day, date.year);
};

const hasDateParts = (rule: Rule): boolean =>
  rule.months.length + rule.monthDays.length + rule.yearDays.length + rule.weekNumbers.length > 0;

/** Whether a rule that is neither yearly nor monthly lets this day pass. */
export const admitsDay = (rule: Rule, day: number): boolean =>
  hasDateParts(rule) ? admits(rule, day, civilOf(day)) : onWeekday(rule, weekdayOf(day));

const monthDays = (rule: Rule, year: number, month: number): number[] => {
  const first = dayOf(year, month, 1);
  const days: number[] = [];
  for (let day = 1; day <= daysInMonth(year, month); day += 1)
    if (admits(rule, first + day - 1, { year, month, day })) days.push(first + day - 1);
  return days;
};

const ALL_MONTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/**
 * Days of one period that the rule lets pass, in order. The period is a year, a count of months since year 0, a count of weeks since the
 * one that holds 1970-01-01, or a day, as the frequency says. Days of a week that spans two years belong to their own year.
 */
export const daysOfPeriod = (rule: Rule, period: number): readonly number[] => {
  switch (rule.frequency) {
    case 'YEARLY':
      return (rule.months.length > 0 ? rule.months : ALL_MONTHS).flatMap((month) => monthDays(rule, period, month));
    case 'MONTHLY':
      return monthDays(rule, Math.floor(period / 12), modulo(period, 12) + 1);
    case 'WEEKLY': {
      const first = firstDayOfWeek(rule, period);
      return [0, 1, 2, 3, 4, 5, 6].map((offset) => first + offset).filter((day) => admitsDay(rule, day));
    }
    case 'DAILY':
    case 'HOURLY':
    case 'MINUTELY':
    case 'SECONDLY':
      return admitsDay(rule, period) ? [period] : [];
  }
};

/** 1970-01-01 was a Thursday, day 3 of a week that starts on Monday. */
const firstDayOfWeek = (rule: Rule, week: number): number => week * 7 - modulo(3 - rule.weekStart, 7);

/** The period, as `daysOfPeriod` counts them, that a day is in. */
export const periodOfDay = (rule: Rule, day: number): number => {
  if (rule.frequency === 'WEEKLY') return Math.floor((day + modulo(3 - rule.weekStart, 7)) / 7);
  if (rule.frequency !== 'YEARLY' && rule.frequency !== 'MONTHLY') return day;
  const { year, month } = civilOf(day);
  return rule.frequency === 'YEARLY' ? year : year * 12 + month - 1;
};

/** First day of a period, as `daysOfPeriod` counts them. */
export const firstDayOfPeriod = (rule: Rule, period: number): number => {
  if (rule.frequency === 'YEARLY') return dayOf(period, 1, 1);
  if (rule.frequency === 'MONTHLY') return dayOf(Math.floor(period / 12), modulo(period, 12) + 1, 1);
  return rule.frequency === 'WEEKLY' ? firstDayOfWeek(rule, period) : period;
};
