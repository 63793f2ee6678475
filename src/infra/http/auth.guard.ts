import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  Optional,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from './openapi.decorators.js';
import { type Request } from 'express';
import { type Actor as Person } from '../../kernel/actor.js';
import { Refused } from '../../kernel/refused.js';
import { type Tickets, TICKETS } from './tickets.sql.js';
import { expiryOf, type Tokens, TOKENS } from './tokens.jose.js';

const PUBLIC = 'juy:public';

/** A route, or all routes of a controller, that answers without a token. */
export const Public = () => applyDecorators(SetMetadata(PUBLIC, true), ApiSecurity({}));

const BY_TICKET = 'juy:by-ticket';

/** A route that takes `?ticket=` instead of a token. */
export const AcceptsTicket = () => SetMetadata(BY_TICKET, true);

/** By what right a request passed, for answers that outlive it. */
export type Grant = Readonly<{
  actor: Person;
  /** Milliseconds since the epoch. */
  until: number;
  /** Whether the token is still good: throws `Refused` as the guard would. */
  recheck: () => Promise<unknown>;
}>;

// Beside the request, not on it: no client and no parser can put an actor there.
const grants = new WeakMap<Request, Grant>();

/** Who makes a request; null on a public route. */
export const actorOf = (request: Request): Person | null => grants.get(request)?.actor ?? null;

const grantOf = (context: ExecutionContext): Grant => {
  const grant = grants.get(context.switchToHttp().getRequest<Request>());
  if (grant === undefined) throw new Error('A public route asked for its actor');
  return grant;
};

/** The parameter that says who asks: `@Actor() actor: Person`. Only on routes that are not `@Public()`. */
export const Actor = createParamDecorator((_data: unknown, context: ExecutionContext): Person => grantOf(context).actor);

/** The parameter that says who asks and how long they may, for streams. */
export const Granted = createParamDecorator((_data: unknown, context: ExecutionContext): Grant => grantOf(context));

const isMarked = (reflector: Reflector, mark: string, context: ExecutionContext): boolean =>
  reflector.getAllAndOverride<boolean | undefined>(mark, [context.getHandler(), context.getClass()]) === true;

/** By what right requests are made. Each request is looked at once, because a ticket is good for one look. */
@Injectable()
export class Rights {
  private readonly found = new WeakMap<Request, Promise<Grant>>();

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TOKENS) private readonly tokens: Tokens,
    @Optional() @Inject(TICKETS) private readonly tickets: Tickets | null,
  ) {}

  /** Null on a public route; rejects with `Refused` when the token or ticket is missing or not good (401). */
  of(context: ExecutionContext): Promise<Grant> | null {
    if (isMarked(this.reflector, PUBLIC, context)) return null;
    const request = context.switchToHttp().getRequest<Request>();
    const grant = this.found.get(request) ?? this.look(request, isMarked(this.reflector, BY_TICKET, context));
    this.found.set(request, grant);
    return grant;
  }

  /** RFC 6750. */
  private async look(request: Request, acceptsTicket: boolean): Promise<Grant> {
    const { ticket } = request.query;
    if (typeof ticket === 'string' && acceptsTicket) return this.byTicket(ticket);
    const { authorization } = request.headers;
    if (authorization === undefined) throw new Refused('auth.missing', 401, 'Send a bearer token in the Authorization header.');
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Refused('auth.invalid', 401, 'The Authorization header must be `Bearer`, a blank and the token.');
    const actor = await this.tokens.verify(token);
    return { actor, until: expiryOf(token), recheck: () => this.tokens.verify(token) };
  }

  private async byTicket(ticket: string): Promise<Grant> {
    if (this.tickets === null) throw new Error('A route takes tickets where there are none');
    return { ...(await this.tickets.redeem(ticket)), recheck: () => Promise.resolve() };
  }
}

/** Guards every route: a request passes when its token or ticket is good, or the route is public. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(@Inject(Rights) private readonly rights: Rights) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const grant = await this.rights.of(context);
    if (grant !== null) grants.set(context.switchToHttp().getRequest<Request>(), grant);
    return true;
  }
}
