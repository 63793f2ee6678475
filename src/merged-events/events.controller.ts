import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { type Actor as Person } from '../kernel/actor.js';
import { readCursor } from './event-cursor.js';
import { EventFilter, EventPage } from './events.contract.js';
import { MergedEvents } from './events.query.js';
import { rangeOf } from './range.js';

@ApiTags('events')
@Controller('v1/calendar')
export class EventsController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Get('events')
  @ApiOperation({ summary: 'Read the merged calendar' })
  @Answers(200, EventPage, 'A page of the merged calendar, ordered by start, and how far each calendar can be trusted.')
  async list(@Query({ schema: EventFilter }) filter: z.output<typeof EventFilter>, @Actor() actor: Person): Promise<EventPage> {
    const { range, provider, calendarId, cursor, limit } = filter;
    return this.queries.execute(
      new MergedEvents(actor, {
        range: rangeOf(range),
        provider: provider ?? null,
        calendarId: calendarId ?? null,
        cursor: cursor === undefined ? null : readCursor(cursor),
        limit,
      }),
    );
  }
}
