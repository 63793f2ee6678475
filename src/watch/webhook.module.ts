import { Module } from '@nestjs/common';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { METRICS, type Metrics } from '../kernel/metrics.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { DOOR, WebhookController } from './webhook.controller.js';
import { webhookDoor } from './webhook.door.js';

/** Where calendar services tell of changes. The channels by which they do are opened and closed by the role `sync`. */
@Module({
  controllers: [WebhookController],
  providers: [
    {
      provide: DOOR,
      inject: [DATABASE, PROVIDERS, CLOCK, METRICS],
      useFactory: (database: Database, providers: Providers, clock: Clock, metrics: Metrics) =>
        webhookDoor({ database, providers, clock, metrics }),
    },
  ],
})
export class WebhookModule {}
