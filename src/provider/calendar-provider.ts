import { type CalendarObject } from '../calendar/calendar-object.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Secret } from '../kernel/vault.js';
import { type Grant } from './grant.js';
import { type Identity } from './identity.js';
import { type OAuth } from './oauth.js';
import { type Call } from './provider-fault.js';
import { type Push } from './push.js';

export { type Call, type Fault, OnAnotherHost, ProviderFault } from './provider-fault.js';

/** A calendar as discovery finds it. */
export type DiscoveredCalendar = Readonly<{
  /** What it is known by, always the same. */
  remoteId: string;
  /** What it is called by when it is scanned, as its server writes it. */
  address: string;
  name: string;
  /** `#rrggbb`, when the account has one. */
  color: string | null;
  writable: boolean;
  /** Only free/busy may be read. */
  busyOnly: boolean;
  /** IANA zone for all-day and floating times, when the calendar names one. */
  timeZone: string | null;
}>;

export type Discovery = Readonly<{
  /** What the service knows the account by, the same however the owner spells it: a principal's address, a subject id; personal. */
  accountId: string;
  /** What the account is called by its owner (user name, e-mail); personal. */
  accountName: string;
  calendars: readonly DiscoveredCalendar[];
}>;

/**
 * What one scan says about one remote object. `unchanged`: listed with the etag already known, not read again. `missing`: listed, and not there
 * when it was asked for; what is held of it stays, and the next scan decides whether it is gone or unreadable. `other`: listed, and no event
 * (a task); its etag is worth knowing so that it is not read again.
 */
export type Change =
  | Readonly<{ kind: 'object'; object: CalendarObject }>
  | Readonly<{ kind: 'unchanged' | 'removed' | 'missing'; remoteId: string }>
  | Readonly<{ kind: 'other'; remoteId: string; etag: string | null }>
  | Readonly<{ kind: 'unreadable'; remoteId: string; etag: string | null; code: string }>;

export type ScanRequest = Readonly<{
  /** Where the last scan ended; null reads the calendar whole. */
  cursor: string | null;
  /** Read whole with these days first, as a page of their own; null when nothing is urgent. */
  soon: TimeRange | null;
  /** Days outside which nothing need be known. */
  window: TimeRange;
  /** The etags we hold of some objects, by remote id; of one we hold none of, none. With a null cursor everything is read again, also objects whose etag is known. */
  known: (remoteIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>;
  /** How many objects we hold. A scan that names many of them, or brings fewer than it must, is to be held against a listing of everything. */
  held: number;
  /** Everything is to be listed by name, also where the cursor makes that unnecessary: a cursor may have missed what went. Asked once a day. */
  list: boolean;
  call: Call;
}>;

/**
 * `whole`: every object of the calendar was listed, so what was not is gone. `again`: something listed was not to be had, which the next scan
 * decides: it is to follow at once. `within`: milliseconds within which the next scan is to follow although nothing is listed as missing, because details
 * of something could not be had. `cursor` is to be stored only after all pages were.
 */
export type ScanEnd = Readonly<{ cursor: string | null; whole: boolean; again: boolean; expected: number; within?: number }>;

/** `expected`: how many objects the scan will bring altogether, once known; for progress. */
export type ScanPage = Readonly<{ changes: readonly Change[]; expected: number | null }>;

/**
 * One kind of calendar service. Stateless: everything it needs arrives with the call. Every failure is a `ProviderFault`, but for errors of
 * `call.permit` and the reason of `call.signal`, which come through unchanged. `test/contract/calendar-provider.contract.ts` holds every adapter to it.
 */
export type CalendarProvider = Readonly<{
  /** Version of what turns the service's objects into ours; it grows with every change of what is read. */
  mapping: number;
  /** How accounts are connected through the service's own pages; null where they are connected with a password. */
  oauth: OAuth | null;
  /** How a person signs in at the service before the password is given; null where nothing comes before it. */
  identity: Identity | null;
  /** How the service tells of changes; null where it does not, and its calendars are polled. */
  push: Push | null;
  /** Proves the credentials and lists the account's calendars. An account without calendars is empty; one that cannot be read throws. */
  discover: (grant: Grant, call: Call) => Promise<Discovery>;
  /** Changes since the cursor, page by page; the cursor to keep is the generator's return value. Throws `cursor-expired` when refused. */
  scan: (grant: Grant, address: string, request: ScanRequest) => AsyncGenerator<ScanPage, ScanEnd>;
  /** Gives the grant back where the provider can; `manual`: the user must do it at the provider. */
  revoke: (secret: Secret, call: Call) => Promise<'revoked' | 'manual'>;
}>;

/** Every provider by its name (`caldav`, `apple`). */
export type Providers = ReadonlyMap<string, CalendarProvider>;

/** DI token of the `Providers`. */
export const PROVIDERS = Symbol('Providers');
