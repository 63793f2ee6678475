import { switchboard, type Switchboard } from '../switchboard.js';

/** What is asked of Graph, by name. */
export type Operation =
  | 'me'
  | 'settings'
  | 'calendars'
  | 'view'
  | 'delta'
  | 'events'
  | 'event'
  | 'instances'
  | 'create'
  | 'change'
  | 'delete'
  | 'subscribe'
  | 'subscriptions'
  | 'renew'
  | 'unsubscribe'
  | 'reauthorize';

/** `token`: the token endpoint; `api`: any operation of Graph. */
export type On = 'api' | 'token' | Operation;

/** Where a request goes; null: to no account or calendar in particular. */
export type Place = Readonly<{ account: string | null; calendar: string | null; on: 'token' | Operation }>;

type Ordered<N extends string, D = unknown> = Readonly<{
  fault: N;
  account: string | null;
  calendar: string | null;
  on: On;
  times: number | null;
  share: number | null;
}> &
  D;

/**
 * What Microsoft does on its bad days, by name. Of Graph: `access-refused` 401 to every access token; `throttled` 429 with or without a Retry-After
 * in (fractions of) seconds; `denied` 403; `missing` 404 to what is there; `delta-refused` a delta token is forgotten, with a status and with or without
 * `Location`, `delta-refused-midway` on a later page; `senseless` 200 with a page of HTML; `empty-pages` every page comes after an empty one;
 * `short-pages` at most `size` rows on a page; `repeated-rows` each page of a round has rows twice; `strangers` a round removes what was never there; `masters-left-out` rounds
 * have no rows of series; `nameless-rows` the first event of each page of a list has no id, `senseless-times` its times make no sense; `bare-removals` of a removed series only itself or only its occurrences are told. `transaction-conflict` a repeated
 * `transactionId` is a conflict. Of Entra: `grant-refused` the refresh token is refused although it
 * lives, with an AADSTS number; `client-refused` so is the client; `no-refresh-token` an answer brings none. Of both, told apart by `on`: `unavailable` 503 or 504; `broken` 500;
 * `slow` answers after a while; `cut` breaks off in the middle of the answer. Of subscriptions: `one-subscription` a second one of the same calendar is a
 * conflict; `push-lost` notifications are not sent;
 * `push-repeated` they are sent twice; `push-late` they are sent after a while.
 *
 * Each is switched on for an account or a calendar (null: for all), for one operation or all, for the next so many times it applies (null: until it is switched off), or in a share of them.
 */
export type MicrosoftFault =
  | Ordered<'access-refused'>
  | Ordered<'denied', Readonly<{ code: string }>>
  | Ordered<'missing', Readonly<{ code: string }>>
  | Ordered<'delta-refused', DeltaRefused>
  | Ordered<'delta-refused-midway', DeltaRefused>
  | Ordered<'senseless'>
  | Ordered<'empty-pages'>
  | Ordered<'short-pages', Readonly<{ size: number }>>
  | Ordered<'repeated-rows'>
  | Ordered<'strangers'>
  | Ordered<'masters-left-out'>
  | Ordered<'nameless-rows'>
  | Ordered<'senseless-times'>
  | Ordered<'bare-removals', Readonly<{ told: 'series' | 'occurrences' }>>
  | Ordered<'throttled', Readonly<{ code: string; retryAfter: number | null }>>
  | Ordered<'grant-refused', Readonly<{ number: number; seconds: number }>>
  | Ordered<'client-refused', Readonly<{ number: number }>>
  | Ordered<'no-refresh-token'>
  | Ordered<'unavailable', Readonly<{ status: 502 | 503 | 504; retryAfter: number | null }>>
  | Ordered<'broken'>
  | Ordered<'cut'>
  | Ordered<'slow', Readonly<{ milliseconds: number }>>
  | Ordered<'transaction-conflict'>
  | Ordered<'one-subscription'>
  | Ordered<'push-lost'>
  | Ordered<'push-repeated'>
  | Ordered<'push-late', Readonly<{ milliseconds: number }>>;

export type DeltaRefused = Readonly<{ status: 400 | 404 | 410; code: string; location: boolean }>;

export type MicrosoftFaults = Switchboard<MicrosoftFault, Place>;

export const microsoftFaults = (): MicrosoftFaults =>
  switchboard<MicrosoftFault, Place>(
    (fault, place) =>
      (fault.account === null || fault.account === place.account) &&
      (fault.calendar === null || fault.calendar === place.calendar) &&
      (fault.on === place.on || (fault.on === 'api' && place.on !== 'token')),
  );
