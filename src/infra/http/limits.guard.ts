import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Request, type Response } from 'express';
import { type Clock } from '../../kernel/clock.js';
import { Refused } from '../../kernel/refused.js';
import { Rights } from './auth.guard.js';
import { type RateLimit, rateLimit } from './rate-limit.js';

/** How many requests a minute a person may make, and an address that does not say who it is; 0: any number. */
export type RateLimits = Readonly<{ person: number; anonymous: number }>;

/** Counts requests, says in headers how many are left, and throws `request.too-many` (429) when none is. */
export type Limits = Readonly<{
  person: (userId: string, response: Response) => void;
  anonymous: (request: Request, response: Response) => void;
}>;

/** DI token of the `Limits`. */
export const LIMITS = Symbol('Limits');

/** An owner of one IPv6 address has 2^64 of them. */
const addressOf = ({ ip = '' }: Request): string => (ip.includes('.') ? ip : ip.split(':').slice(0, 4).join(':'));

// draft-ietf-httpapi-ratelimit-headers
const apply = (policy: string, limit: RateLimit, key: string, response: Response): void => {
  const { allowed, remaining, resetSeconds } = limit.take(key);
  response.setHeader('RateLimit-Policy', `"${policy}";q=${limit.perMinute};w=60`);
  response.setHeader('RateLimit', `"${policy}";r=${remaining};t=${resetSeconds}`);
  if (!allowed) throw new Refused('request.too-many', 429, 'These are more requests than this service takes in a minute.', resetSeconds);
};

export const limits = ({ person, anonymous }: RateLimits, clock: Clock): Limits => {
  const [byPerson, byAddress] = [rateLimit(person, clock), rateLimit(anonymous, clock)];
  return {
    person: (userId, response) => {
      if (byPerson !== null) apply('person', byPerson, userId, response);
    },
    anonymous: (request, response) => {
      if (byAddress !== null) apply('address', byAddress, addressOf(request), response);
    },
  };
};

const UNLIMITED = 'juy:unlimited';

/** Public routes that are not counted: probes ask again and again. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/**
 * Guards every route, before authentication: a request counts for the person who makes it. It counts for its address on a public route, and when its
 * token is not good, so that tokens cannot be guessed without end. Refused tokens are left to authentication.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(Rights) private readonly rights: Rights,
    @Inject(LIMITS) private readonly limits: Limits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const [request, response] = [context.switchToHttp().getRequest<Request>(), context.switchToHttp().getResponse<Response>()];
    const right = this.rights.of(context);
    if (right === null) {
      const unlimited = this.reflector.getAllAndOverride<boolean | undefined>(UNLIMITED, [context.getHandler(), context.getClass()]);
      if (unlimited !== true) this.limits.anonymous(request, response);
      return true;
    }
    const grant = await right.catch((error: unknown) => {
      if (error instanceof Refused && error.status === 401) this.limits.anonymous(request, response);
      return null;
    });
    if (grant !== null) this.limits.person(grant.actor.userId, response);
    return true;
  }
}
