import { Module } from '@nestjs/common';
import { AvailabilityController } from './availability.controller.js';
import { MyAvailabilityHandler, TeamsAvailabilityHandler } from './availability.query.js';
import { AvailabilityReader } from './availability.reader.js';

/** When people are busy, and when they are free together. */
@Module({
  controllers: [AvailabilityController],
  providers: [AvailabilityReader, MyAvailabilityHandler, TeamsAvailabilityHandler],
})
export class AvailabilityModule {}
