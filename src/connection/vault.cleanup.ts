import { type CleanUp } from '../kernel/clean-up.js';
import { HOUR, instant } from '../kernel/clock.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';

type Runtime = Readonly<{ database: Database; store: EventStore; vault: Vault }>;

/** What a death between the vault and the first fact left behind. The log, not a read model, says whether the connection came to be. */
const pending = ({ store, vault }: Runtime): CleanUp => ({
  name: 'pending-secrets',
  every: HOUR,
  remove: async (now, lease) => {
    let removed = 0;
    for (const connectionId of await vault.pendingSince(instant(now - HOUR))) {
      await lease.permit();
      if ((await store.lastRevision(`connection-${connectionId}`)) >= 0n) await vault.activate(connectionId);
      else {
        await vault.destroyConnection(connectionId);
        removed += 1;
      }
    }
    return removed;
  },
});

/** A back-up from before a revocation brings its keys back; the log that is replayed onto it says that they are to go. */
const revoked = ({ database, vault }: Runtime): CleanUp => ({
  name: 'revoked-secrets',
  every: HOUR,
  remove: async (_, lease) => {
    const rows = await database.query<{ connection_id: string }>(
      `select distinct connection_id from connections join vault using (connection_id) where purged_at is not null`,
    );
    for (const { connection_id: connectionId } of rows) {
      await lease.permit();
      await vault.destroyConnection(connectionId);
    }
    return rows.length;
  },
});

/** Keys and passwords of connections that were never completed. */
export const vaultCleanUps = (runtime: Runtime): readonly CleanUp[] => [pending(runtime), revoked(runtime)];
