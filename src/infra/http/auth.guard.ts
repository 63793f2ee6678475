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
import { type Actor as Person } from '../../kernel/actor.js';
import { Refused } from '../../kernel/refused.js';
import { type Tokens, TOKENS } from './tokens.jose.js';

const PUBLIC = 'juy:public';

/** A route, or all routes of a controller, that answers without a token. */
export const Public = () => applyDecorators(SetMetadata(PUBLIC, true), ApiSecurity({}));

// Beside the request, not on it: no client and no parser can put an actor there.
const actors = new WeakMap<Request, Person>();

/** The parameter that says who asks: `@Actor() actor: Person`. Only on routes that are not `@Public()`. */
export const Actor = createParamDecorator((_data: unknown, context: ExecutionContext): Person => {
  const actor = actors.get(context.switchToHttp().getRequest<Request>());
  if (actor === undefined) throw new Error('A public route asked for its actor');
  return actor;
});

/** Lets a request pass when its bearer token is valid (RFC 6750), or its route is public. Guards every route there is. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TOKENS) private readonly tokens: Tokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const { authorization } = request.headers;
    if (authorization === undefined) throw new Refused('auth.missing', 401, 'Send a bearer token in the Authorization header.');
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Refused('auth.invalid', 401, 'The Authorization header must be `Bearer`, a blank and the token.');
    actors.set(request, await this.tokens.verify(token));
    return true;
  }
}
