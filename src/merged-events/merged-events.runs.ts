import { calendarFamily } from '../calendar/calendar.codec.js';
import { connectionFamily } from '../connection/connection.codec.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { type Clock } from '../kernel/clock.js';
import { type Queue } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';
import { type Database } from '../kernel/sql.js';
import { preferenceFamily } from '../preference/preference.codec.js';
import { feedFamily } from '../sync/feed.codec.js';
import { type PlacementRow } from './placement.rows.js';
import { userCalendarEvents } from './user-calendar-events.projection.js';
import { zonesFamily } from './zone-change.codec.js';

/** Few at a time, because each holds the projection up for moments, and of each person one. */
const AT_ONCE = 3;

/** It places for a quarter of the time. */
const REST = 3;

type FirstPorts = Readonly<{ store: EventStore; clock: Clock; entropy: Entropy; log: Log }>;

/**
 * What this slice runs besides answering requests. `cleanUps`, `queue` and `first` are loaded by the thread that runs them, and then given the ports
 * they work with.
 */
export const mergedEventsRuns = {
  projection: userCalendarEvents([connectionFamily, calendarFamily, feedFamily, preferenceFamily, zonesFamily]),
  cleanUps: async (): Promise<(database: Database) => readonly CleanUp[]> => (await import('./occurrences.cleanup.js')).occurrenceCleanUps,
  /** Places series again. */
  queue: async (): Promise<(ports: Readonly<{ database: Database; clock: Clock }>) => Queue<PlacementRow>> => {
    const { placeDue } = await import('./placement.worker.js');
    return (ports) => ({
      table: 'placement',
      key: 'name',
      order: 'due_at',
      concurrency: AT_ONCE,
      person: 'user_id',
      task: placeDue({ ...ports, rest: REST }),
    });
  },
  /** What is told of the merged calendar to others: everybody's changes, and calendars whole. */
  told: async () => {
    const { followedChanges } = await import('./changes/changes.source.js');
    const { mergedCalendar } = await import('./changes/whole-calendars.sql.js');
    return (database: Database) => ({ changes: followedChanges(database), merged: mergedCalendar(database) });
  },
  /** Once at the start: records the zone rules of this program. */
  first: async (): Promise<(ports: FirstPorts, signal: AbortSignal) => Promise<void>> =>
    (await import('./zone-change.handler.js')).keepBringingZoneRules,
} as const;
