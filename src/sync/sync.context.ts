import { type AccountFault } from '../connection/account-fault.js';
import { type Cause } from '../kernel/cause.js';
import { type Clock } from '../kernel/clock.js';
import { type Lease } from '../kernel/due-work.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';
import { type Database } from '../kernel/sql.js';
import { type Sealer, type Vault } from '../kernel/vault.js';
import { type Call, type CalendarProvider, type Providers } from '../provider/calendar-provider.js';
import { type Grant } from '../provider/grant.js';
import { type Pace } from './feed.pace.js';
import { type Sweep } from './sweep.sql.js';
import { type SyncRow } from './sync.state.js';
import { type Ink } from './upsert.js';

/** What SyncDelta works with. */
export type SyncRuntime = Readonly<{
  database: Database;
  store: EventStore;
  vault: Vault;
  providers: Providers;
  clock: Clock;
  entropy: Entropy;
  log: Log;
  pace: Pace;
  /** The most objects a calendar may hold that is read. */
  mostListed: number;
  /** When a calendar is read again after a good reading. */
  sweep: Sweep;
  /** What opens the account that a claimed row belongs to, for as long as its lease holds. */
  grantOf: (row: SyncRow, call: Call) => Promise<Grant>;
  /** What concerns the account and not one calendar is told to the connection; a dead grant makes it ask its owner to reconnect. */
  reportFault: (connectionId: string, told: AccountFault, cause: Cause) => Promise<void>;
  /** The connection's key is destroyed: nothing of it can be read again. */
  reportKeyGone: (connectionId: string, cause: Cause) => Promise<void>;
  /** No calendar of the account has such a fault any more. */
  reportRecovery: (connectionId: string, cause: Cause) => Promise<void>;
}>;

/** A claimed row that is being worked at. */
export type Claimed = Readonly<{ runtime: SyncRuntime; row: SyncRow; lease: Lease; cause: Cause }>;

/** Everything one run holds in hand. */
export type Run = Claimed &
  Readonly<{
    provider: CalendarProvider;
    /** What opens the account. */
    grant: Grant;
    sealer: Sealer;
    ink: Ink;
    /** What the calendar is called by at its provider; personal. */
    address: string;
    /** Somebody asked for it, and is told how far it has come. */
    isAwaited: boolean;
  }>;
