import { Controller, Get, Inject } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { type Actor as Person } from '../kernel/actor.js';
import { CalendarList } from './calendar.contract.js';
import { MyCalendars } from './calendars.query.js';

@ApiTags('calendars')
@Controller('v1/calendar')
export class CalendarController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Get('calendars')
  @ApiOperation({ summary: 'List one’s calendars' })
  @Answers(200, CalendarList, 'The calendars of the person who asks.')
  async list(@Actor() actor: Person): Promise<z.output<typeof CalendarList>> {
    return { items: [...(await this.queries.execute(new MyCalendars(actor)))], nextCursor: null };
  }
}
