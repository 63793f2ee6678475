import { calendarFamily } from '../calendar/calendar.codec.js';
import { connectionFamily } from '../connection/connection.codec.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { type Queue } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { schedule } from './schedule.projection.js';
import { type SyncRuntime } from './sync.context.js';
import { type SyncRow } from './sync.state.js';

type CleanUpPorts = Readonly<{ database: Database; store: EventStore; entropy: Entropy }>;

/** `serverOf`: which server a calendar is read from; null for one that stands for itself. */
type QueuePorts = SyncRuntime & Readonly<{ serverOf: (row: SyncRow) => Promise<string | null> }>;

/** Work waits for servers, of which some hang until they time out. Each has few of the places, all that are slow at most half, and everybody else goes on. */
const AT_ONCE = 20;
const OF_A_SERVER = 4;
/** One account's calendars never take more of everybody's processors and read models than this; vendors throttle accounts, too. */
const OF_AN_ACCOUNT = 2;

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
    return ({ serverOf, ...ports }) => ({
      table: 'sync_state',
      key: 'calendar_id',
      order: `lane <> 'hot', due_at`,
      concurrency: AT_ONCE,
      crowds: { member: 'connection_id', named: 'provider', width: OF_A_SERVER, exempt: 'false', groupOf: serverOf },
      person: 'user_id',
      account: { column: 'connection_id', most: OF_AN_ACCOUNT },
      onTrouble: tellRuns(ports),
      task: syncCalendar(ports),
    });
  },
} as const;
