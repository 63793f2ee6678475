import { calendarFamily } from '../calendar/calendar.codec.js';
import { connectionFamily } from '../connection/connection.codec.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { type Queue } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { RUNS_AT_ONCE, runsOf } from '../provider/registry.js';
import { schedule } from './schedule.projection.js';
import { type SyncRuntime } from './sync.context.js';
import { type SyncRow } from './sync.state.js';

type CleanUpPorts = Readonly<{ database: Database; store: EventStore; entropy: Entropy }>;

/** `crowdOf`: with which crowd a calendar is read from; null for one that stands for itself. */
type QueuePorts = SyncRuntime & Readonly<{ crowdOf: (row: SyncRow) => Promise<string | null> }>;

/** Work waits for servers, of which some hang until they time out. Each crowd has some of the places, all that are slow at most half, and everybody else goes on. */
const AT_ONCE = 20;

/**
 * What this slice runs besides answering requests. `cleanUps` and `queue` are loaded by the thread that runs them, and then given the ports they
 * work with.
 */
export const syncRuns = {
  projection: schedule([connectionFamily, calendarFamily]),
  cleanUps: async (): Promise<(ports: CleanUpPorts) => readonly CleanUp[]> => (await import('./feeds.cleanup.js')).calendarCleanUps,
  /** Reads calendars from their services. */
  queue: async (): Promise<(ports: QueuePorts) => Queue<SyncRow>> => {
    const [{ syncCalendar }, { tellRuns }] = await Promise.all([import('./sync.run.js'), import('./sync.state.js')]);
    return ({ crowdOf, ...ports }) => ({
      table: 'sync_state',
      key: 'calendar_id',
      order: `lane <> 'hot', due_at`,
      concurrency: AT_ONCE,
      crowds: { member: 'connection_id', named: 'connection_id', widthOf: runsOf, exempt: 'false', groupOf: crowdOf },
      person: 'user_id',
      account: { column: 'connection_id', most: RUNS_AT_ONCE.account },
      onTrouble: tellRuns(ports),
      task: syncCalendar(ports),
    });
  },
} as const;
