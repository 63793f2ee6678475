import { type Position } from '../kernel/event-store.js';
import { LAST_PART } from '../merged-events/changes/change-cursor.js';
import { type ChangesAt, type PersonalChange } from '../merged-events/changes/change-row.js';
import { type Telling, toldOfChange, type UuidFor } from './event-messages.js';
import { type Told } from './told.js';

/** A place among the changes of a person: of the log, and which of the changes there. */
export type Place = Readonly<{ position: Position; part: number }>;

/** Before every change. */
export const FIRST_PLACE: Place = { position: -1n, part: 0 };

/** Behind every change of a place in the log. */
export const endOf = (position: Position): Place => ({ position, part: LAST_PART });

export const isBefore = (a: Place, b: Place): boolean => a.position < b.position || (a.position === b.position && a.part < b.part);

/** That a calendar is to be told whole. `told`: changes up to there have been told, or are not to be. */
export type Asked = Readonly<{ telling: Telling; change: 'calendar-added' | 'calendar-changed'; told: Place }>;

/** What comes of changes: what is told of them at once, in order; of which calendars nothing but that they are gone; what is asked for. */
type Sorted = Readonly<{ told: readonly Told[]; asked: ReadonlyMap<string, Asked> }>;

/**
 * Sorts the changes of one place in the log. Those of a calendar that is being told whole wait for that (`isOpen`), so that its messages keep their order.
 */
export const sortChanges = ({ position, changes }: ChangesAt, open: Set<string>, uuidFor: UuidFor): Sorted => {
  const told: Told[] = [];
  const asked = new Map<string, Asked>();
  for (const row of changes) {
    const found = toldOfChange(row, uuidFor);
    if (found === null || row.calendar_id === null) continue;
    if ('whole' in found) {
      asked.set(row.calendar_id, { telling: found.whole, change: found.change, told: { position, part: row.part } });
      open.add(row.calendar_id);
    } else if (row.change === 'calendar-removed') {
      asked.delete(row.calendar_id);
      open.delete(row.calendar_id);
      told.push(found.told);
    } else if (!open.has(row.calendar_id)) told.push(found.told);
  }
  return { told, asked };
};

/** The calendars that changes are about. */
export const calendarsOf = (items: readonly ChangesAt[], isWanted: (row: PersonalChange) => boolean = () => true): readonly string[] => [
  ...new Set(
    items.flatMap(({ changes }) => changes.flatMap((row) => (row.calendar_id !== null && isWanted(row) ? [row.calendar_id] : []))),
  ),
];
