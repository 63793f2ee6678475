import { type Clock } from '../kernel/clock.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';
import { type Providers } from '../provider/calendar-provider.js';

/** What tending and ending accounts works with, in the role `sync`. */
export type ConnectionRuntime = Readonly<{
  store: EventStore;
  database: Database;
  vault: Vault;
  providers: Providers;
  clock: Clock;
  entropy: Entropy;
}>;
