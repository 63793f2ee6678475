import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { badQuery, type Content, itemNotFound, ok } from './answers.js';
import { secondsOf, seriesOfKey, type StoredEvent } from './event.js';
import { type Mailboxes } from './mailboxes.js';
import { numberOf, selected, windowOf } from './query.js';
import { eventRow, inherited, kindOf, occurrenceRow, rowOf } from './rendering.js';
import { type View } from './view.js';
import { isWithin, type Occurrence, occurrencesOf, type Range } from './series.js';
import { type GraphCall } from './world.js';

type Row = Readonly<{ start: number; render: () => Json }>;

/** An occurrence, and the series it is of. */
export type Found = Readonly<{ master: Change<StoredEvent>; occurrence: Occurrence }>;

const occurrencesIn = (mailboxes: Mailboxes, view: View, { value }: Change<StoredEvent>, range: Range): readonly Occurrence[] =>
  occurrencesOf(value, mailboxes.exceptionsOf(view.calendar, value.key), range);

/** What the events of a calendar are in a window: each occurrence by itself, and no series. */
const viewRows = (mailboxes: Mailboxes, view: View, range: Range): readonly Row[] =>
  view.calendar.events.since(0).flatMap((change): readonly Row[] => {
    const { removed, body } = change.value;
    if (removed || body.seriesMasterId !== undefined) return [];
    if (kindOf(change.value) === 'seriesMaster')
      return occurrencesIn(mailboxes, view, change, range).map((each) => ({
        start: secondsOf(each.start) ?? 0,
        render: () => occurrenceRow(view, change, each),
      }));
    if (!isWithin(body, range)) return [];
    return [{ start: body.start === undefined ? 0 : (secondsOf(body.start) ?? 0), render: () => rowOf(view, change) }];
  });

const contextOf = ({ world, person }: GraphCall, what: string): string =>
  `${world.origin()}/v1.0/$metadata#users('${encodeURIComponent(person.email)}')/${what}`;

/** A page of a list by `$top` and `$skip`, and the link to the next one. */
const paged = (call: GraphCall, rows: readonly Row[], context: string): Content => {
  const { query, world, path } = call;
  if (query.has('$filter')) badQuery('The query filter is not supported.');
  const skip = numberOf(query, '$skip', 0, [0, 1_000_000]);
  const size = Math.min(numberOf(query, '$top', 10, [1, 1_000]), call.take('short-pages')?.size ?? 1_000);
  const next = new URLSearchParams(query);
  next.set('$skip', String(skip + size));
  const link = `${world.origin()}${path}?${next.toString().replaceAll('%24', '$')}`;
  return ok({
    '@odata.context': context,
    value: rows.slice(skip, skip + size).map(({ render }) => selected(render(), query)),
    ...(skip + size < rows.length ? { '@odata.nextLink': link } : {}),
  });
};

/** `$orderby` knows the start, either way; without it the order is that of changes. */
const ordered = (rows: readonly Row[], query: URLSearchParams): readonly Row[] => {
  const order = query.get('$orderby')?.toLowerCase() ?? '';
  if (!order.startsWith('start/datetime')) return rows;
  const sign = order.endsWith(' desc') ? -1 : 1;
  return [...rows].sort((a, b) => sign * (a.start - b.start));
};

/** `calendarView`. */
export const calendarView = (call: GraphCall, view: View): Content =>
  paged(call, ordered(viewRows(call.world.mailboxes, view, windowOf(call.query)), call.query), contextOf(call, 'calendarView'));

/** `events`: single events and series. */
export const listEvents = (call: GraphCall, view: View): Content => {
  const rows = view.calendar.events.since(0).flatMap((change): readonly Row[] => {
    const { removed, body } = change.value;
    if (removed || body.seriesMasterId !== undefined) return [];
    return [{ start: body.start === undefined ? 0 : (secondsOf(body.start) ?? 0), render: () => rowOf(view, change) }];
  });
  return paged(call, ordered(rows, call.query), contextOf(call, 'events'));
};

const DAY = 86_400_000;

/** An occurrence by its key; null when its series has it no more. */
export const occurrenceNamed = (mailboxes: Mailboxes, view: View, key: string): Found | null => {
  const named = seriesOfKey(key);
  const master = named === null ? null : mailboxes.live(view.calendar, named.master);
  if (named === null || master === null || master.value.generation !== named.generation) return null;
  const { start, end = start } = master.value.body;
  if (start === undefined || end === undefined) return null;
  const length = ((secondsOf(end) ?? 0) - (secondsOf(start) ?? 0)) * 1_000;
  const day = Date.parse(named.day);
  const near = occurrencesOf(master.value, [], { start: day - 2 * DAY, end: day + 2 * DAY + length });
  const hole = mailboxes.exceptionsOf(view.calendar, master.key).find((each) => each.key === key);
  const found = near.find((each) => each.key === key);
  if (found === undefined || hole?.value.removed === true) return null;
  return { master, occurrence: { ...found, exception: hole ?? null } };
};

/** What an id stands for: an event, a series, an exception or an occurrence; null when there is none. */
export const eventNamed = ({ world, query }: GraphCall, view: View, key: string): Json | null => {
  const change = world.mailboxes.live(view.calendar, key);
  if (change !== null && change.value.body.seriesMasterId === undefined) return selected(rowOf(view, change), query);
  if (change !== null) {
    const master = world.mailboxes.live(view.calendar, change.value.body.seriesMasterId ?? '');
    return selected(eventRow(view, change, key, inherited(master, change), 'exception'), query);
  }
  const found = occurrenceNamed(world.mailboxes, view, key);
  return found === null ? null : selected(occurrenceRow(view, found.master, found.occurrence), query);
};

/** `events/{id}/instances` of a series. */
export const instances = (call: GraphCall, view: View, key: string): Content => {
  const range = windowOf(call.query);
  const master = call.world.mailboxes.live(view.calendar, key) ?? itemNotFound();
  const rows = kindOf(master.value) === 'seriesMaster' ? occurrencesIn(call.world.mailboxes, view, master, range) : [];
  return paged(
    call,
    rows.map((each) => ({ start: 0, render: () => occurrenceRow(view, master, each) })),
    contextOf(call, 'instances'),
  );
};
