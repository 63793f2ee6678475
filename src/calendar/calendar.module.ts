import { Module } from '@nestjs/common';
import { CalendarController } from './calendar.controller.js';
import { MyCalendarsHandler } from './calendars.query.js';
import { CALENDAR_CHOICES } from './choose.js';
import { ChooseHandler } from './choose.handler.js';

/** The calendars of people's accounts, and what their owners choose for them. */
@Module({
  controllers: [CalendarController],
  providers: [MyCalendarsHandler, { provide: CALENDAR_CHOICES, useClass: ChooseHandler }],
  exports: [CALENDAR_CHOICES],
})
export class CalendarModule {}
