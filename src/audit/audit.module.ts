import { Module } from '@nestjs/common';
import { ACCESS_LOG } from '../kernel/access-log.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { accessLog } from './access-log.eventstore.js';

/** Records who was shown the data of whom. */
@Module({
  providers: [
    {
      provide: ACCESS_LOG,
      inject: [EVENT_STORE, CLOCK, ENTROPY],
      useFactory: (store: EventStore, clock: Clock, entropy: Entropy) => accessLog({ store, clock, entropy }),
    },
  ],
  exports: [ACCESS_LOG],
})
export class AuditModule {}
