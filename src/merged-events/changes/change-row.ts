import { type Position } from '../../kernel/event-store.js';
import { type ToldEvent, toldEvent } from '../told-event.js';

/** A row of the change feed. */
export type ChangeRow = Readonly<{
  position: string;
  part: number;
  calendar_id: string | null;
  connection_id: string | null;
  /** Of a change of a connection: the category of the stream whose event told it. */
  category: string | null;
  at: Date;
  change: 'added' | 'changed' | 'removed' | 'calendar-added' | 'calendar-changed' | 'calendar-removed' | 'connection-changed';
  series: string | null;
  original: string | null;
  start_at: Date | null;
  end_at: Date | null;
  local_start: string | null;
  local_end: string | null;
  all_day: boolean | null;
  status: 'confirmed' | 'tentative' | 'cancelled' | null;
  busy: 'busy' | 'tentative' | 'needs-action' | 'free' | null;
  recurring: boolean | null;
}>;

/** A change, and whose it is. */
export type PersonalChange = ChangeRow & Readonly<{ user_id: string }>;

/** Everybody's changes of one place in the log, by person and part. */
export type ChangesAt = Readonly<{ position: Position; changes: readonly PersonalChange[] }>;

/** The event a change is about; null when it is about something else. */
export const changedEvent = (row: ChangeRow): ToldEvent | null => {
  const { series, original, start_at, end_at, status, busy, all_day, recurring } = row;
  if (series === null || original === null || start_at === null || end_at === null || status === null || busy === null) return null;
  return toldEvent({ ...row, series, original, start_at, end_at, status, busy, all_day: all_day === true, recurring: recurring === true });
};
