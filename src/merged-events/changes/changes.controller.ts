import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiTags } from '../../infra/http/openapi.decorators.js';
import { type z } from 'zod';
import { Answers } from '../../infra/http/answers.openapi.js';
import { Actor } from '../../infra/http/auth.guard.js';
import { type Actor as Person } from '../../kernel/actor.js';
import { ChangeFilter, ChangePage } from './changes.contract.js';
import { MyChanges } from './changes.query.js';

@ApiTags('events')
@Controller('v1/calendar')
export class ChangesController {
  constructor(@Inject(QueryBus) private readonly queries: QueryBus) {}

  @Get('changes')
  @ApiOperation({ summary: 'Read what changed' })
  @Answers(200, ChangePage, 'What changed since a cursor, in order, each difference at least once; 410 when the cursor is too old.')
  list(@Query({ schema: ChangeFilter }) { after, limit }: z.output<typeof ChangeFilter>, @Actor() actor: Person): Promise<ChangePage> {
    return this.queries.execute(new MyChanges(actor, after ?? null, limit));
  }
}
