import { switchboard, type Switchboard } from '../switchboard.js';

/** `token`: the token endpoint. */
export type On = 'api' | 'token';

/** Where a request goes; null: to no account or calendar in particular. */
export type Place = Readonly<{ account: string | null; calendar: string | null; on: On }>;

type Ordered<N extends string, D = unknown> = Readonly<{
  fault: N;
  account: string | null;
  calendar: string | null;
  times: number | null;
  share: number | null;
}> &
  D;

/**
 * What Google does on its bad days, by name. Of the API: `access-refused` 401 to every access token; `rate-limited` 403 or 429 with a reason;
 * `api-disabled` the operator's project may not use the API; `token-refused` 410 to a sync token, `token-refused-midway` on a later page;
 * `senseless` 200 with a page of HTML; `empty-pages` every page comes after an empty one; `short-pages` at most `size` rows on a page. Of OAuth:
 * `grant-refused` the refresh token is refused although it lives, with a subtype; `grant-rotated` a renewal brings another refresh token, and ends
 * the one it was asked with (RFC 6749 6); `client-refused` the client secret is refused; `admin-blocked` the person's organisation lets no person
 * consent. Of both, told apart by `on`: `unavailable` 503; `broken` 500; `slow` answers after a while; `cut` breaks off in the middle of the
 * answer. Of push: `push-lost` notifications are not sent; `push-repeated` they are sent twice; `push-unstoppable` a stopped channel goes on.
 *
 * Each is switched on for an account or a calendar (null: for all), for the next so many times it applies (null: until it is switched off), or in a share of them.
 */
export type GoogleFault =
  | Ordered<'access-refused'>
  | Ordered<'api-disabled'>
  | Ordered<'token-refused'>
  | Ordered<'token-refused-midway'>
  | Ordered<'senseless'>
  | Ordered<'empty-pages'>
  | Ordered<'grant-rotated'>
  | Ordered<'client-refused'>
  | Ordered<'admin-blocked'>
  | Ordered<'push-lost'>
  | Ordered<'push-repeated'>
  | Ordered<'push-unstoppable'>
  | Ordered<'rate-limited', Readonly<{ status: 403 | 429; reason: string; retryAfter: number | null }>>
  | Ordered<'short-pages', Readonly<{ size: number }>>
  | Ordered<'grant-refused', Readonly<{ subtype: string | null }>>
  | Ordered<'unavailable', Readonly<{ on: On; retryAfter: number | null }>>
  | Ordered<'broken', Readonly<{ on: On }>>
  | Ordered<'cut', Readonly<{ on: On }>>
  | Ordered<'slow', Readonly<{ on: On; milliseconds: number }>>;

export type GoogleFaults = Switchboard<GoogleFault, Place>;

export const googleFaults = (): GoogleFaults =>
  switchboard<GoogleFault, Place>(
    (fault, place) =>
      (fault.account === null || fault.account === place.account) &&
      (fault.calendar === null || fault.calendar === place.calendar) &&
      (!('on' in fault) || fault.on === place.on),
  );
