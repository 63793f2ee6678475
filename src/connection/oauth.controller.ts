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
import { Refused } from '../kernel/refused.js';
import { ProviderFault } from '../provider/calendar-provider.js';
import { cookieIn, setCookie } from './attempt.js';
import { type Browser, CompleteAttempt, GivePassword, type Outcome } from './attempt.commands.js';
import { SHOWN_IN } from './connections.query.js';
import { PAGE_STYLE, pageOf, passwordPage } from './oauth.page.js';
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
  if (outcome.kind === 'signed-in') return { 'signed-in': outcome.connectionId };
  return outcome.kind === 'pending' ? { pending: outcome.connectionId, confirm: outcome.confirm } : { error: outcome.code };
};

/** What an answer of an authorization server is made of (RFC 6749 4.1.2, RFC 9207), with what vendors add to it. */
const ANSWERED = new Set(['code', 'state', 'iss', 'scope', 'error', 'error_description', 'error_uri', 'error_subcode', 'admin_consent']);

const PasswordForm = z.object({
  attempt: z.uuid(),
  username: z.string().trim().min(1).max(320),
  password: z.string().trim().min(1).max(100),
});

/** What went wrong with a password, in words; null where it is no fault of it. `isAskedAgain`: another may be given. */
const inWords = (error: unknown): Readonly<{ code: string; detail: string; isAskedAgain: boolean }> | null => {
  if (error instanceof Refused && error.status < 500)
    return { code: error.code, detail: error.detail, isAskedAgain: error.code === 'connection.credentials-refused' };
  if (error instanceof ProviderFault)
    return { code: error.fault, detail: 'The calendars could not be read just now. Try again in a minute.', isAskedAgain: true };
  return null;
};

const show = (response: Response, status: HttpStatus, page: string, hasForm = false): void => {
  asPage(response, PAGE_STYLE, hasForm ? "'self'" : "'none'");
  response.status(status).type('html').send(page);
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
  @Answers(302, null, 'Back to `returnTo`, with `connected`, `signed-in`, `error`, or `pending` and `confirm` in its query.')
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
    if (outcome.kind === 'signed-in') response.setHeader('Set-Cookie', setCookie(outcome.tie));
    if (outcome.returnTo !== null) {
      response
        .status(HttpStatus.FOUND)
        .setHeader('Location', withOutcome(outcome.returnTo, outcomeIn(outcome)))
        .end();
      return;
    }
    const status = outcome.kind === 'refused' ? HttpStatus.BAD_REQUEST : HttpStatus.OK;
    show(response, status, pageOf(provider, outcome), outcome.kind === 'signed-in');
  }

  /**
   * A form from another site brings no cookie that is Lax; the navigation it is answered with does. Only what OAuth answers is passed on, because
   * addresses are kept in histories: a form may hold a person's name and tokens beside it.
   */
  @Post(':provider/callback')
  @ApiOperation({ summary: 'Come back by a form' })
  @Answers(303, null, 'To the same address, by GET, with what the form held.')
  form(@Param('provider', { schema: Vendor }) _provider: ProviderName, @Req() request: Request, @Res() response: Response): void {
    const fields = Object.entries((request.body ?? {}) as Readonly<Record<string, unknown>>);
    const query = new URLSearchParams(
      fields
        .filter(([name]) => ANSWERED.has(name))
        .flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, String(each)])),
    );
    response.status(HttpStatus.SEE_OTHER).setHeader('Location', `callback?${query.toString()}`).end();
  }

  /** From the page that this service shows after a sign-in; a form of another site brings no cookie, and is refused. */
  @Post(':provider/callback/password')
  @ApiOperation({ summary: 'Give the password on the page after a sign-in' })
  @ApiResponse({ status: 200, description: 'A page that says that the account is connected.', content: Page })
  @ApiResponse({ status: 400, description: 'A page that says that the sign-in is over, or why nothing was connected.', content: Page })
  @ApiResponse({ status: 422, description: 'The page again, because the password opens nothing.', content: Page })
  async password(
    @Param('provider', { schema: Vendor }) provider: ProviderName,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { success, data } = PasswordForm.safeParse(request.body);
    const { attempt: attemptId, ...credentials } = success ? data : { attempt: '', username: '', password: '' };
    try {
      if (!success) throw new Refused('oauth.expired', 404, 'This page was sent without what it asks for. Nothing was connected.');
      const reached = await this.commands.execute(new GivePassword({ browser: this.browserOf(request) }, attemptId, credentials));
      await this.readModels.reached(SHOWN_IN, reached.written, PATIENCE);
      const done = { kind: 'connected', provider, returnTo: null, purpose: 'connect', limited: false, reached } as const;
      show(response, HttpStatus.OK, pageOf(provider, done));
    } catch (error) {
      const problem = inWords(error);
      if (problem === null) throw error;
      const action = new URL(request.originalUrl, 'http://service').pathname;
      if (problem.isAskedAgain)
        show(
          response,
          HttpStatus.UNPROCESSABLE_ENTITY,
          passwordPage(provider, { attemptId, ...credentials, action, refused: problem.detail }),
          true,
        );
      else show(response, HttpStatus.BAD_REQUEST, pageOf(provider, { kind: 'refused', provider, returnTo: null, ...problem }));
    }
  }

  private browserOf(request: Request): Browser {
    return {
      cookie: (name) => cookieIn(request.headers.cookie, name),
      cause: (userId) => causeOf(this.vault, request, userId),
    };
  }
}
