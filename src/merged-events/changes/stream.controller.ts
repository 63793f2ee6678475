import { Controller, Get, Head, Headers, HttpCode, Inject, Post, Query, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiProduces, ApiTags } from '../../infra/http/openapi.decorators.js';
import { type Response } from 'express';
import { type z } from 'zod';
import { Answers } from '../../infra/http/answers.openapi.js';
import { AcceptsTicket, type Grant, Granted } from '../../infra/http/auth.guard.js';
import { type Tickets, TICKETS } from '../../infra/http/tickets.sql.js';
import { type Clock, CLOCK, instant } from '../../kernel/clock.js';
import { READ_MODELS, type ReadModels } from '../../kernel/projection.js';
import { DATABASE, type Database } from '../../kernel/sql.js';
import { StreamFilter, StreamText, TicketView } from './stream.contract.js';
import { StreamHub } from './stream.hub.js';
import { StreamSession } from './stream.session.js';
import { openStream } from './stream.writer.js';

/** After which pause a browser connects again, in milliseconds. */
const RETRY = 2_000;

@ApiTags('stream')
@Controller('v1/calendar/stream')
export class StreamController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(TICKETS) private readonly tickets: Tickets,
    @Inject(StreamHub) private readonly hub: StreamHub,
  ) {}

  @Post('ticket')
  @HttpCode(201)
  @ApiOperation({ summary: 'Get a ticket for the stream' })
  @Answers(201, TicketView, 'What to send as `?ticket=`: once, within a minute.')
  async ticket(@Granted() grant: Grant): Promise<z.output<typeof TicketView>> {
    const { ticket, expiresAt } = await this.tickets.issue(grant.actor, grant.until);
    return { ticket, expiresAt: instant(expiresAt) };
  }

  /** Without it HEAD would reach the route of GET, never end, and count as a listener. */
  @Head()
  @AcceptsTicket()
  @ApiExcludeEndpoint()
  head(@Res() response: Response): void {
    openStream(response, RETRY).end();
  }

  @Get()
  @AcceptsTicket()
  @ApiProduces('text/event-stream')
  @ApiOperation({ summary: 'Listen to what changes' })
  @Answers(
    200,
    StreamText,
    'Server-sent events: `events-changed`, `calendar-changed` (read that calendar again), `connection-changed`, `sync-progress`, and `resync` when ' +
      'the place to resume at is too old.',
  )
  async stream(
    @Query({ schema: StreamFilter }) filter: z.output<typeof StreamFilter>,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Granted() { actor: { userId }, until, recheck }: Grant,
    @Res() response: Response,
  ): Promise<void> {
    let session: StreamSession | null = null;
    const follower = {
      userId,
      wake: (): void => session?.wake(),
      end: (): void => {
        if (session === null) response.destroy();
        else session.end();
      },
    };
    // Joined before the first look, so that nothing falls between the two.
    const leave = this.hub.join(follower);
    response.once('close', () => {
      leave();
      session?.end();
    });
    const writer = openStream(response, RETRY);
    const after = lastEventId ?? filter.lastEventId ?? null;
    session = await StreamSession.open(
      { database: this.database, readModels: this.readModels, clock: this.clock },
      { userId, until, recheck },
      writer,
      after,
    );
    await session.run();
  }
}
