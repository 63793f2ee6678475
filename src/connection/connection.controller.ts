import { Body, Controller, Delete, Get, Headers, HttpStatus, Inject, Param, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiHeader, ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type Request, type Response } from 'express';
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
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { entryOf } from '../provider/registry.js';
import { setCookie } from './attempt.js';
import { BeginAttempt, ConfirmAttempt, GivePassword } from './attempt.commands.js';
import { ConnectCalendar, type Reached, Reconnect, Revoke } from './connection.commands.js';
import {
  Confirmation,
  ConnectionList,
  ConnectionOrRedirect,
  ConnectionView,
  NewConnection,
  PasswordGiven,
  ProviderView,
  Reconnection,
  type Redirect,
} from './connection.contract.js';
import { GONE_FROM, MyConnections, SHOWN_IN } from './connections.query.js';
import { providersHere } from './providers.js';
import { type Reached as ReachedBy } from './return-address.js';

const Id = z.uuid();
type GivenCredentials = NonNullable<z.output<typeof NewConnection>['credentials']>;

/** How long a command's answer waits for the read models, in milliseconds. */
const PATIENCE = 2_000;
/** The same for what read models do not hold at all yet. */
const LONG_PATIENCE = 30_000;
/** In seconds. */
const RETRY_AFTER = 5;

const complete = (credentials: GivenCredentials) => ({ ...credentials, serverUrl: credentials.serverUrl ?? null });

const reachedBy = (request: Request): ReachedBy => ({
  host: request.host,
  secure: request.secure,
  port: request.socket.localPort ?? 0,
});

@ApiTags('connections')
@Controller('v1/calendar')
export class ConnectionController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
    @Inject(PROVIDERS) private readonly available: Providers,
  ) {}

  @Get('providers')
  @ApiOperation({ summary: 'List what can be connected' })
  @Answers(200, z.array(ProviderView), 'What can be connected, and how.')
  providers(): z.output<typeof ProviderView>[] {
    return providersHere(this.available);
  }

  @Post('connections')
  @ApiOperation({ summary: 'Connect an account' })
  @Answers(201, ConnectionOrRedirect, 'The connection; its first sync has begun. Or where the person is to be sent to connect it.')
  @Answers(202, ConnectionView, 'The same, while the read models still catch up.')
  async connect(
    @Body({ schema: NewConnection }) body: z.output<typeof NewConnection>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @CommandId() commandId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView | Redirect> {
    const { provider, consent = false, access, returnTo, credentials } = body;
    const { connect } = entryOf(provider);
    const isSignedIn = (this.available.get(provider)?.identity ?? null) !== null;
    if (connect.by === 'oauth' || (isSignedIn && credentials === undefined)) {
      const way = { reached: reachedBy(response.req), returnTo };
      const aim = { purpose: 'connect', provider, consent, access } as const;
      return this.redirect(new BeginAttempt(actor, aim, way, commandId), response, HttpStatus.CREATED);
    }
    if (consent && credentials === undefined)
      throw new Refused('connection.credentials-missing', 422, 'Send "credentials" with "username" and "password".');
    if (consent && connect.server === 'named' && credentials?.serverUrl === undefined)
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
  @ApiOperation({ summary: 'Connect an account again, in place' })
  @Answers(
    200,
    ConnectionOrRedirect,
    'The connection with its new credentials; calendars and settings are as before. Or where the person is to be sent.',
  )
  async reconnect(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: Reconnection }) { credentials, returnTo }: z.output<typeof Reconnection>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView | Redirect> {
    const commandId = commandIdOf(response.req);
    if (credentials === undefined) {
      const way = { reached: reachedBy(response.req), returnTo };
      const aim = { purpose: 'reconnect', connectionId: id } as const;
      return this.redirect(new BeginAttempt(actor, aim, way, commandId), response, HttpStatus.OK);
    }
    const reached = await this.commands.execute(new Reconnect(actor, id, complete(credentials), cause, commandId));
    return this.answer(actor, reached, response, HttpStatus.OK);
  }

  @Post('connections/:id/confirm')
  @ApiOperation({ summary: 'Confirm a sign-in from another browser' })
  @Answers(200, ConnectionView, 'The connection: what the calendar service had sent back is taken.')
  @Answers(202, ConnectionView, 'The same, while the read models still catch up.')
  async confirm(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: Confirmation }) body: z.output<typeof Confirmation>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    const reached = await this.commands.execute(new ConfirmAttempt(actor, id, body?.code ?? null, cause));
    return this.answer(actor, reached, response, HttpStatus.OK);
  }

  @Post('connections/:id/credentials')
  @ApiOperation({ summary: 'Give the password after a sign-in' })
  @Answers(200, ConnectionView, 'The connection: the password opens its calendars. While one is refused (422), another may be given.')
  @Answers(202, ConnectionView, 'The same, while the read models still catch up.')
  async password(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: PasswordGiven }) credentials: z.output<typeof PasswordGiven>,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConnectionView> {
    const reached = await this.commands.execute(new GivePassword({ actor, cause }, id, credentials));
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
    await this.readModels.reached(GONE_FROM, reached.written, PATIENCE);
    return this.answer(actor, reached, response, HttpStatus.ACCEPTED);
  }

  private async redirect(begin: BeginAttempt, response: Response, status: HttpStatus): Promise<Redirect> {
    const { tie, connectionId, authorizationUrl } = await this.commands.execute(begin);
    response.status(status).setHeader('Set-Cookie', setCookie(tie));
    return { connectionId, authorizationUrl };
  }

  /** Waits for the read models to have what a command wrote; when they lag, 202 says that the answer may be older. */
  private async answer(actor: Person, { connectionId, written }: Reached, response: Response, status: HttpStatus): Promise<ConnectionView> {
    const isShown = (patience: number): Promise<boolean> => this.readModels.reached(SHOWN_IN, written, patience);
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
    response.status(current ? status : HttpStatus.ACCEPTED);
    if (seen.revision !== null) response.setHeader('ETag', etag(seen.revision));
    return seen.view;
  }
}
