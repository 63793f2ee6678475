import { type Request, type Response } from 'express';
import { type Clock } from '../../kernel/clock.js';
import { Refused } from '../../kernel/refused.js';
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
