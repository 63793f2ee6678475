import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Request } from 'express';
import { type RoleOfPerson } from '../../kernel/actor.js';
import { Refused } from '../../kernel/refused.js';
import { actorOf } from './auth.guard.js';

const ROLE = 'juy:role';

/** A route, or all routes of a controller, for people with this role; without it, for people with the role `user`. */
export const Requires = (role: RoleOfPerson) => SetMetadata(ROLE, role);

/** Guards every route after authentication: a request passes when the person has the role that the route asks for. Public routes ask for none. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const actor = actorOf(context.switchToHttp().getRequest<Request>());
    if (actor === null) return true;
    const role = this.reflector.getAllAndOverride<RoleOfPerson | undefined>(ROLE, [context.getHandler(), context.getClass()]) ?? 'user';
    if (!actor.roles.includes(role)) throw new Refused('auth.role-missing', 403, `This needs a token with the role ${role}.`);
    return true;
  }
}
