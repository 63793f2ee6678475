/**
 * Calendar arithmetic without zones. A day is a count of days since 1970-01-01; a wall is a count of seconds since 1970-01-01T00:00:00 as
 * a clock on the wall would show them, so that a day always has 86,400 of them. Proleptic Gregorian calendar.
 */

export const DAY_SECONDS = 86_400;

/** First wall of year 1 and of year 10000: RFC 3339 and the databases that read it write no year outside. */
export const FIRST_WALL = -62_135_596_800;
export const LAST_WALL = 253_402_300_800;

/** `month` and `day` start at 1. */
export type CivilDate = Readonly<{ year: number; month: number; day: number }>;

/** Remainder that is never negative. */
export const modulo = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;

export const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

export const daysInYear = (year: number): number => (isLeapYear(year) ? 366 : 365);

export const daysInMonth = (year: number, month: number): number => {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
};

/** Days are counted from March, so that the leap day ends a year (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
export const dayOf = (year: number, month: number, day: number): number => {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

/** Inverse of `dayOf`. */
export const civilOf = (day: number): CivilDate => {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
};

/** 0 is Monday. */
export const weekdayOf = (day: number): number => modulo(day + 3, 7);

export const wallDay = (wall: number): number => Math.floor(wall / DAY_SECONDS);

export const wallTime = (wall: number): number => modulo(wall, DAY_SECONDS);

/** Day of a full-date (`2026-03-29`), or null when there is no such day. */
export const parseDate = (text: string): number | null => {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) ? dayOf(year, month, day) : null;
};

/** Wall of `2026-03-29T02:30:00`, or null when no clock shows that. A leap second reads as the second before it. */
export const parseWall = (text: string): number | null => {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)$/.exec(text);
  const day = parseDate(match?.[1] ?? '');
  if (match === null || day === null) return null;
  const [hour, minute, second] = [Number(match[2]), Number(match[3]), Number(match[4])];
  return hour <= 23 && minute <= 59 && second <= 60 ? day * DAY_SECONDS + hour * 3_600 + minute * 60 + Math.min(second, 59) : null;
};

const padded = (value: number): string => (value < 10 ? `0${value}` : `${value}`);

/** Full-date of a day. */
export const formatDate = (day: number): string => {
  const { year, month, day: dayOfMonth } = civilOf(day);
  return `${`${year}`.padStart(4, '0')}-${padded(month)}-${padded(dayOfMonth)}`;
};

/** `2026-03-29T02:30:00`. */
export const formatWall = (wall: number): string => {
  const time = wallTime(wall);
  const minutes = Math.floor(time / 60);
  return `${formatDate(wallDay(wall))}T${padded(Math.floor(minutes / 60))}:${padded(minutes % 60)}:${padded(time % 60)}`;
};
