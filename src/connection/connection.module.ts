import { Module } from '@nestjs/common';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { ConnectCalendarHandler } from './connect.handler.js';
import { ConnectionController } from './connection.controller.js';
import { MyConnectionsHandler } from './connections.query.js';
import { keyGoneReporter } from './connection.worker.js';
import { KEY_GONE } from './key-gone.js';
import { ReconnectHandler } from './reconnect.handler.js';
import { RevokeHandler } from './revoke.handler.js';

/** The accounts that people link. What tends them in the background belongs to the role `sync`. */
@Module({
  controllers: [ConnectionController],
  providers: [
    ConnectCalendarHandler,
    ReconnectHandler,
    RevokeHandler,
    MyConnectionsHandler,
    {
      provide: KEY_GONE,
      inject: [EVENT_STORE, DATABASE, CLOCK, ENTROPY],
      useFactory: (store: EventStore, database: Database, clock: Clock, entropy: Entropy) =>
        keyGoneReporter({ store, database, clock, entropy }),
    },
  ],
})
export class ConnectionModule {}
