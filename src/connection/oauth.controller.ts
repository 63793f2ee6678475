import { Controller, Get, HttpStatus, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type Request, type Response } from 'express';
import { z } from 'zod';
import { asPage } from '../infra/http/answer-headers.helmet.js';
import { Answers } from '../infra/http/answers.openapi.js';
import { Public } from '../infra/http/auth.guard.js';
import { causeOf } from '../infra/http/cause.interceptor.js';
import { ApiOperation, ApiResponse, ApiTags } from '../infra/http/openapi.decorators.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { type ProviderName } from '../provider/names.js';
import { cookieIn } from './attempt.js';
import { type Browser, CompleteAttempt, type Outcome } from './attempt.commands.js';
import { SHOWN_IN } from './connections.query.js';
import { PAGE_STYLE, pageOf } from './oauth.page.js';
import { BY_REDIRECT } from './providers.js';
import { withOutcome } from './return-address.js';

const Vendor = z.enum(BY_REDIRECT);

/** Milliseconds a person waits for the read models before they are sent on. */
const PATIENCE = 2_000;

/** An HTML page, for the API's document. */
const Page = {
  'text/html': { schema: { type: 'string', example: '<!doctype html><title>Your Google Calendar account is connected – Juy</title>' } },
};

const outcomeIn = (outcome: Outcome): Readonly<Record<string, string>> => {
  if (outcome.kind === 'connected') return { connected: outcome.reached.connectionId };
  return outcome.kind === 'pending' ? { pending: outcome.connectionId, confirm: outcome.confirm } : { error: outcome.code };
};

/** Where vendors send people back to. Public: what lets a request do anything is the state of an attempt, and the cookie of the browser that began it. */
@Public()
@ApiTags('connections')
@Controller('v1/calendar/oauth')
export class OAuthController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
    @Inject(VAULT) private readonly vault: Vault,
  ) {}

  @Get(':provider/callback')
  @ApiOperation({ summary: 'Come back from a vendor’s pages' })
  @ApiResponse({ status: 200, description: 'A page that says what happened, where the attempt named no `returnTo`.', content: Page })
  @Answers(302, null, 'Back to `returnTo`, with `connected`, `error`, or `pending` and `confirm` in its query.')
  @ApiResponse({ status: 400, description: 'A page that says why nothing was connected.', content: Page })
  async back(
    @Param('provider', { schema: Vendor }) provider: ProviderName,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    // Express answers HEAD by this method too, and an answer is good for one look.
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const { searchParams } = new URL(request.originalUrl, 'http://service');
    const outcome = await this.commands.execute(new CompleteAttempt(provider, searchParams, this.browserOf(request)));
    if (outcome.kind === 'connected') await this.readModels.reached(SHOWN_IN, outcome.reached.written, PATIENCE);
    if (outcome.returnTo !== null) {
      response
        .status(HttpStatus.FOUND)
        .setHeader('Location', withOutcome(outcome.returnTo, outcomeIn(outcome)))
        .end();
      return;
    }
    asPage(response, PAGE_STYLE);
    response
      .status(outcome.kind === 'refused' ? HttpStatus.BAD_REQUEST : HttpStatus.OK)
      .type('html')
      .send(pageOf(provider, outcome));
  }

  /** A form from another site brings no cookie that is Lax; the navigation it is answered with does. */
  @Post(':provider/callback')
  @ApiOperation({ summary: 'Come back by a form' })
  @Answers(303, null, 'To the same address, by GET, with what the form held.')
  form(@Param('provider', { schema: Vendor }) _provider: ProviderName, @Req() request: Request, @Res() response: Response): void {
    const fields = Object.entries((request.body ?? {}) as Readonly<Record<string, unknown>>);
    const query = new URLSearchParams(
      fields.flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, String(each)])),
    );
    response.status(HttpStatus.SEE_OTHER).setHeader('Location', `callback?${query.toString()}`).end();
  }

  private browserOf(request: Request): Browser {
    return {
      cookie: (name) => cookieIn(request.headers.cookie, name),
      cause: (userId) => causeOf(this.vault, request, userId),
    };
  }
}
