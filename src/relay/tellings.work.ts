import { type Position } from '../kernel/event-store.js';
import { toldEvent } from '../merged-events/told-event.js';
import { toldOfCalendarAs, toldOfChange, toldOfComplete, toldOfPresent } from './event-messages.js';
import { EVENTS_TOPIC } from './events.contract.js';
import { type Outbox, outbox } from './outbox.js';
import { type MergedCalendar, type Publishing } from './relay.ports.js';
import { endOf, isBefore } from './telling.js';
import { type Advanced, type OpenTelling, type Tellings } from './tellings.rows.js';
import { uuidFor } from './uuid.hash.js';

/** Messages that are told of calendars whole before changes have their turn. */
const SLICE = 1_000;

/** People looked up at once. */
const PEOPLE = 200;

type Merged = Pick<MergedCalendar, 'changesOf' | 'page'>;
/** `until`: the place in the log up to which the changes of all other calendars have been told. */
type Means = Readonly<{ merged: Merged; out: Outbox; until: Position }>;

/** How far a telling has come, and by how many messages. */
type Step = Readonly<{ to: OpenTelling | null; count: number }>;

/** Tells changes that have waited, at most so many; with the last of them begins what is told next. */
const tellChanges = async (from: OpenTelling, most: number, { merged, out, until }: Means): Promise<Step> => {
  const end = endOf(until);
  const rows = isBefore(from.told, end) ? await merged.changesOf(from.telling, from.told, { until, most }) : [];
  for (const row of rows) {
    const found = toldOfChange(row, uuidFor);
    if (found !== null && 'told' in found) await out.add(found.told);
  }
  const last = rows.length < most ? undefined : rows.at(-1);
  if (last !== undefined) return { to: { ...from, told: { position: BigInt(last.position), part: last.part } }, count: rows.length };
  return { to: from.stage === 'before' ? { ...from, stage: 'events', told: end } : null, count: rows.length };
};

/** Tells events as they are now, at most so many; or that the calendar is gone when it cannot be read, which ends its telling. */
const tellEvents = async (from: OpenTelling, most: number, { merged, out }: Means): Promise<Step> => {
  const { telling, after, change } = from;
  const page = await merged.page(telling.calendarId, after ?? { series: '', original: '' }, most);
  if (page === null) {
    await out.add(toldOfCalendarAs('calendar-removed', { ...telling, origin: [...telling.origin, 'removed'] }, uuidFor));
    return { to: null, count: 1 };
  }
  if (after === null) await out.add(toldOfCalendarAs(change, telling, uuidFor));
  for (const row of page) await out.add(toldOfPresent(telling, toldEvent(row), uuidFor));
  const [count, last] = [from.count + page.length, page.length < most ? undefined : page.at(-1)];
  if (last !== undefined) return { to: { ...from, count, after: { series: last.series, original: last.original } }, count: page.length };
  await out.add(toldOfComplete(telling, count, uuidFor));
  return { to: { ...from, count, stage: 'behind' }, count: page.length + 1 };
};

/** Tells a calendar on, by about so many messages at most. */
const tellOn = async (from: OpenTelling, most: number, means: Means): Promise<Step> => {
  let [to, count]: [OpenTelling | null, number] = [from, 0];
  while (to !== null && count < most) {
    const step: Step = await (to.stage === 'events' ? tellEvents : tellChanges)(to, most - count, means);
    [to, count] = [step.to, count + step.count];
  }
  return { to, count };
};

type Ports = Publishing & Readonly<{ tellings: Pick<Tellings, 'next' | 'save'>; merged: Merged }>;

/**
 * Tells calendars whole, a slice at a time, of one person after the other. A slice is stored once the broker has it, so that a death publishes it again, with the
 * same ids. It may only run while no changes are published: then what it reads is as new as all that was told. Answers false when there is nothing to tell. `slice`:
 * in messages.
 */
export const tellingsWork = ({ tellings, merged, publisher, onPublished }: Ports, slice = SLICE) => {
  let last = '';
  return async (until: Position, signal: AbortSignal): Promise<boolean> => {
    const found = await tellings.next(last, PEOPLE);
    if (found.length === 0) {
      if (last === '') return false;
      last = '';
      return true;
    }
    const out = outbox(publisher, EVENTS_TOPIC, (count) => {
      onPublished(EVENTS_TOPIC, count);
    });
    const advanced: Advanced[] = [];
    let room = slice;
    for (const from of found) {
      if (room < 1 || signal.aborted) break;
      const { to, count } = await tellOn(from, room, { merged, out, until });
      advanced.push({ from, to });
      room -= count;
      last = from.telling.userId;
    }
    await out.flush();
    await tellings.save(advanced);
    return true;
  };
};
