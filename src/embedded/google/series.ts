import { type Timing, type When } from '../../calendar/calendar-object.js';
import { expand } from '../../time/recurrence.js';
import { type Change } from '../change-log.js';
import { type EventBody, type EventTime, instanceId, secondsOf, type StoredEvent, whenOf } from './event.js';

/** One instance of a series. `exception`: the row that replaces it; null where the series itself describes it. */
export type Instance = Readonly<{
  id: string;
  original: EventTime;
  start: EventTime;
  end: EventTime;
  exception: Change<StoredEvent> | null;
}>;

type Range = Readonly<{ start: number; end: number }>;

const DAY = 86_400;

/** RDATE and EXDATE lines (RFC 5545 3.8.5); periods begin at their start. */
const datesIn = (lines: readonly string[], name: string, zone: string): readonly When[] =>
  lines.flatMap((line) => {
    const [, parameters = '', values = ''] = new RegExp(`^${name}((?:;[^:]*)?):(.*)$`, 'i').exec(line) ?? [];
    const timeZone = /;TZID=([^;:]+)/i.exec(parameters)?.[1] ?? zone;
    return values.split(',').flatMap((value): readonly When[] => {
      const [, date = '', time] = /^(\d{8})(?:T(\d{6}))?/.exec(value.trim()) ?? [];
      if (date === '') return [];
      const day = date.replace(/(....)(..)(..)/, '$1-$2-$3');
      if (time === undefined) return [{ date: day }];
      const wall = `${day}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}`;
      return [{ wall, zone: value.trim().split('/')[0]?.endsWith('Z') === true ? 'UTC' : timeZone }];
    });
  });

const rulesIn = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => {
    const [, name = '', value] = /^(RRULE|EXRULE):(.*)$/i.exec(line) ?? [];
    return value === undefined ? [] : [name.toUpperCase() === 'EXRULE' ? `EXRULE:${value}` : value];
  });

const timingOf = (body: EventBody, cancelled: boolean, zone: string): Timing | null => {
  const { start = body.originalStartTime ?? {}, end = start, recurrence = [], originalStartTime } = body;
  const [startsAt, from, to] = [whenOf(start, zone), secondsOf(start, zone), secondsOf(end, zone)];
  if (startsAt === null || from === null || to === null) return null;
  const seconds = Math.max(0, to - from);
  const series = start.timeZone ?? zone;
  return {
    recurrenceId: originalStartTime === undefined ? null : whenOf(originalStartTime, zone),
    thisAndFuture: false,
    start: startsAt,
    span: 'date' in startsAt ? { days: Math.max(1, Math.round(seconds / DAY)), seconds: 0 } : { days: 0, seconds },
    rules: rulesIn(recurrence),
    rdates: datesIn(recurrence, 'RDATE', series).map((each) => ({ start: each, span: null })),
    exdates: datesIn(recurrence, 'EXDATE', series),
    status: cancelled ? 'cancelled' : 'confirmed',
    busy: 'busy',
    private: false,
  };
};

const timeOf = (milliseconds: number, timeZone: string | undefined): EventTime => ({
  dateTime: new Date(milliseconds).toISOString(),
  timeZone,
});

/** The instances of a series in a range (milliseconds), in order; `zone`: the calendar's. */
export const instancesOf = (
  master: Readonly<{ id: string; body: EventBody }>,
  exceptions: readonly Change<StoredEvent>[],
  range: Range,
  zone: string,
): readonly Instance[] => {
  const own = timingOf(master.body, false, zone);
  const known = exceptions.flatMap((change) => {
    const timing = timingOf(change.value.body, change.value.status === 'cancelled', zone);
    return timing === null ? [] : [{ change, timing }];
  });
  if (own === null) return [];
  const expansion = expand([own, ...known.map(({ timing }) => timing)], {}, range, zone);
  if ('unexpandable' in expansion) return [];
  const timeZone = master.body.start?.timeZone ?? zone;
  return expansion.occurrences.map(({ component, original: name, start, end, localStart, localEnd }) => {
    const original: EventTime = /^\d{4}-\d\d-\d\d$/.test(name) ? { date: name } : { dateTime: name, timeZone };
    return {
      id: instanceId(master.id, original, zone),
      original,
      start: localStart === null ? timeOf(start, timeZone) : { date: localStart },
      end: localEnd === null ? timeOf(end, master.body.end?.timeZone ?? timeZone) : { date: localEnd },
      exception: component === 0 ? null : (known[component - 1]?.change ?? null),
    };
  });
};

/** Whether anything of an event takes place in a range (milliseconds). */
export const takesPlaceIn = (event: StoredEvent, exceptions: readonly Change<StoredEvent>[], range: Range, zone: string): boolean => {
  if (event.body.recurrence !== undefined) return instancesOf(event, exceptions, range, zone).length > 0;
  const { start = event.body.originalStartTime ?? {}, end = start } = event.body;
  const [from, to] = [secondsOf(start, zone) ?? 0, secondsOf(end, zone) ?? 0];
  return from * 1_000 < range.end && to * 1_000 > range.start;
};
