import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { RequestCause } from '../infra/http/cause.interceptor.js';
import { type Actor as Person } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { rangeOf } from '../merged-events/range.js';
import { AvailabilityFilter, AvailabilityRequest, OwnAvailability, TeamAvailability } from './availability.contract.js';
import { MyAvailability, TeamsAvailability } from './availability.query.js';

@ApiTags('availability')
@Controller('v1/calendar/availability')
export class AvailabilityController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Get()
  @ApiOperation({ summary: 'When one is busy' })
  @Answers(200, OwnAvailability, 'When the person who asks is busy, and when that is unknown; all their visible calendars together.')
  mine(
    @Query({ schema: AvailabilityFilter }) { range }: z.output<typeof AvailabilityFilter>,
    @Actor() actor: Person,
  ): Promise<OwnAvailability> {
    return this.queries.execute(new MyAvailability(actor, rangeOf(range)));
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'When people of one’s teams are busy, and could meet' })
  @Answers(
    200,
    TeamAvailability,
    'When each of them is busy, when that is unknown, and the slots asked for. Never what they are busy with.',
  )
  ofTeam(
    @Body({ schema: AvailabilityRequest }) asked: AvailabilityRequest,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
  ): Promise<TeamAvailability> {
    return this.queries.execute(new TeamsAvailability(actor, rangeOf(asked.range), asked, cause));
  }
}
