import { type Timing, type When } from '../../calendar/calendar-object.js';
import { DAY_SECONDS, formatWall } from '../../time/civil.js';
import { expand } from '../../time/recurrence.js';
import { zoneOrUtc } from '../../time/time-zone.js';
import { type Change } from '../change-log.js';
import {
  type GraphBody,
  type GraphTime,
  ianaOf,
  instantIn,
  isAllDay,
  occurrenceKey,
  secondsOf,
  type StoredEvent,
  whenOf,
} from './event.js';
import { ruleOf } from './pattern.js';

/** One occurrence of a series. `original`: an instant in UTC, of whole days the date; `exception`: what replaces it. */
export type Occurrence = Readonly<{
  key: string;
  original: string;
  start: GraphTime;
  end: GraphTime;
  exception: Change<StoredEvent> | null;
}>;

/** Milliseconds since the epoch, half-open. */
export type Range = Readonly<{ start: number; end: number }>;

export type Series = Readonly<{ key: string; generation: number; body: GraphBody }>;

/** The end of a day as UNTIL writes it: a date for whole days, else an instant in UTC. */
const untilOf =
  (zone: string, whole: boolean) =>
  (day: string): string => {
    const text = day.replaceAll('-', '');
    if (whole) return text;
    const last = instantIn(`${day}T23:59:59`, zone) ?? 0;
    return `${formatWall(last).replace(/[-:]/g, '')}Z`;
  };

const originalWhen = (original: string, zone: string): When => {
  if (/^\d{4}-\d\d-\d\d$/.test(original)) return { date: original };
  return { wall: formatWall(zoneOrUtc(zone, {}).wallOf(instantIn(original, 'UTC') ?? 0)), zone };
};

const timingOf = (body: GraphBody, removed: boolean, seriesZone: string): Timing | null => {
  const { start, end = start, recurrence, originalStart } = body;
  const whole = isAllDay(body);
  if (removed && originalStart !== undefined) return holeOf(originalWhen(originalStart, seriesZone));
  const startsAt = start === undefined ? null : whenOf(start, whole);
  if (start === undefined || end === undefined || startsAt === null) return null;
  const seconds = Math.max(0, (secondsOf(end) ?? 0) - (secondsOf(start) ?? 0));
  const rule = recurrence === undefined || recurrence === null ? [] : [ruleOf(recurrence, untilOf(start.timeZone, whole))];
  return {
    ...holeOf(startsAt),
    recurrenceId: originalStart === undefined ? null : originalWhen(originalStart, seriesZone),
    span: whole ? { days: Math.max(1, Math.round(seconds / DAY_SECONDS)), seconds: 0 } : { days: 0, seconds },
    rules: rule,
    status: 'confirmed',
  };
};

/** What says that an occurrence does not take place. */
const holeOf = (original: When): Timing => ({
  recurrenceId: original,
  thisAndFuture: false,
  start: original,
  span: { days: 0, seconds: 0 },
  rules: [],
  rdates: [],
  exdates: [],
  status: 'cancelled',
  busy: 'busy',
  private: false,
});

const timeOf = (milliseconds: number): GraphTime => ({ dateTime: new Date(milliseconds).toISOString(), timeZone: 'UTC' });

const dayOf = (date: string, timeZone: string): GraphTime => ({ dateTime: `${date}T00:00:00`, timeZone });

/** The occurrences of a series in a range, in order. */
export const occurrencesOf = (
  { key, generation, body }: Series,
  exceptions: readonly Change<StoredEvent>[],
  range: Range,
): readonly Occurrence[] => {
  const written = body.start?.timeZone ?? 'UTC';
  const zone = ianaOf(written) ?? 'UTC';
  const own = timingOf(body, false, zone);
  const known = exceptions.flatMap((change) => {
    const timing = timingOf(change.value.body, change.value.removed, zone);
    return timing === null ? [] : [{ change, timing }];
  });
  if (own === null) return [];
  const expansion = expand([own, ...known.map(({ timing }) => timing)], {}, range, zone);
  if ('unexpandable' in expansion) return [];
  return expansion.occurrences.map(({ component, original, start, end, localStart, localEnd }) => ({
    key: occurrenceKey(key, generation, original),
    original,
    start: localStart === null ? timeOf(start) : dayOf(localStart, written),
    end: localEnd === null ? timeOf(end) : dayOf(localEnd, written),
    exception: component === 0 ? null : (known[component - 1]?.change ?? null),
  }));
};

/** Whether something that is no series takes place in a range. */
export const isWithin = ({ start, end = start }: GraphBody, range: Range): boolean => {
  if (start === undefined || end === undefined) return false;
  const [from, to] = [(secondsOf(start) ?? 0) * 1_000, (secondsOf(end) ?? 0) * 1_000];
  return from === to ? from >= range.start && from < range.end : from < range.end && to > range.start;
};
