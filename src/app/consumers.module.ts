import { type DynamicModule, Module } from '@nestjs/common';
import { DirectoryConsumer } from '../directory/directory.consumer.js';
import { DIRECTORY_TOPIC } from '../directory/directory.contract.js';
import { INBOX, type Inbox } from '../kernel/broker.js';
import { LOG, type Log } from '../kernel/log.js';

/** What consumers of topics work with. */
type Ports = Readonly<{ inbox: Inbox; log: Log }>;

/** The topics that the consumers below have handlers for. */
export const CONSUMED: readonly string[] = [DIRECTORY_TOPIC];

/** The consumers of all slices, each with its handlers of `@EventPattern`. */
@Module({})
export class ConsumersModule {
  static with({ inbox, log }: Ports): DynamicModule {
    const providers = [
      { provide: INBOX, useValue: inbox },
      { provide: LOG, useValue: log },
    ];
    return { module: ConsumersModule, controllers: [DirectoryConsumer], providers };
  }
}
