import { Body, Controller, Delete, Get, Headers, HttpStatus, Inject, Param, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiHeader, ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type Response } from 'express';
import { z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { RequestCause } from '../infra/http/cause.interceptor.js';
import { CommandId, commandIdOf } from '../infra/http/idempotency.interceptor.js';
import { etag, expectedRevision, REVISION_TAG } from '../infra/http/revision.js';
import { type Actor as Person } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { Refused } from '../kernel/refused.js';
import { ConnectCalendar, type Reached, Reconnect, Revoke } from './connection.commands.js';
import { ConnectionList, ConnectionView, NewConnection, NewCredentials, ProviderView } from './connection.contract.js';
import { MyConnections } from './connections.query.js';
import { PROVIDER_LIST } from './providers.js';

const Id = z.uuid();
type GivenCredentials = NonNullable<z.output<typeof NewConnection>['credentials']>;

/** The read models a command's answer is read from, and how long it waits for them. */
const READ_FROM = ['connections', 'calendars', 'schedule', 'user_calendar_events'];
const PATIENCE = 2_000;
/** The same for what read models do not hold at all yet. */
const LONG_PATIENCE = 30_000;
/** In seconds. */
const RETRY_AFTER = 5;

const complete = (credentials: GivenCredentials) => ({ ...credentials, serverUrl: credentials.serverUrl ?? null });

@ApiTags('connections')
@Controller('v1/calendar')
export class ConnectionController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
  ) {}

  @Get('providers')
  @ApiOperation({ summary: 'List what can be connected' })
  @Answers(200, z.array(ProviderView), 'What can be connected, and how.')
  providers(): z.output<typeof ProviderView>[] {
    return [...PROVIDER_LIST];
  }

  @Post('connections')
  @ApiOperation({ summary: 'Connect an account' })
  @Answers(201, ConnectionView, 'The connection; its first sync has begun.')
  @Answers(202, ConnectionView, 'The same, while the read models still catch up.')
  async connect(
    @Body({ schema: NewConnection }) body: z.output<typeof NewConnection>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @CommandId() commandId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    const { provider, consent = false, access, credentials } = body;
    if (provider === 'google' || provider === 'microsoft')
      throw new Refused('provider.not-available', 422, 'This provider is not configured here; apple and caldav are.');
    if (consent && credentials === undefined)
      throw new Refused('connection.credentials-missing', 422, 'Send "credentials" with "username" and "password".');
    if (consent && provider === 'caldav' && credentials?.serverUrl === undefined)
      throw new Refused('connection.server-missing', 422, 'Send "credentials.serverUrl", the address of the CalDAV server.');
    const given = complete(credentials ?? { username: '', password: '' });
    const reached = await this.commands.execute(
      new ConnectCalendar(actor, { provider, consent, access, credentials: given }, cause, commandId),
    );
    return this.answer(actor, reached, response, HttpStatus.CREATED);
  }

  @Get('connections')
  @ApiOperation({ summary: 'List one’s connections' })
  @Answers(200, ConnectionList, 'The connections of the person who asks; revoked ones only by id.')
  async list(@Actor() actor: Person): Promise<z.output<typeof ConnectionList>> {
    const seen = await this.queries.execute(new MyConnections(actor, null));
    return { items: seen.map(({ view }) => view), nextCursor: null };
  }

  @Get('connections/:id')
  @ApiOperation({ summary: 'Look at a connection' })
  @Answers(200, ConnectionView, 'The connection as it stands.')
  async one(
    @Param('id', { schema: Id }) id: string,
    @Actor() actor: Person,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    return this.answer(actor, { connectionId: id, written: {} }, response, HttpStatus.OK);
  }

  @Post('connections/:id/reconnect')
  @ApiOperation({ summary: 'Give new credentials' })
  @Answers(200, ConnectionView, 'The connection with its new credentials; calendars and settings are as before.')
  async reconnect(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: NewCredentials }) body: z.output<typeof NewCredentials>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    const reached = await this.commands.execute(new Reconnect(actor, id, complete(body.credentials), cause, commandIdOf(response.req)));
    return this.answer(actor, reached, response, HttpStatus.OK);
  }

  @Delete('connections/:id')
  @ApiHeader({ name: 'if-match', required: false, schema: REVISION_TAG })
  @ApiOperation({ summary: 'Revoke a connection' })
  @Answers(202, ConnectionView, 'Revoked: nothing more is read; secrets, keys and data are gone within seconds.')
  async revoke(
    @Param('id', { schema: Id }) id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    const reached = await this.commands.execute(new Revoke(actor, id, expectedRevision(ifMatch), cause));
    return this.answer(actor, reached, response, HttpStatus.ACCEPTED);
  }

  /** Waits for the read models to have what a command wrote; when they lag, 202 says that the answer may be older. */
  private async answer(actor: Person, { connectionId, written }: Reached, response: Response, status: HttpStatus): Promise<ConnectionView> {
    const isShown = (patience: number): Promise<boolean> => this.readModels.reached(READ_FROM, written, patience);
    const show = async () => (await this.queries.execute(new MyConnections(actor, connectionId)))[0];
    let current = await isShown(PATIENCE);
    const seen = await show().catch(async (error: unknown) => {
      // A connection that was just made: there is nothing older to answer with.
      if (current || !(error instanceof Refused)) throw error;
      current = await isShown(LONG_PATIENCE);
      if (!current) throw new Refused('service.unavailable', 503, 'It is done, and cannot be shown yet.', RETRY_AFTER);
      return show();
    });
    if (seen === undefined) throw new Refused('connection.unknown', 404, 'There is no such connection.');
    response.status(current ? status : HttpStatus.ACCEPTED).setHeader('ETag', etag(seen.revision));
    return seen.view;
  }
}
