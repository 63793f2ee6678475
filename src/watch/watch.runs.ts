import { type Clock } from '../kernel/clock.js';
import { type CleanUp } from '../kernel/clean-up.js';
import { type Queue } from '../kernel/due-work.js';
import { type Database, type Sql } from '../kernel/sql.js';
import { RUNS_AT_ONCE } from '../provider/registry.js';
import { type WatchRow } from './watch.sql.js';
import { type WatchRuntime } from './watch.tended.js';

const AT_ONCE = 10;

type LookAgain = (sql: Sql, clock: Clock, webhooks: ReadonlyMap<string, string>) => Promise<void>;

/** What this slice runs besides answering requests. Each is loaded by the thread that runs it, and then given the ports it works with. */
export const watchRuns = {
  cleanUps: async (): Promise<(database: Database) => readonly CleanUp[]> => {
    const { channelCleanUp } = await import('./channels.cleanup.js');
    return (database) => [channelCleanUp(database)];
  },
  /** Keeps channels open by which services tell of changes. */
  queue: async (): Promise<(ports: WatchRuntime) => Queue<WatchRow>> => {
    const { tendWatch } = await import('./watch.worker.js');
    return (ports) => ({
      table: 'watch_state',
      key: 'calendar_id',
      order: 'due_at',
      concurrency: AT_ONCE,
      person: 'user_id',
      account: { column: 'connection_id', most: RUNS_AT_ONCE.account },
      task: tendWatch(ports),
    });
  },
  /** Done once when the role starts: `webhooks` holds where the notifications of each service go that can reach this one. */
  lookAgain: async (): Promise<LookAgain> => (await import('./watch.sql.js')).lookAgain,
} as const;
