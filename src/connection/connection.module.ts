import { Module } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { BeginAttemptHandler, CompleteAttemptHandler, ConfirmAttemptHandler, GivePasswordHandler } from './attempt.handlers.js';
import { BeginAttempt } from './attempt.commands.js';
import { ConnectCalendarHandler } from './connect.handler.js';
import { ConnectionPorts } from './connection.ports.js';
import { ConnectionController } from './connection.controller.js';
import { MyConnectionsHandler } from './connections.query.js';
import { keyGoneReporter } from './connection.worker.js';
import { KEY_GONE } from './key-gone.js';
import { OAuthController } from './oauth.controller.js';
import { ReconnectHandler } from './reconnect.handler.js';
import { RevokeHandler } from './revoke.handler.js';
import { WIDENING, type Widening } from './widening.js';

const widening =
  (commands: CommandBus, { uuid }: Pick<Entropy, 'uuid'>): Widening =>
  ({ actor, connectionId, reached, returnTo }) =>
    commands.execute(new BeginAttempt(actor, { purpose: 'widen', connectionId }, { reached, returnTo }, uuid()));

/** The accounts that people link. What tends them in the background belongs to the role `sync`. */
@Module({
  controllers: [ConnectionController, OAuthController],
  providers: [
    ConnectCalendarHandler,
    ReconnectHandler,
    RevokeHandler,
    BeginAttemptHandler,
    CompleteAttemptHandler,
    ConfirmAttemptHandler,
    GivePasswordHandler,
    MyConnectionsHandler,
    {
      provide: KEY_GONE,
      inject: [EVENT_STORE, DATABASE, CLOCK, ENTROPY],
      useFactory: (store: EventStore, database: Database, clock: Clock, entropy: Entropy) =>
        keyGoneReporter({ store, database, clock, entropy }),
    },
    ConnectionPorts,
    { provide: WIDENING, inject: [CommandBus, ENTROPY], useFactory: widening },
  ],
  exports: [WIDENING],
})
export class ConnectionModule {}
