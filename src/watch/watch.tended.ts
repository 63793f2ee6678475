import { obstacleOf } from '../connection/account-fault.js';
import { type Clock } from '../kernel/clock.js';
import { type Lease, Superseded } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';
import { type WatchMode } from '../provider/abilities.js';
import { type Call, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { type Grant } from '../provider/grant.js';
import { type Push } from '../provider/push.js';
import { type WatchRow } from './watch.sql.js';
import { type WebhookOf } from './webhook-address.js';

/** What watching calendars works with. */
export type WatchRuntime = Readonly<{
  database: Database;
  store: EventStore;
  vault: Pick<Vault, 'connection'>;
  providers: Providers;
  clock: Clock;
  entropy: Entropy;
  /** What opens the account that a claimed row belongs to, for as long as its lease holds. */
  grantOf: (row: WatchRow, call: Call) => Promise<Grant>;
  webhookOf: WebhookOf;
  /** Milliseconds within which a calendar is read by itself. */
  sweep: (provider: string, mode: WatchMode) => Promise<number>;
}>;

/** A claimed row, with all that its calendar is watched by. `grant`: asked for when it is needed, and once. */
export type Tended = Readonly<{
  runtime: WatchRuntime;
  row: WatchRow;
  lease: Lease;
  push: Push;
  sealed: string;
  grant: () => Promise<Grant>;
}>;

/** The fault of a call; throws what is ours and says nothing of the service. */
export const faultOf = (error: unknown, { signal }: Lease): ProviderFault => {
  if (signal.aborted) throw new Superseded();
  const obstacle = obstacleOf(error);
  if (obstacle === null) throw error;
  return obstacle === 'key-gone' ? new ProviderFault('access-revoked', 'the key of the connection is gone') : obstacle;
};
