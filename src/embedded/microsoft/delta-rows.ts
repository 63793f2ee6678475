import { type Change } from '../change-log.js';
import { type Json } from '../json.js';
import { seriesOfKey, type StoredEvent } from './event.js';
import { type Mailboxes } from './mailboxes.js';
import { eventRow, inherited, kindOf, removedRow, rowOf, sparseRow } from './rendering.js';
import { type View } from './view.js';
import { isWithin, type Occurrence, occurrencesOf, type Range } from './series.js';

/** What a delta round is made of. `since`: only what changed after that revision; null for all there is. */
export type Asked = Readonly<{ view: View; mailboxes: Mailboxes; range: Range; since: number | null }>;

export type DeltaRow = Readonly<{ key: string; render: () => Json }>;

const gone = ({ view }: Asked, key: string, reason: 'deleted' | 'changed'): DeltaRow => ({
  key,
  render: () => removedRow(view, key, reason),
});

const ofSeries = ({ view, mailboxes, range }: Asked, change: Change<StoredEvent>): readonly Occurrence[] => {
  const { key, generation, body } = change.value;
  return occurrencesOf({ key, generation, body }, mailboxes.exceptionsOf(view.calendar, key), range);
};

/** Keys of occurrences that a series had after the revision and has no more; an exception may be in the window though its original start is not. */
const lost = ({ view, range, since }: Asked, { key, earlier }: StoredEvent): readonly string[] => {
  const shapes = earlier.filter(({ until }) => since !== null && until > since);
  const exceptions = [...(view.calendar.exceptions.get(key) ?? [])];
  const keys = shapes.flatMap(({ body, generation }) => [
    ...occurrencesOf({ key, generation, body }, [], range).map((each) => each.key),
    ...exceptions.filter((each) => seriesOfKey(each)?.generation === generation),
  ]);
  return [...new Set(keys)];
};

const occurrenceRows = (asked: Asked, change: Change<StoredEvent>, occurrences: readonly Occurrence[]): readonly DeltaRow[] =>
  occurrences.map((each) => {
    const { exception } = each;
    if (exception === null) return { key: each.key, render: () => sparseRow(asked.view, change, each) };
    return { key: each.key, render: () => eventRow(asked.view, exception, each.key, inherited(change, exception), 'exception') };
  });

/** A series that has changed: itself, its occurrences in the window, and those it has no more. */
const seriesRows = (asked: Asked, change: Change<StoredEvent>): readonly DeltaRow[] => {
  const { value, key } = change;
  const known = asked.since !== null;
  const removed = lost(asked, value).map((each) => gone(asked, each, 'deleted'));
  if (value.removed) return known ? [...removed, gone(asked, key, 'deleted')] : [];
  const occurrences = ofSeries(asked, change);
  const holes = asked.mailboxes
    .exceptionsOf(asked.view.calendar, key)
    .filter((each) => each.value.removed && each.revision > (asked.since ?? Infinity));
  const master: DeltaRow = { key, render: () => rowOf(asked.view, change) };
  if (occurrences.length === 0) return known ? [...removed, gone(asked, key, 'changed')] : [];
  return [master, ...occurrenceRows(asked, change, occurrences), ...removed, ...holes.map((each) => gone(asked, each.key, 'deleted'))];
};

/** An exception whose series is as it was. */
const exceptionRows = (asked: Asked, change: Change<StoredEvent>, master: Change<StoredEvent>): readonly DeltaRow[] => {
  const { view, mailboxes, range } = asked;
  if (master.value.removed) return [];
  if (!mailboxes.exceptionsOf(view.calendar, master.key).some(({ key }) => key === change.key)) return [];
  if (change.value.removed) return [gone(asked, change.key, 'deleted')];
  const body = inherited(master, change);
  if (!isWithin(body, range)) return [gone(asked, change.key, 'changed')];
  return [{ key: change.key, render: () => eventRow(view, change, change.key, body, 'exception') }];
};

const singleRows = (asked: Asked, change: Change<StoredEvent>): readonly DeltaRow[] => {
  const known = asked.since !== null;
  const removed = lost(asked, change.value).map((each) => gone(asked, each, 'deleted'));
  if (change.value.removed) return known ? [...removed, gone(asked, change.key, 'deleted')] : [];
  if (isWithin(change.value.body, asked.range)) return [{ key: change.key, render: () => rowOf(asked.view, change) }, ...removed];
  // Also of an event that was never in the window (microsoft-graph-docs#6599).
  return known ? [...removed, gone(asked, change.key, 'changed')] : [];
};

const rowsOfChange = (asked: Asked, change: Change<StoredEvent>, told: ReadonlySet<string>): readonly DeltaRow[] => {
  const { events } = asked.view.calendar;
  const master = change.value.body.seriesMasterId;
  if (master !== undefined) {
    const series = told.has(master) ? null : events.get(master);
    return series === null ? [] : exceptionRows(asked, change, series);
  }
  return kindOf(change.value) === 'seriesMaster' ? seriesRows(asked, change) : singleRows(asked, change);
};

/** FNV-1a, for an order that is always the same and is none. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
};

/** The rows of a delta round, in no order that means anything. */
export const deltaRows = (asked: Asked): readonly DeltaRow[] => {
  const changes = asked.view.calendar.events.since(asked.since ?? 0);
  const told = new Set(changes.map(({ key }) => key));
  const rows = changes.flatMap((change) => rowsOfChange(asked, change, told));
  return rows
    .map((row) => ({ row, place: hashOf(row.key) }))
    .sort((a, b) => a.place - b.place)
    .map(({ row }) => row);
};
