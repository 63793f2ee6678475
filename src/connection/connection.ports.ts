import { Inject, Injectable } from '@nestjs/common';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { LOG, type Log } from '../kernel/log.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { KEY_GONE, type KeyGone } from './key-gone.js';
import { ADDRESSES, type Addresses } from './return-address.js';

/** What connecting an account works with, in one step or two: ports by name, because so many positions would be mixed up. */
@Injectable()
export class ConnectionPorts {
  @Inject(EVENT_STORE) readonly store!: EventStore;
  @Inject(DATABASE) readonly database!: Database;
  @Inject(VAULT) readonly vault!: Vault;
  @Inject(PROVIDERS) readonly providers!: Providers;
  @Inject(CLOCK) readonly clock!: Clock;
  @Inject(ENTROPY) readonly entropy!: Entropy;
  @Inject(LOG) readonly log!: Log;
  @Inject(ADDRESSES) readonly addresses!: Addresses;
  @Inject(KEY_GONE) readonly keyGone!: KeyGone;
}
