import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import { type Request } from 'express';
import { type Actor as Person, type RoleOfPerson } from '../../kernel/actor.js';
import { Refused } from '../../kernel/refused.js';
import { TEAMS, type Teams } from '../../kernel/teams.js';
import { type Tokens, TOKENS } from './tokens.jose.js';

const PUBLIC = 'juy:public';

/** A route, or all routes of a controller, that answers without a token. */
export const Public = () => applyDecorators(SetMetadata(PUBLIC, true), ApiSecurity({}));

const ROLE = 'juy:role';

/** A route, or all routes of a controller, for people with this role; without it, for people with the role `user`. */
export const Requires = (role: RoleOfPerson) => SetMetadata(ROLE, role);

// Beside the request, not on it: no client and no parser can put an actor there.
const actors = new WeakMap<Request, Person>();

/** The parameter that says who asks: `@Actor() actor: Person`. Only on routes that are not `@Public()`. */
export const Actor = createParamDecorator((_data: unknown, context: ExecutionContext): Person => {
  const actor = actors.get(context.switchToHttp().getRequest<Request>());
  if (actor === undefined) throw new Error('A public route asked for its actor');
  return actor;
});

/** Lets a request pass when its bearer token is valid (RFC 6750) and names the role its route asks for, or the route is public. Guards every route. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TOKENS) private readonly tokens: Tokens,
    @Inject(TEAMS) private readonly teams: Teams,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const { authorization } = request.headers;
    if (authorization === undefined) throw new Refused('auth.missing', 401, 'Send a bearer token in the Authorization header.');
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Refused('auth.invalid', 401, 'The Authorization header must be `Bearer`, a blank and the token.');
    const actor = await this.tokens.verify(token);
    const role = this.reflector.getAllAndOverride<RoleOfPerson | undefined>(ROLE, [context.getHandler(), context.getClass()]) ?? 'user';
    if (!actor.roles.includes(role)) throw new Refused('auth.role-missing', 403, `This needs a token with the role ${role}.`);
    await this.teams.remember(actor);
    actors.set(request, actor);
    return true;
  }
}
