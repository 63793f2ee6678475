import { type CalendarObject, type Component, type Contents, type Span, type When } from '../../calendar/calendar-object.js';
import { UnreadableObject } from '../unreadable-object.js';
import { dateOf, exactTime, instantOf, isFromMidnight, knownZone } from './graph-time.js';
import { componentOf, contentsOf, countsAs, eventTypeOf, PLAIN, timesOf } from './graph.mapping.js';
import { type GraphEvent } from './graph.wire.js';

/** The series is there, and its details could not be had yet; they are asked for again. */
const PENDING = 'component.details-pending';

/** A time of one of the occurrences makes no sense; the others are shown. */
const LOST = 'component.bad-time';

/** An occurrence as it is kept until its series is whole: only what is its own, and the event where it differs from its series. */
export type Occurrence = Readonly<{ id: string; start: GraphEvent['start']; end: GraphEvent['end']; exception: GraphEvent | null }>;

/** What is known of a series. `template`: what the details come from; null while they cannot be had. `uid`: null where only the master tells it. */
export type Series = Readonly<{ id: string; template: GraphEvent | null; uid: string | null; occurrences: readonly Occurrence[] }>;

const NOTHING: Contents = { title: null, location: null, description: null, organizer: null, attendees: [], url: null, uid: null };

/** Reads each; those that make no sense are told and left out. */
const readable = <T, R>(all: readonly T[], lost: () => void, read: (each: T) => R): readonly R[] =>
  all.flatMap((each) => {
    try {
      return [read(each)];
    } catch (error) {
      if (!(error instanceof UnreadableObject)) throw error;
      lost();
      return [];
    }
  });

/** On which clock a series is told: whole days, or the clock of a zone (null: UTC). */
type Clock = Readonly<{ isAllDay: boolean; zone: string | null }>;

/** Rows of a delta round say of an occurrence only when it is; without the master, whole days are told by their midnights. */
const clockOf = ({ template, occurrences }: Series): Clock => {
  if (template !== null) return { isAllDay: template.isAllDay, zone: template.isAllDay ? null : knownZone(template.originalStartTimeZone) };
  const isAllDay = readable(
    occurrences,
    () => undefined,
    ({ start, end }) => start !== null && end !== null && isFromMidnight(start, end),
  ).every(Boolean);
  return { isAllDay, zone: null };
};

const keyOf = (when: When): string => ('date' in when ? when.date : `${when.wall} ${when.zone ?? ''}`);

/** What an exception replaces, in the terms of its series. `originalStart` is an instant; of whole days its date counts. */
const originalOf = ({ exception, start }: Occurrence, { isAllDay, zone }: Clock): When => {
  const original = exception?.originalStart === null || exception === null ? start : { dateTime: exception.originalStart, timeZone: 'UTC' };
  if (original === null) throw new UnreadableObject('object.bad-time');
  return isAllDay ? { date: dateOf(original) } : exactTime(instantOf(original), zone);
};

type Placed = Readonly<{ original: When; span: Span | null; component: Component | null }>;

const placedOf = (occurrence: Occurrence, clock: Clock, uid: string | null, own: string | null): Placed => {
  const original = originalOf(occurrence, clock);
  const { exception } = occurrence;
  if (exception === null) return { original, span: timesOf(occurrence, clock.isAllDay, clock.zone).span, component: null };
  return { original, span: null, component: { ...componentOf(exception, uid, own), recurrenceId: original } };
};

const isSame = (one: Span, other: Span): boolean => one.days === other.days && one.seconds === other.seconds;

/** The usual length: that of the master, else that of the first plain occurrence, else that of any. */
const lengthOf = ({ template }: Series, placed: readonly Placed[], { isAllDay, zone }: Clock): Span => {
  const [own] =
    template === null
      ? []
      : readable(
          [template],
          () => undefined,
          (event) => timesOf(event, isAllDay, zone).span,
        );
  return own ?? placed.find(({ span }) => span !== null)?.span ?? placed[0]?.component?.span ?? { days: 0, seconds: 0 };
};

/**
 * A series as one object: its occurrences by name, as Graph lists them, and what differs from it as overrides. Its rule is not read, and its master's own
 * start, which may be years back, is no event. Null when nothing of it takes place at a time that makes sense. `own`: the address of the account, in lower case.
 */
export const seriesOf = (series: Series, own: string | null): CalendarObject | null => {
  const { id, template, uid, occurrences } = series;
  const problems = new Set<string>(template === null ? [PENDING] : []);
  const clock = clockOf(series);
  const lost = (): void => void problems.add(LOST);
  const placed = [...readable(occurrences, lost, (each) => placedOf(each, clock, uid, own))].sort((a, b) =>
    keyOf(a.original) < keyOf(b.original) ? -1 : 1,
  );
  const [first] = placed;
  if (first === undefined) return null;
  const span = lengthOf(series, placed, clock);
  const rest = placed.map(({ original, span: each }) => ({ start: original, span: each === null || isSame(each, span) ? null : each }));
  const main: Component = {
    ...PLAIN,
    ...{ start: first.original, span },
    // The first is an instance by itself; one that lasts otherwise is told once more, with its own length.
    rdates: rest.filter((each, index) => index > 0 || each.span !== null),
    ...(template === null ? { status: 'confirmed', busy: 'busy', private: false } : countsAs(template)),
    contents: template === null ? NOTHING : contentsOf(template, uid, own),
  };
  return {
    remoteId: id,
    // The rows of its occurrences tell whether it changed; no one mark does.
    etag: null,
    seriesRemoteId: id,
    components: [main, ...placed.flatMap(({ component }) => (component === null ? [] : [component]))],
    zones: {},
    eventType: template === null ? 'default' : eventTypeOf(template),
    problems: [...problems],
  };
};
