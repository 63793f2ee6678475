/** Monday first, as ISO 8601 counts. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** `[start, end)` on the wall clock of the person's time zone, `HH:MM`; `24:00` ends a day. */
export type DayInterval = Readonly<{ start: string; end: string }>;

/** When a person works, by weekday; a day that is not named is free. */
export type WorkingHours = Readonly<Partial<Record<Weekday, readonly DayInterval[] | undefined>>>;

const TIME = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** Minutes since midnight; null for text that is no time of day. */
export const minuteOf = (text: string): number | null => {
  const match = TIME.exec(text);
  if (match === null) return null;
  return text === '24:00' ? 1_440 : Number(match[1]) * 60 + Number(match[2]);
};

/** Whether the intervals of a day are times in order, none empty and none reaching into the next. */
export const isInOrder = (intervals: readonly DayInterval[]): boolean => {
  let free = 0;
  for (const { start, end } of intervals) {
    const [from, to] = [minuteOf(start), minuteOf(end)];
    if (from === null || to === null || from < free || to <= from) return false;
    free = to;
  }
  return true;
};

/** Days in order of the week, so that the same hours always read the same. */
export const ordered = (hours: WorkingHours): WorkingHours =>
  Object.fromEntries(
    WEEKDAYS.flatMap((day) => {
      const intervals = hours[day] ?? [];
      return intervals.length === 0 ? [] : [[day, intervals.map(({ start, end }) => ({ start, end }))]];
    }),
  );
