import { DAY, type Part, type Wall, type ZoneName } from './calendar-item.js';
import { type Entry } from './provided-account.js';

type Row = Readonly<Record<string, unknown>>;

const time = (wall: Wall, zone: ZoneName | null): Row => ({ dateTime: new Date(wall).toISOString().slice(0, 19), timeZone: zone ?? 'UTC' });

const partOf = ({ title, start, length, zone, status }: Part): Row => ({
  ...{ subject: title, isAllDay: zone === null, isCancelled: status === 'CANCELLED' },
  ...{ start: time(start, zone), end: time(start + Math.max(length, zone === null ? DAY : 0), zone) },
});

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** Of the rules that suites use, what Graph calls them. */
const recurrenceOf = (rule: string, { start, zone }: Part): Row => {
  const [, often = '', count = ''] = /^FREQ=(WEEKLY|MONTHLY);COUNT=(\d+)$/.exec(rule) ?? [];
  const day = new Date(start);
  const pattern =
    often === 'WEEKLY'
      ? { type: 'weekly', interval: 1, daysOfWeek: [DAYS[day.getUTCDay()]], firstDayOfWeek: 'sunday' }
      : { type: 'absoluteMonthly', interval: 1, dayOfMonth: day.getUTCDate() };
  const startDate = day.toISOString().slice(0, 10);
  return { pattern, range: { type: 'numbered', startDate, numberOfOccurrences: Number(count), recurrenceTimeZone: zone ?? 'UTC' } };
};

/** An entry as Graph has it: an event or the master of a series, and what differs from it. `instantOf`: of a wall clock in a zone. */
export const eventsOf = (id: string, entry: Entry, instantOf: (wall: Wall, zone: ZoneName) => string): readonly Row[] => {
  const { master, overrides, takesTime, rule } = entry;
  const shared = { showAs: takesTime ? 'busy' : 'free' };
  return [
    { id, ...partOf(master), ...shared, ...(rule === null ? {} : { recurrence: recurrenceOf(rule, master) }) },
    ...overrides.map((override) => ({
      ...{ ...partOf(override), ...shared, seriesMasterId: id },
      originalStart: master.zone === null ? new Date(override.of).toISOString().slice(0, 10) : instantOf(override.of, master.zone),
    })),
  ];
};
