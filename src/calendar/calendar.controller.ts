import { Body, Controller, Get, Headers, HttpStatus, Inject, Param, Patch, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { etag, expectedRevision } from '../infra/http/revision.js';
import { type Actor as Person } from '../kernel/actor.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { SyncNow, ToggleWrite } from './calendar.commands.js';
import { CalendarList, SettingsChange, SettingsView, SyncRequest, SyncStarted, SyncView } from './calendar.contract.js';
import { MyCalendars, type SeenCalendar } from './calendars.query.js';
import { OneSync } from './sync.query.js';

const Id = z.uuid();
const PATIENCE = 2_000;

const settingsOf = (seen: readonly SeenCalendar[]): SettingsView => ({
  calendars: seen
    .filter(({ view }) => view.adopted)
    .map(({ view: { calendarId, name, mode, writable } }) => ({ calendarId, name, mode, writable })),
});

@ApiTags('calendars')
@Controller('v1/calendar')
export class CalendarController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
  ) {}

  @Get('calendars')
  @Answers(200, CalendarList, 'The calendars of the person who asks.')
  async list(@Actor() actor: Person): Promise<z.output<typeof CalendarList>> {
    const seen = await this.queries.execute(new MyCalendars(actor));
    return { items: seen.map(({ view }) => view), nextCursor: null };
  }

  @Get('settings')
  @Answers(200, SettingsView, 'What may be done with each calendar.')
  async settings(@Actor() actor: Person): Promise<SettingsView> {
    return settingsOf(await this.queries.execute(new MyCalendars(actor)));
  }

  @Patch('settings')
  @Answers(200, SettingsView, 'The settings as they stand now. With a single calendar its revision is the ETag.')
  @Answers(202, SettingsView, 'The same, while the read models still catch up.')
  async change(
    @Body({ schema: SettingsChange }) { calendars }: z.output<typeof SettingsChange>,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: Person,
    @Headers('x-correlation-id') correlationId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SettingsView> {
    const expected = expectedRevision(ifMatch);
    let position: bigint | null = null;
    for (const { calendarId, mode } of calendars) {
      const toggled = await this.commands.execute(new ToggleWrite(actor, calendarId, mode, expected, correlationId));
      position = toggled.position ?? position;
      if (calendars.length === 1) response.setHeader('ETag', etag(toggled.revision));
    }
    const current = position === null || (await this.readModels.reached(['calendars'], position, PATIENCE));
    response.status(current ? HttpStatus.OK : HttpStatus.ACCEPTED);
    return settingsOf(await this.queries.execute(new MyCalendars(actor)));
  }

  @Post('sync')
  @Answers(202, SyncStarted, 'The calendars are being read; ask for the progress by this id.')
  async sync(
    @Body({ schema: SyncRequest }) { connectionId, calendarId, full }: z.output<typeof SyncRequest>,
    @Actor() actor: Person,
    @Res({ passthrough: true }) response: Response,
  ): Promise<z.output<typeof SyncStarted>> {
    const started = await this.commands.execute(
      new SyncNow(actor, { connectionId: connectionId ?? null, calendarId: calendarId ?? null }, full),
    );
    response.status(HttpStatus.ACCEPTED).setHeader('Location', `/v1/calendar/sync/${started.syncId}`);
    return started;
  }

  @Get('sync/:id')
  @Answers(200, SyncView, 'How the sync is getting on.')
  progress(@Param('id', { schema: Id }) id: string, @Actor() actor: Person): Promise<SyncView> {
    return this.queries.execute(new OneSync(actor, id));
  }
}
