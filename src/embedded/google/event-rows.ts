import { DAY } from '../../kernel/clock.js';
import { type GoogleCalendar, type Calendars } from './calendars.js';
import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { secondsOf, type StoredEvent } from './event.js';
import { instanceRow, rowOf, type View } from './rendering.js';
import { type Instance, instancesOf, takesPlaceIn } from './series.js';
import { type Sticky } from './tokens.js';

/** What a list is made of. `since`: only what changed after that revision; null for all there is. */
export type Asked = Readonly<{ view: View; calendars: Calendars; sticky: Sticky; since: number | null; showDeleted: boolean; now: number }>;

export type Row = Readonly<{ change: Change<StoredEvent>; start: number; render: () => Json }>;

/** How far instances are told when no end is asked for; Google's documents name none. */
const HORIZON = 2 * 365 * DAY;
const BEGINNING = Date.UTC(1900, 0);

const rangeOf = ({ sticky, now }: Asked): Readonly<{ start: number; end: number }> => ({
  start: sticky.timeMin === null ? BEGINNING : Date.parse(sticky.timeMin),
  end: sticky.timeMax === null ? now + HORIZON : Date.parse(sticky.timeMax),
});

const isBounded = ({ sticky }: Asked): boolean => sticky.timeMin !== null || sticky.timeMax !== null;

const exceptionsOf = ({ calendars, view }: Asked, id: string): readonly Change<StoredEvent>[] => calendars.exceptionsOf(view.calendar, id);

const isCancelled = ({ value }: Change<StoredEvent>): boolean => value.status === 'cancelled';

const masterOf = (calendar: GoogleCalendar, { value }: Change<StoredEvent>): Change<StoredEvent> | null =>
  value.body.recurringEventId === undefined ? null : calendar.events.get(value.body.recurringEventId);

/** A hole in a series that is there: it is told even to those who want nothing deleted, who could not expand the series otherwise. */
const isHole = (asked: Asked, change: Change<StoredEvent>): boolean => {
  const master = masterOf(asked.view.calendar, change);
  return master !== null && !isCancelled(master);
};

const startOf = ({ view }: Asked, { body }: StoredEvent): number =>
  secondsOf(body.start ?? body.originalStartTime ?? {}, view.calendar.about.timeZone) ?? 0;

const asRow = (asked: Asked, change: Change<StoredEvent>): Row => ({
  change,
  start: startOf(asked, change.value),
  render: () => rowOf(asked.view, change),
});

/** Masters and exceptions as they are stored. */
const storedRows = (asked: Asked): readonly Row[] => {
  const { view, since, showDeleted } = asked;
  const { about, events } = view.calendar;
  const bounded = isBounded(asked);
  const range = { ...rangeOf(asked), ...(asked.sticky.timeMax === null ? { end: Date.UTC(2100, 0) } : {}) };
  return events
    .since(since ?? 0)
    .filter((change) => {
      if (isCancelled(change) && since === null && !showDeleted && !isHole(asked, change)) return false;
      if (!bounded || (isCancelled(change) && since !== null)) return true;
      return takesPlaceIn(change.value, exceptionsOf(asked, change.key), range, about.timeZone);
    })
    .map((change) => asRow(asked, change));
};

const instanceRows = (asked: Asked, change: Change<StoredEvent>, instances: readonly Instance[], isGone: boolean): readonly Row[] =>
  instances.map((instance) => ({
    change: instance.exception ?? change,
    start: secondsOf(instance.start, asked.view.calendar.about.timeZone) ?? 0,
    render: () => instanceRow(asked.view, change, instance, isGone),
  }));

/** A series as its instances; after a change also those that it has no more. */
const seriesRows = (asked: Asked, change: Change<StoredEvent>): readonly Row[] => {
  const { view, since, showDeleted } = asked;
  const zone = view.calendar.about.timeZone;
  const { id, body, before } = change.value;
  const exceptions = exceptionsOf(asked, id);
  const range = rangeOf(asked);
  const has = isCancelled(change) ? [] : instancesOf({ id, body }, exceptions, range, zone);
  const earlier = isCancelled(change) ? body : before;
  const known = new Set([...has.map((each) => each.id), ...exceptions.map(({ key }) => key)]);
  const gone =
    since === null || earlier === null ? [] : instancesOf({ id, body: earlier }, [], range, zone).filter((each) => !known.has(each.id));
  const holes = exceptions.filter(isCancelled).filter(() => since !== null || showDeleted);
  return [
    ...instanceRows(asked, change, has, false),
    ...instanceRows(asked, change, gone, true),
    ...holes.map((hole) => asRow(asked, hole)),
  ];
};

/** Single events and the instances of series: an exception is told by its series, or alone when only it has changed. */
const singleRows = (asked: Asked): readonly Row[] => {
  const { view, since, showDeleted } = asked;
  const { events, about } = view.calendar;
  const changes = events.since(since ?? 0);
  const told = new Set(changes.map(({ key }) => key));
  return changes.flatMap((change) => {
    const master = masterOf(view.calendar, change);
    if (change.value.body.recurrence !== undefined) return since === null && isCancelled(change) ? [] : seriesRows(asked, change);
    if (master !== null && told.has(master.key)) return [];
    if (isCancelled(change)) return since !== null || showDeleted ? [asRow(asked, change)] : [];
    return !isBounded(asked) || takesPlaceIn(change.value, [], rangeOf(asked), about.timeZone) ? [asRow(asked, change)] : [];
  });
};

/** The rows of a list, the oldest change first. */
export const rowsOf = (asked: Asked): readonly Row[] => {
  const rows = asked.sticky.singleEvents ? singleRows(asked) : storedRows(asked);
  const types = asked.sticky.eventTypes;
  return types.length === 0
    ? rows
    : rows.filter(({ change }) => isCancelled(change) || types.some((type) => type === (change.value.body['eventType'] ?? 'default')));
};
