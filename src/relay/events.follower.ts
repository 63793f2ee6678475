import { type Clock, instant } from '../kernel/clock.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Follower, type IsOver, type Source } from '../kernel/follower.js';
import { type ChangesAt } from '../merged-events/changes/change-row.js';
import { adoptedCalendars } from './adopted-calendars.reader.js';
import { tellCalendar, tellCalendars, type TellingMeans } from './calendars.telling.js';
import { changesOrWhole, type Reason, type WholeAt } from './changes.source.js';
import { toldOfChange } from './event-messages.js';
import { EVENTS_TOPIC } from './events.contract.js';
import { MOST, outbox } from './outbox.js';
import { readAhead } from './read-ahead.source.js';
import { type MergedCalendar, type Publishing } from './relay.ports.js';
import { uuidFor } from './uuid.hash.js';

/** `onWhole`: told why all calendars are told whole, and null when they have been. */
type EventsPorts = Publishing &
  Readonly<{
    store: Pick<EventStore, 'follow' | 'following'>;
    clock: Clock;
    changes: Source<ChangesAt>;
    merged: MergedCalendar;
    onWhole: (reason: Reason | null) => void;
  }>;

/** Of its checkpoint; permanent. */
const NAME = 'relay_events';

const isWhole = (item: ChangesAt | WholeAt): item is WholeAt => 'reason' in item;

/** Tells items until `isOver`, from the first on, up to one that has everything told whole. Answers how many. */
const tellChanges = async (items: readonly (ChangesAt | WholeAt)[], means: TellingMeans, isOver: IsOver): Promise<number> => {
  let count = 0;
  for (const item of items) {
    if (isWhole(item)) break;
    for (const change of item.changes) {
      const told = toldOfChange(change, uuidFor);
      if (told !== null && 'told' in told) await means.outbox.add(told.told);
      else if (told !== null) await tellCalendar(means, told.change, told.whole);
    }
    count += 1;
    if (isOver()) break;
  }
  await means.outbox.flush();
  return count;
};

/**
 * Publishes what changes in everybody's merged calendar to `juy.calendar.events.v1`. The checkpoint moves once the broker has all messages of an item; a death
 * in between publishes them again, with the same ids.
 */
export const eventsFollower = (ports: EventsPorts): Follower<ChangesAt | WholeAt> => {
  const { merged, publisher, onPublished, clock, store, onWhole } = ports;
  const meansOf = (signal: AbortSignal): TellingMeans => {
    const counted = (count: number): void => {
      onPublished(EVENTS_TOPIC, count);
    };
    return { merged, outbox: outbox(publisher, EVENTS_TOPIC, counted), uuidFor, signal };
  };
  const tellWhole = async ({ position, reason }: WholeAt, signal: AbortSignal): Promise<void> => {
    onWhole(reason);
    const means = meansOf(signal);
    await tellCalendars(means, () => adoptedCalendars(store, signal), { position, at: instant(clock.now()), isWanted: () => true });
    await means.outbox.flush();
    onWhole(null);
  };
  return {
    name: NAME,
    kind: 'relay',
    meaning: 1,
    source: readAhead(changesOrWhole({ ...ports, name: NAME }), MOST),
    handle: async (items, { commit, isOver, signal }) => {
      const [first] = items;
      if (first === undefined || !isWhole(first)) {
        const count = await tellChanges(items, meansOf(signal), isOver);
        return commit(() => Promise.resolve(count));
      }
      await tellWhole(first, signal);
      return commit(async (sql) => {
        await merged.follow(sql, NAME, first.building);
        return 1;
      });
    },
  };
};
