import { type CleanUp } from '../kernel/clean-up.js';
import { type Queue } from '../kernel/due-work.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';
import { runsOf } from '../provider/registry.js';
import { type ConnectionRow } from './connection.record.js';
import { type ConnectionRuntime } from './connection.runtime.js';
import { connections } from './connections.projection.js';

type CleanUpPorts = Readonly<{ database: Database; store: EventStore; vault: Vault }>;

/** Work waits for servers, of which some hang until they time out: each has few of the places. */
const AT_ONCE = 10;

/**
 * What this slice runs besides answering requests. `cleanUps` and `queue` are loaded by the thread that runs them, and then given the ports they
 * work with.
 */
export const connectionRuns = {
  projection: connections,
  cleanUps: async (): Promise<(ports: CleanUpPorts) => readonly CleanUp[]> => {
    const [{ vaultCleanUps }, { attemptCleanUp }] = await Promise.all([import('./vault.cleanup.js'), import('./attempts.cleanup.js')]);
    return (ports) => [...vaultCleanUps(ports), attemptCleanUp(ports.database)];
  },
  /** Tends accounts: discovers their calendars, and winds up what was revoked. */
  queue: async (): Promise<(ports: ConnectionRuntime) => Queue<ConnectionRow>> => {
    const [{ crowdOf, secretOnce }, { grantsOf }, { tendConnection }] = await Promise.all([
      import('./account.proof.js'),
      import('./account.grant.js'),
      import('./connection.worker.js'),
    ]);
    return (ports) => {
      const secretOf = secretOnce(ports.vault);
      const crowd = crowdOf(secretOf);
      return {
        table: 'connection_state',
        key: 'connection_id',
        // Who revokes waits for no server.
        order: `task <> 'revoke', due_at`,
        concurrency: AT_ONCE,
        crowds: {
          member: 'connection_id',
          named: 'connection_id',
          // There are half as many places as for calendars.
          widthOf: (named) => Math.ceil(runsOf(named) / 2),
          exempt: `task = 'revoke'`,
          groupOf: (row) => (row.task === 'revoke' ? Promise.resolve(null) : crowd(row)),
        },
        person: 'user_id',
        isLasting: ({ task }) => task === 'revoke',
        task: tendConnection(ports, grantsOf(ports, secretOf)),
      };
    };
  },
} as const;
