import { Module } from '@nestjs/common';
import { ChangesController } from './changes/changes.controller.js';
import { MyChangesHandler } from './changes/changes.query.js';
import { StreamController } from './changes/stream.controller.js';
import { StreamHub } from './changes/stream.hub.js';
import { EventsController } from './events.controller.js';
import { MergedEventsHandler } from './events.query.js';

/** The events of all calendars of a person as one, and what changes in them. */
@Module({
  controllers: [EventsController, ChangesController, StreamController],
  providers: [MergedEventsHandler, MyChangesHandler, StreamHub],
})
export class MergedEventsModule {}
