import { DAY, type Part, stamp, type Wall, type ZoneName } from './calendar-item.js';
import { type Entry } from './provided-account.js';

type Row = Readonly<Record<string, unknown>>;

const time = (wall: Wall, zone: ZoneName | null): Row => {
  const text = new Date(wall).toISOString();
  return zone === null ? { date: text.slice(0, 10) } : { dateTime: text.slice(0, 19), timeZone: zone };
};

const partOf = ({ title, start, length, zone, status }: Part): Row => ({
  summary: title,
  status: status.toLowerCase(),
  start: time(start, zone),
  end: time(start + Math.max(length, zone === null ? DAY : 0), zone),
});

const dates = (property: string, walls: readonly Wall[], zone: ZoneName | null): readonly string[] =>
  walls.map((wall) => `${property};${zone === null ? 'VALUE=DATE' : `TZID=${zone}`}:${stamp(wall, zone === null)}`);

const recurrenceOf = ({ rule, until, master: { zone }, exdates, rdates }: Entry): readonly string[] => [
  ...(rule === null ? [] : [`RRULE:${rule}${until === null ? '' : `;UNTIL=${stamp(until, zone === null)}${zone === null ? '' : 'Z'}`}`]),
  ...dates('RDATE', rdates, zone),
  ...dates('EXDATE', exdates, zone),
];

/** An entry as events of Google's: a master, and each instance that differs from it. The first goes by `id`. */
export const eventsOf = (id: string, entry: Entry): readonly Row[] => {
  const { uid, master, overrides, takesTime } = entry;
  const recurrence = recurrenceOf(entry);
  const shared = { iCalUID: uid, ...(takesTime ? {} : { transparency: 'transparent' }) };
  return [
    { id, ...partOf(master), ...shared, ...(recurrence.length === 0 ? {} : { recurrence }) },
    ...overrides.map((override) => ({
      ...partOf(override),
      ...shared,
      recurringEventId: id,
      originalStartTime: time(override.of, master.zone),
    })),
  ];
};
