import { Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { z } from 'zod';
import { Answers } from '../infra/http/answers.openapi.js';
import { Public } from '../infra/http/auth.guard.js';
import { type Limits, LIMITS, Unlimited } from '../infra/http/limits.guard.js';
import { ApiOperation, ApiResponse, ApiTags } from '../infra/http/openapi.decorators.js';
import { Refused } from '../kernel/refused.js';
import { PROVIDER_NAMES, type ProviderName } from '../provider/names.js';
import { PROVIDERS, type Providers } from '../provider/calendar-provider.js';
import { type HeaderOf } from '../provider/push.js';
import { type Door } from './webhook.door.js';

/** DI token of the `Door`. */
export const DOOR = Symbol('Door');

const Vendor = z.enum(PROVIDER_NAMES);

const headerOf =
  ({ headers }: Request): HeaderOf =>
  (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };

const ASKED = {
  status: 200,
  description: 'The service asked whether the address takes its notifications; what it sent, as plain text.',
  content: { 'text/plain': { schema: { type: 'string', example: 'Validation: Testing client application reachability' } } },
};

/** One answer to every refusal, because a second one would tell strangers which channels there are. */
const refused = (): Refused => new Refused('webhook.unknown-channel', 404, 'This is no notification of a channel of this service.');

/**
 * Where calendar services tell of changes. Public: what proves a notification is the secret that its channel was opened with. Only what is refused counts
 * for the address it comes from, because a vendor sends everybody's notifications from few addresses.
 */
@Public()
@Unlimited()
@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhookController {
  constructor(
    @Inject(DOOR) private readonly take: Door,
    @Inject(LIMITS) private readonly limits: Limits,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  @Post(':provider')
  @HttpCode(204)
  @ApiOperation({ summary: 'Tell of a change in a calendar (for calendar services)' })
  @Answers(204, null, 'Taken, or known already.')
  @ApiResponse(ASKED)
  notify(
    @Param('provider', { schema: Vendor }) provider: ProviderName,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<string | undefined> {
    return this.answer(provider, request, response);
  }

  @Post(':provider/lifecycle')
  @HttpCode(204)
  @ApiOperation({ summary: 'Tell of a channel that ends (for calendar services)' })
  @Answers(204, null, 'Taken, or known already.')
  @ApiResponse(ASKED)
  lifecycle(
    @Param('provider', { schema: Vendor }) provider: ProviderName,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<string | undefined> {
    return this.answer(provider, request, response);
  }

  /** What is asked is answered at once, because a service waits for it seconds at most; nothing is looked up, and nothing written. */
  private async answer(provider: ProviderName, request: Request, response: Response): Promise<string | undefined> {
    const asked = this.providers.get(provider)?.push?.handshake?.(new URL(request.originalUrl, 'http://service').searchParams) ?? null;
    if (asked !== null) {
      response.status(200).type('text/plain');
      return asked;
    }
    if (await this.take({ provider, header: headerOf(request), body: request.body as unknown })) return undefined;
    this.limits.anonymous(request, response);
    throw refused();
  }
}
