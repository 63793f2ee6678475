import { type Secret } from '../../src/kernel/vault.js';
import { type CalendarProvider, type Fault } from '../../src/provider/calendar-provider.js';
import { DAY, HOUR, type Item } from './calendar-item.js';
import { today } from './whole-window.js';

/** An object as a person means it, in the words of no provider: each account writes it in the form of its own service. */
export type Entry = Omit<Item, 'lines'> & Readonly<{ takesTime: boolean }>;

/** What a service can be made to do on demand, beside what every service does. */
export type Trouble = Extract<Fault, 'throttled' | 'unavailable'> | 'unreadable-object';

/**
 * An account of a calendar service that a suite may change, and the adapter that reads it. Calendars are named as their owner names them;
 * objects by a name of the suite's own, which the account turns into what its service calls them.
 */
export type ProvidedAccount = Readonly<{
  provider: CalendarProvider;
  /** Secrets that open the account, as its owner may give them: one for each spelling or grant; at least one. */
  secrets: () => readonly [Secret, ...Secret[]];
  /** Opens the account of somebody else at the same service, which has no calendars. */
  otherSecret: () => Secret;
  /** Looks like a secret of the account and opens nothing. */
  wrongSecret: () => Secret;
  /** Makes or finds an empty calendar that its owner may write to, and answers its name. */
  calendar: () => Promise<string>;
  /** Address, as the port takes it, of a calendar the account does not have. */
  missingAddress: () => string;
  /** Writes an object, new or changed, and answers the etag of what was written; null when the service tells none. */
  put: (calendar: string, name: string, entry: Entry) => Promise<string | null>;
  remove: (calendar: string, name: string) => Promise<void>;
  /** The service forgets every cursor it has given for the calendar. */
  forgetCursors: (calendar: string) => Promise<void>;
  /** The service refuses every secret of the account, until told otherwise. */
  refuse: (isRefused: boolean) => Promise<void>;
  /** The service is in this trouble until `recover`, in the calendar that was asked for last; only what the account is declared to be able to. */
  suffer: (trouble: Trouble) => Promise<void>;
  recover: () => Promise<void>;
  stop: () => Promise<void>;
}>;

/** Monday of next week, at midnight in UTC. */
const MONDAY = today + ((8 - new Date(today).getUTCDay()) % 7 || 7) * DAY;

/** An event of one hour at nine in Paris, so many days after the Monday of next week. */
export const entry = (title: string, day = 0, change: Partial<Entry['master']> = {}): Entry => ({
  uid: `${title.replaceAll(/\W/g, '-')}@example.org`,
  master: { title, start: MONDAY + day * DAY + 9 * HOUR, length: HOUR, zone: 'Europe/Paris', status: 'CONFIRMED', ...change },
  rule: null,
  until: null,
  exdates: [],
  rdates: [],
  overrides: [],
  takesTime: true,
});

/** Whole days of entries, as `entry` counts them. */
export const daysOf = (first: number, days: number): Readonly<{ start: string; end: string }> => ({
  start: new Date(MONDAY + first * DAY).toISOString(),
  end: new Date(MONDAY + (first + days) * DAY).toISOString(),
});
