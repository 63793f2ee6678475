import { switchboard } from '../switchboard.js';

/**
 * What a CalDAV server does on its bad days, by name. `password-refused` 401; `token-refused` the sync token is not known any more; `everything-listed`
 * nor here, and without a word everything there is is listed; `sync-unsupported` and `ctag-unsupported` a server without them; `throttled` 429;
 * `unavailable` 503; `broken` 500; `senseless` 200 with a page of HTML; `slow` answers after a while; `cut` breaks off in the middle of the answer;
 * `malformed-object` one object holds nonsense; `multiget-missing` every other object asked for by name is denied with 404; `multiget-short` of all
 * objects asked for by name the first `size` are answered, and nothing says so; `truncated` sync-collection comes in parts of `size` (RFC 6578 3.6);
 * `etag-missing` a PUT does not tell its etag; `etag-unlisted` nothing tells etags; `redirected` every request is sent on to another origin;
 * `absolute-hrefs` and `unescaped-hrefs` addresses in other spellings.
 */
export type FaultName =
  | 'password-refused'
  | 'token-refused'
  | 'everything-listed'
  | 'sync-unsupported'
  | 'ctag-unsupported'
  | 'throttled'
  | 'unavailable'
  | 'broken'
  | 'senseless'
  | 'slow'
  | 'cut'
  | 'malformed-object'
  | 'multiget-missing'
  | 'multiget-short'
  | 'truncated'
  | 'etag-missing'
  | 'etag-unlisted'
  | 'redirected'
  | 'absolute-hrefs'
  | 'unescaped-hrefs';

/** What some faults need to be told. */
type Details = {
  'token-refused': Readonly<{ status: 400 | 403 | 409 | 412 }>;
  throttled: Readonly<{ retryAfter: number | null }>;
  unavailable: Readonly<{ retryAfter: number | null }>;
  slow: Readonly<{ milliseconds: number }>;
  truncated: Readonly<{ size: number }>;
  'multiget-short': Readonly<{ size: number }>;
  redirected: Readonly<{ to: string }>;
};

/** Where a request goes; null: to no account or calendar in particular. */
export type Place = Readonly<{ account: string | null; calendar: string | null }>;

/** A fault switched on for an account or a calendar (null: for all), for the next so many times it applies (null: until switched off), or in a share of them. */
export type SwitchedOn<N extends FaultName = FaultName> = N extends keyof Details
  ? Readonly<{ fault: N; times: number | null; share: number | null }> & Details[N] & Place
  : Readonly<{ fault: N; times: number | null; share: number | null }> & Place;

/** The faults of one sandbox. */
export type Faults = Readonly<{
  list: () => readonly SwitchedOn[];
  add: (fault: SwitchedOn) => void;
  clear: () => void;
  /** The fault of that name for that place, counted as having happened once; null when there is none. */
  take: <N extends FaultName>(name: N, place: Place) => SwitchedOn<N> | null;
}>;

const applies = ({ account, calendar }: SwitchedOn, place: Place): boolean =>
  (account === null || account === place.account) && (calendar === null || calendar === place.calendar);

export const faultList = (): Faults => switchboard<SwitchedOn, Place>(applies) as Faults;
