import { randomUUID } from 'node:crypto';
import {
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { type Request, type Response } from 'express';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { Refused } from '../../kernel/refused.js';
import { actorOf } from './auth.guard.js';
import { type Attempt, type Idempotency, IDEMPOTENCY, type KeptAnswer } from './idempotency.sql.js';
import { InvalidRequest } from './invalid-request.js';
import { pathOf } from './request.observer.js';

const commandIds = new WeakMap<Request, string>();

/**
 * What names the command a POST is turned into: made of its `Idempotency-Key`, so that a repeated request is recognised as one that was handled,
 * else a new UUID.
 */
export const commandIdOf = (request: Request): string => commandIds.get(request) ?? randomUUID();

/** The same as a parameter of a route. */
export const CommandId = createParamDecorator((_data: unknown, context: ExecutionContext): string =>
  commandIdOf(context.switchToHttp().getRequest<Request>()),
);

/** Headers of an answer that a client acts on. A cookie is among them: a lost answer's browser gets it with the repeated one. */
const KEPT = ['etag', 'location', 'set-cookie'];

/** The key in a header, which the draft writes in quotes and most clients do not. */
const keyIn = (header: string | readonly string[]): string => {
  const key = typeof header === 'string' ? (/^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim()) : '';
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new InvalidRequest([{ path: 'Idempotency-Key', message: 'must be 1 to 255 letters, digits or signs, without blanks' }]);
  return key;
};

/** A request that was understood and refused has done nothing; after a failure it is unknown. */
const didNothing = (error: unknown): boolean =>
  error instanceof Refused ? error.status < 500 : error instanceof HttpException && error.getStatus() < 500;

const answered = (response: Response, body: unknown): KeptAnswer => ({
  status: response.statusCode,
  headers: Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = response.getHeader(name);
      return value === undefined ? [] : [[name, String(value)]];
    }),
  ),
  body,
});

/** Honours `Idempotency-Key` on every POST of a known person: what has been answered once is answered again, and done no second time. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(@Optional() @Inject(IDEMPOTENCY) private readonly idempotency: Idempotency | null) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const header = request.headers['idempotency-key'];
    const actor = actorOf(request);
    if (this.idempotency === null || request.method !== 'POST' || header === undefined || actor === null) return next.handle();
    const begun = await this.idempotency.begin({
      userId: actor.userId,
      key: keyIn(header),
      route: `POST ${pathOf(request)}`,
      body: request.body as unknown,
    });
    if ('attempt' in begun) return of(await this.carryOut(begun.attempt, request, response, next));
    const { status, headers, body } = begun.answer;
    response.status(status).set(headers).setHeader('Idempotency-Replayed', 'true');
    return of(body);
  }

  private async carryOut(attempt: Attempt, request: Request, response: Response, next: CallHandler): Promise<unknown> {
    commandIds.set(request, attempt.commandId);
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle());
    } catch (error) {
      await attempt.giveUp(didNothing(error));
      throw error;
    }
    await attempt.finish(answered(response, body));
    return body;
  }
}
