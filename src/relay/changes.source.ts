import { type Clock } from '../kernel/clock.js';
import { type EventStore, type Position } from '../kernel/event-store.js';
import { type Source } from '../kernel/follower.js';
import { type ChangesAt } from '../merged-events/changes/change-row.js';
import { CURSOR_LIFE } from '../merged-events/changes/change-cursor.js';
import { type MergedCalendar } from './relay.ports.js';

/**
 * Why all calendars are told whole: nothing was published before; changes may have been dropped that were not published yet; the merged calendar was built
 * again, and its changes do not tell what became of it.
 */
export type Reason = 'first' | 'late' | 'built-again';

/** All calendars are to be told whole. `building`: of the merged calendar, as it is read. */
export type WholeAt = Readonly<{ position: Position; reason: Reason; building: string | null }>;

type Ports = Readonly<{
  name: string;
  changes: Source<ChangesAt>;
  merged: Pick<MergedCalendar, 'end' | 'building' | 'followed'>;
  store: Pick<EventStore, 'following'>;
  clock: Clock;
}>;

/** Whether changes after a place in the log may have been dropped before they were read. */
const isLate = async ({ store, clock }: Pick<Ports, 'store' | 'clock'>, position: Position): Promise<boolean> => {
  const next = await store.following(position);
  return next !== null && clock.now() - Date.parse(next.recordedAt) > CURSOR_LIFE;
};

/** Null: the changes after `position` tell everything. */
const whyWhole = async (ports: Ports, position: Position | null, building: string | null): Promise<Reason | null> => {
  if (position === null) return 'first';
  if (building !== (await ports.merged.followed(ports.name))) return 'built-again';
  return (await isLate(ports, position)) ? 'late' : null;
};

/**
 * Everybody's changes, and before them that all calendars are to be told whole where changes are missing. What is told whole is read after the place it is
 * told at, so that all later changes follow it.
 */
export const changesOrWhole = (ports: Ports): Source<ChangesAt | WholeAt> =>
  async function* (after, signal) {
    let position = after;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const [building, end] = [await ports.merged.building(), await ports.merged.end()];
      const reason = await whyWhole(ports, position, building);
      if (reason !== null && end !== null) {
        // A checkpoint that stays where it is would be taken for nothing new; the changes of that place then come once more.
        const at: Position = end === position ? end - 1n : end;
        yield { items: [{ position: at, reason, building }], position: at, live: false };
        position = at;
      }
      for await (const batch of ports.changes(position, signal)) {
        const isFirst = position === null && batch.position !== null;
        if (isFirst || (await ports.merged.building()) !== building) break;
        ({ position } = batch);
        yield batch;
      }
    }
  };
