import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { EngineAway } from '../../kernel/engine-away.js';
import { Contended, UnknownEvent, WrongRevision } from '../../kernel/event-store.js';
import { type Log } from '../../kernel/log.js';
import { Refused } from '../../kernel/refused.js';
import { KeyDestroyed } from '../../kernel/vault.js';
import { ProviderFault } from '../../provider/calendar-provider.js';
import { asData } from './answer-headers.helmet.js';
import { InvalidRequest } from './invalid-request.js';
import { type Documents } from './openapi.later.js';
import { correlationOf, pathOf } from './request.observer.js';

/** Answers every failure as `application/problem+json` (RFC 9457) with a stable `code`; an unforeseen error is a 500, logged once. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly methodsAt: Documents['methodsAt'],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const say = (failure: unknown): void => {
      this.answer(failure, request, response);
    };
    if (isUnknownRoute(error, request)) this.unknownRoute(request, response).then(say, say);
    else say(error);
  }

  private answer(error: unknown, request: Request, response: Response): void {
    const refused = asRefused(error);
    if (refused === null) this.log.error('A request failed with an unforeseen error', error);
    if (response.headersSent) {
      // Half an answer must not look like a whole one.
      response.destroy();
      return;
    }
    answer(request, response, refused ?? new Refused('internal', 500, 'Something went wrong here. Quote the traceId when you report it.'));
  }

  private async unknownRoute(request: Request, response: Response): Promise<Refused> {
    const methods = await this.methodsAt(pathOf(request));
    if (methods.length === 0) return new Refused('route.unknown', 404, 'There is nothing at this address; /docs lists what there is.');
    response.setHeader('Allow', methods.join(', '));
    return new Refused('route.method', 405, `This address answers ${methods.join(', ')}.`);
  }
}

const isUnknownRoute = (error: unknown, request: Request): boolean =>
  error instanceof HttpException && error.getStatus() === 404 && request.route === undefined;

/** Seconds; an engine that dies is back sooner. */
const SOON = 2;

/** Seconds an update of all processes takes. */
const UPDATED = 30;

const PASSING = new Set(['throttled', 'unavailable']);

/** What the caller is told about a failure; null for one that is our own fault. */
const asRefused = (error: unknown): Refused | null => {
  if (error instanceof Refused) return error;
  if (error instanceof EngineAway)
    return new Refused('service.unavailable', 503, 'Part of the service is starting again. Repeat the request in a moment.', SOON);
  if (error instanceof UnknownEvent)
    return new Refused(
      'service.outdated',
      503,
      'A newer version of the service has written here. Repeat the request in a moment.',
      UPDATED,
    );
  if (error instanceof WrongRevision)
    return new Refused('request.stale', 412, 'Somebody changed this meanwhile. Read it again and repeat.');
  if (error instanceof Contended)
    return new Refused('service.contended', 503, 'Too many requests change this at once. Repeat the request in a moment.', SOON);
  if (error instanceof ProviderFault)
    return new Refused(`provider.${error.fault}`, PASSING.has(error.fault) ? 503 : 502, error.detail, error.retryAfter);
  if (error instanceof KeyDestroyed)
    return new Refused('data.erased', 410, 'This was erased, and its key destroyed: nothing can read it any more.');
  const status = error instanceof HttpException ? error.getStatus() : parserStatus(error);
  return status !== null && status < 500
    ? (FROM_STATUS[status] ?? new Refused('request.refused', status, 'The request cannot be answered.'))
    : null;
};

const FROM_STATUS: Readonly<Record<number, Refused>> = {
  400: new Refused('request.malformed', 400, 'The body is not JSON, or the address is not well formed.'),
  413: new Refused('request.too-large', 413, 'The body is larger than this route takes.'),
  415: new Refused('request.unsupported', 415, 'Send JSON in UTF-8, as application/json.'),
};

/** Express' parsers throw plain errors with a status, made by the package http-errors. */
const parserStatus = (error: unknown): number | null => {
  const { status, expose } = error instanceof Error ? (error as Error & { status?: unknown; expose?: unknown }) : {};
  return typeof status === 'number' && expose === true ? status : null;
};

const CHALLENGES: Readonly<Record<string, string>> = {
  'auth.missing': 'Bearer',
  'auth.invalid': 'Bearer error="invalid_token"',
  'auth.ticket-invalid': 'Bearer',
  'auth.expired': 'Bearer error="invalid_token", error_description="The token has expired"',
};

const answer = (request: Request, response: Response, refused: Refused): void => {
  const { status, code, detail, retryAfter } = refused;
  const challenge = CHALLENGES[code];
  if (challenge !== undefined) response.setHeader('WWW-Authenticate', challenge);
  if (retryAfter !== null) response.setHeader('Retry-After', String(Math.ceil(retryAfter)));
  asData(response);
  // Set without Express, which would add a charset; JSON has none (RFC 8259 section 11).
  response.status(status).setHeader('Content-Type', 'application/problem+json');
  const problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Refused',
    status,
    code,
    detail,
    instance: pathOf(request),
    traceId: correlationOf(request),
    ...(refused instanceof InvalidRequest ? { errors: refused.mistakes } : {}),
    ...refused.members,
  };
  response.end(JSON.stringify(problem));
};
