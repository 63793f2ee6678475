import { type Span, type Timing, type When } from '../../calendar/calendar-object.js';
import { expand } from '../../time/recurrence.js';
import { momentOf, zonesFor } from '../../time/moment.js';
import { durationOf, spanBetween, whenOf } from '../../provider/ics-time.js';

/** What the server must know of a resource it stores. */
export type ResourceTimes = Readonly<{ uid: string; timings: readonly Timing[] }>;

type Line = Readonly<{ name: string; zone: string | null; value: string }>;

const lineOf = (text: string): Line => {
  const [, name = '', parameters = '', value = ''] = /^([A-Za-z-]+)((?:;[^:;=]+=(?:"[^"]*"|[^:;]*))*):(.*)$/s.exec(text) ?? [];
  const zone = /;TZID="?([^":;]+)"?/i.exec(parameters)?.[1] ?? null;
  return { name: name.toUpperCase(), zone, value: value.trim() };
};

/** The lines of each VEVENT, without what is nested in them (alarms). */
const eventsOf = (ics: string): readonly (readonly Line[])[] => {
  const unfolded = ics.replace(/\r\n?/g, '\n').replace(/\n[ \t]/g, '');
  return [...unfolded.matchAll(/^BEGIN:VEVENT\n(.*?)\nEND:VEVENT$/gims)].map(([, body = '']) =>
    body
      .replace(/^BEGIN:(\w+)\n.*?\nEND:\1$/gims, '')
      .split('\n')
      .map(lineOf),
  );
};

const whenIn = ({ zone, value }: Line): When => whenOf(value, zone);

const ZONES = zonesFor({}, 'UTC');

const spanOf = (start: When, lines: readonly Line[]): Span => {
  const [end, duration] = ['DTEND', 'DURATION'].map((name) => lines.find((line) => line.name === name));
  if (end !== undefined) return spanBetween(momentOf(start, ZONES), momentOf(whenIn(end), ZONES));
  if (duration !== undefined) return durationOf(duration.value);
  return 'date' in start ? { days: 1, seconds: 0 } : { days: 0, seconds: 0 };
};

const timingOf = (lines: readonly Line[]): Timing | null => {
  const all = (name: string): readonly Line[] => lines.filter((line) => line.name === name);
  const times = (name: string): readonly When[] =>
    all(name).flatMap(({ zone, value }) => value.split(',').map((each) => whenOf(each.split('/')[0] ?? '', zone)));
  const [dtstart] = all('DTSTART');
  const [recurrence] = all('RECURRENCE-ID');
  if (dtstart === undefined) return null;
  const start = whenIn(dtstart);
  return {
    recurrenceId: recurrence === undefined ? null : whenIn(recurrence),
    thisAndFuture: false,
    start,
    span: spanOf(start, lines),
    rules: all('RRULE').map(({ value }) => value),
    rdates: times('RDATE').map((rdate) => ({ start: rdate, span: null })),
    exdates: times('EXDATE'),
    status: 'confirmed',
    busy: 'busy',
    private: false,
  };
};

/** The events of one resource; null for what a calendar server does not store: no event, several UIDs, no start, times that are none. */
export const timesOf = (ics: string): ResourceTimes | null => {
  const events = /^\s*BEGIN:VCALENDAR\b.*END:VCALENDAR\s*$/is.test(ics) ? eventsOf(ics) : [];
  const uids = new Set(events.map((lines) => lines.find(({ name }) => name === 'UID')?.value ?? ''));
  const [uid = ''] = uids;
  if (events.length === 0 || uids.size !== 1 || uid === '') return null;
  try {
    const timings = events.map(timingOf).filter((timing) => timing !== null);
    return timings.length === events.length ? { uid, timings } : null;
  } catch {
    return null;
  }
};

/** Whether anything of it takes place in `[start, end)`, milliseconds; what cannot be told is said to (RFC 4791 9.9). */
export const takesPlaceIn = (ics: string, range: Readonly<{ start: number; end: number }>, timeZone: string): boolean => {
  const times = timesOf(ics);
  if (times === null) return true;
  const expansion = expand(times.timings, {}, range, timeZone);
  return 'unexpandable' in expansion || expansion.occurrences.length > 0;
};
