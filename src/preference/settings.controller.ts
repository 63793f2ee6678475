import { Body, Controller, Get, Headers, HttpStatus, Inject, Patch, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiHeader, ApiOperation, ApiTags } from '../infra/http/openapi.decorators.js';
import { type Response } from 'express';
import { Answers } from '../infra/http/answers.openapi.js';
import { Actor } from '../infra/http/auth.guard.js';
import { RequestCause } from '../infra/http/cause.interceptor.js';
import { ENTITY_TAG, expectedTag } from '../infra/http/revision.js';
import { setCookie } from '../connection/attempt.js';
import { ScopeMissing, WIDENING, type Widening } from '../connection/widening.js';
import { type Actor as Person } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { type ChangedSettings, ChangeSettings } from './settings.commands.js';
import { SettingsChange, SettingsView } from './settings.contract.js';
import { MySettings } from './settings.query.js';

/** Milliseconds a change waits for the read models. */
const PATIENCE = 2_000;

type Asked = readonly [actor: Person, returnTo: string | undefined, response: Response];

@ApiTags('settings')
@Controller('v1/calendar/settings')
export class SettingsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
    @Inject(WIDENING) private readonly widening: Widening,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Read one’s settings' })
  @Answers(200, SettingsView, 'What the person who asks chose, for each calendar and for themselves. The ETag stands for all of it.')
  async read(@Actor() actor: Person, @Res({ passthrough: true }) response: Response): Promise<SettingsView> {
    const { view, tag } = await this.queries.execute(new MySettings(actor));
    response.setHeader('ETag', tag);
    return view;
  }

  @Patch()
  @ApiHeader({ name: 'if-match', required: false, schema: ENTITY_TAG })
  @ApiOperation({ summary: 'Change one’s settings' })
  @Answers(200, SettingsView, 'The settings as they stand now, with their new ETag.')
  @Answers(202, SettingsView, 'The same, while the read models still catch up.')
  @Answers(409, null, '`calendar.scope-missing`: the owner has not granted writing; `authorizationUrl` is where they do.')
  async change(
    @Body({ schema: SettingsChange }) change: SettingsChange,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: Person,
    @RequestCause() cause: Cause,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SettingsView> {
    const changed = await this.commands
      .execute(new ChangeSettings(actor, change, expectedTag(ifMatch), cause))
      .catch(async (error: unknown) => {
        if (!(error instanceof ScopeMissing)) throw error;
        throw await this.widened(error, actor, change.returnTo, response);
      });
    response.status((await this.reached(actor, changed)) ? HttpStatus.OK : HttpStatus.ACCEPTED);
    return this.read(actor, response);
  }

  /** The refusal with the address at which the person grants what is missing; the attempt is tied to the browser that asked. */
  private async widened({ connectionId }: ScopeMissing, ...[actor, returnTo, response]: Asked): Promise<ScopeMissing> {
    const { req } = response;
    const reached = { host: req.host, secure: req.secure, port: req.socket.localPort ?? 0 };
    const { authorizationUrl, tie } = await this.widening({ actor, connectionId, reached, returnTo });
    response.setHeader('Set-Cookie', setCookie(tie));
    return new ScopeMissing(connectionId, { authorizationUrl });
  }

  private async reached({ userId }: Person, { written, shownIn, placesAgain }: ChangedSettings): Promise<boolean> {
    if (!(await this.readModels.reached(shownIn, written, PATIENCE))) return false;
    return !placesAgain || this.readModels.placed(userId, PATIENCE);
  }
}
