import { type Clock, instant } from '../kernel/clock.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Follower, type IsOver, type Source } from '../kernel/follower.js';
import { type Database } from '../kernel/sql.js';
import { type ChangesAt } from '../merged-events/changes/change-row.js';
import { adoptedCalendars } from './adopted-calendars.reader.js';
import { besideWork } from './beside.source.js';
import { changesOrWhole, type Reason, type WholeAt } from './changes.source.js';
import { EVENTS_TOPIC } from './events.contract.js';
import { MOST, outbox } from './outbox.js';
import { readAhead } from './read-ahead.source.js';
import { type MergedCalendar, type Publishing } from './relay.ports.js';
import { type Asked, calendarsOf, endOf, sortChanges } from './telling.js';
import { tellings as tellingsIn, type Tellings } from './tellings.rows.js';
import { tellingsWork } from './tellings.work.js';
import { uuidFor } from './uuid.hash.js';
import { askForAll } from './whole-calendars.asking.js';

/** `onWhole`: told why all calendars are told whole, and null when they have been. */
type EventsPorts = Publishing &
  Readonly<{
    database: Database;
    store: Pick<EventStore, 'follow' | 'following'>;
    clock: Clock;
    changes: Source<ChangesAt>;
    merged: MergedCalendar;
    onWhole: (reason: Reason | null) => void;
  }>;

/** Of its checkpoint; permanent. */
const NAME = 'relay_events';

type Item = ChangesAt | WholeAt;

const isWhole = (item: Item): item is WholeAt => 'reason' in item;

/** The changes up to an item that has everything told whole. */
const changesIn = (items: readonly Item[]): readonly ChangesAt[] => {
  const end = items.findIndex(isWhole);
  return items.slice(0, end < 0 ? items.length : end) as readonly ChangesAt[];
};

/** What some items came to: how many of them were told, and which calendars are to be told whole after them. */
type Told = Readonly<{ count: number; asked: readonly Asked[] }>;

/** Tells changes until `isOver`, from the first item on, but none of calendars that are being told whole. */
const tellChanges = async (
  items: readonly ChangesAt[],
  { publisher, onPublished, tellings }: Publishing & Readonly<{ tellings: Tellings }>,
  isOver: IsOver,
): Promise<Told> => {
  const out = outbox(publisher, EVENTS_TOPIC, (count) => {
    onPublished(EVENTS_TOPIC, count);
  });
  const open = await tellings.openAmong(calendarsOf(items));
  const gone = calendarsOf(items, ({ change }) => change === 'calendar-removed').filter((id) => open.has(id));
  // Before it is told that they are gone, so that no death in between has them told on behind it.
  if (gone.length > 0) await tellings.drop(gone);
  for (const calendarId of gone) open.delete(calendarId);
  const asked = new Map<string, Asked>();
  let count = 0;
  for (const item of items) {
    const sorted = sortChanges(item, open, uuidFor);
    for (const told of sorted.told) await out.add(told);
    for (const calendarId of calendarsOf([item], ({ change }) => change === 'calendar-removed')) asked.delete(calendarId);
    for (const [calendarId, each] of sorted.asked) asked.set(calendarId, each);
    count += 1;
    if (isOver()) break;
  }
  await out.flush();
  return { count, asked: [...asked.values()] };
};

/**
 * Publishes what changes in everybody's merged calendar to `juy.calendar.events.v1`. The checkpoint moves once the broker has all messages of an item; a death
 * in between publishes them again, with the same ids. Calendars that are to be told whole become rows of `telling` with the checkpoint, and are told between
 * batches, so that the changes of all others go past them. `slice`: how many messages of those at once.
 */
export const eventsFollower = (ports: EventsPorts, slice?: number): Follower<Item> => {
  const { database, merged, clock, store, onWhole } = ports;
  const tellings = tellingsIn(database);
  let isToldWhole = false;
  const tellOn = tellingsWork({ ...ports, tellings }, slice);
  const askForWhole = async ({ position, reason }: WholeAt, signal: AbortSignal): Promise<void> => {
    onWhole(reason);
    const wanted = { position, at: instant(clock.now()), told: endOf(position), isWanted: () => true };
    await askForAll({ database, tellings, merged }, adoptedCalendars(store, signal), wanted);
    isToldWhole = true;
  };
  return {
    name: NAME,
    kind: 'relay',
    meaning: 1,
    source: besideWork(readAhead(changesOrWhole({ ...ports, name: NAME }), MOST), async (position, signal) => {
      const worked = await tellOn(position, signal);
      if (!worked && isToldWhole) {
        isToldWhole = false;
        onWhole(null);
      }
      return worked;
    }),
    handle: async (items, { commit, isOver, signal }) => {
      const [first] = items;
      if (first !== undefined && isWhole(first)) {
        await askForWhole(first, signal);
        return commit(async (sql) => {
          await merged.follow(sql, NAME, first.building);
          return 1;
        });
      }
      const { count, asked } = await tellChanges(changesIn(items), { ...ports, tellings }, isOver);
      return commit(async (sql) => {
        await tellings.ask(sql, asked);
        return count;
      });
    },
  };
};
