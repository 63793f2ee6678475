import { Body, Controller, Get, HttpStatus, Inject, Param, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { type Response } from 'express';
import { z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { CommandId } from '../infra/http/idempotency.interceptor.js';
import { ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type Actor as Person } from '../kernel/actor.js';
import { SyncNow } from './sync.commands.js';
import { SyncRequest, SyncStarted, SyncView } from './sync.contract.js';
import { OneSync } from './sync.query.js';

const Id = z.uuid();

@ApiTags('calendars')
@Controller('v1/calendar/sync')
export class SyncController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Sync now' })
  @Answers(202, SyncStarted, 'The calendars are being read; ask for the progress by this id.')
  async sync(
    @Body({ schema: SyncRequest }) { connectionId, calendarId, full }: z.output<typeof SyncRequest>,
    @Actor() actor: Person,
    @CommandId() commandId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<z.output<typeof SyncStarted>> {
    const started = await this.commands.execute(
      new SyncNow(actor, { connectionId: connectionId ?? null, calendarId: calendarId ?? null }, full, commandId),
    );
    response.status(HttpStatus.ACCEPTED).setHeader('Location', `/v1/calendar/sync/${started.syncId}`);
    return started;
  }

  @Get(':id')
  @ApiOperation({ summary: 'Follow a sync' })
  @Answers(200, SyncView, 'How the sync is getting on.')
  progress(@Param('id', { schema: Id }) id: string, @Actor() actor: Person): Promise<SyncView> {
    return this.queries.execute(new OneSync(actor, id));
  }
}
