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
import { type Request, type Response } from 'express';
import { type Actor as Person, type RoleOfPerson } from '../../kernel/actor.js';
import { Refused } from '../../kernel/refused.js';
import { TEAMS, type Teams } from '../../kernel/teams.js';
import { type Limits, LIMITS } from './limits.guard.js';
import { type Tickets, TICKETS } from './tickets.sql.js';
import { expiryOf, type Tokens, TOKENS } from './tokens.jose.js';

const PUBLIC = 'juy:public';

/** A route, or all routes of a controller, that answers without a token. */
export const Public = () => applyDecorators(SetMetadata(PUBLIC, true), ApiSecurity({}));

const UNLIMITED = 'juy:unlimited';

/** Routes that are not counted: probes ask again and again. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

const ROLE = 'juy:role';

/** A route, or all routes of a controller, for people with this role; without it, for people with the role `user`. */
export const Requires = (role: RoleOfPerson) => SetMetadata(ROLE, role);

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

/** Lets a request pass when its bearer token is valid (RFC 6750) and names the role its route asks for, or the route is public. Guards every route. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TOKENS) private readonly tokens: Tokens,
    @Inject(TEAMS) private readonly teams: Teams,
    @Optional() @Inject(TICKETS) private readonly tickets: Tickets | null,
    @Inject(LIMITS) private readonly limits: Limits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    if (this.has(PUBLIC, context)) {
      if (!this.has(UNLIMITED, context)) this.limits.anonymous(request, response);
      return true;
    }
    const grant = await this.grantFor(request, context).catch((error: unknown) => {
      // Whoever guesses is told so only so often.
      if (error instanceof Refused && error.status === 401) this.limits.anonymous(request, response);
      throw error;
    });
    this.limits.person(grant.actor.userId, response);
    const role = this.reflector.getAllAndOverride<RoleOfPerson | undefined>(ROLE, [context.getHandler(), context.getClass()]) ?? 'user';
    if (!grant.actor.roles.includes(role)) throw new Refused('auth.role-missing', 403, `This needs a token with the role ${role}.`);
    await this.teams.remember(grant.actor);
    grants.set(request, grant);
    return true;
  }

  private has(mark: string, context: ExecutionContext): boolean {
    return this.reflector.getAllAndOverride<boolean | undefined>(mark, [context.getHandler(), context.getClass()]) === true;
  }

  private async grantFor(request: Request, context: ExecutionContext): Promise<Grant> {
    const { ticket } = request.query;
    if (typeof ticket === 'string' && this.has(BY_TICKET, context)) return this.byTicket(ticket);
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
