import { type Decider } from '../kernel/decider.js';
import { type ProviderName } from '../provider/names.js';
import { Refused } from '../kernel/refused.js';
import { refuseWithoutConsent } from './consent.js';
import { type ConnectionFailing, failed, failing, type ReportFault, type Standing } from './failing.js';
import { type FoundCalendar, sameCalendars } from './found-calendar.js';

export type Access = 'read' | 'write';

/**
 * What became of a revoked connection's access at its service: `revoked` it was given back; `manual` only its owner can end it there; `shared` it goes
 * on for another connection to the same account, and was forgotten for this one.
 */
export type GrantEnd = 'revoked' | 'manual' | 'shared';

/** Which text the person agreed to, and when; kept for as long as the log. */
export type Consent = Readonly<{ textVersion: string; givenAt: string }>;

/**
 * What tells whether credentials open the account of a connection. `held`: the mark the vault holds for it; null for one that was made when
 * accounts went by what was typed, in which case `typed` (the mark of that) and the calendars the credentials show tell it.
 */
export type Likeness = Readonly<{ held: string | null; typed: string; calendarIds: readonly string[] }>;

/** `account` is the keyed hash of what discovery proved the account to be, of what was typed for older connections; `sealed` its name. */
type Linked = Readonly<{
  userId: string;
  provider: ProviderName;
  access: Access;
  consent: Consent;
  account: string;
  sealed: string;
  at: string;
}>;

export type ConnectionCommand =
  | (Readonly<{ type: 'ConnectCalendar'; consented: boolean }> & Linked)
  /** `owner`: who asks, for whom the connection of another person does not exist. */
  | Readonly<{ type: 'Reconnect'; owner: string; account: string; likeness: Likeness; at: string }>
  /** `owner`: who asks. Told together with the new secret that it is about. */
  | Readonly<{ type: 'GrantAccess'; owner: string; access: Access; at: string }>
  | Readonly<{ type: 'ProveAccount'; account: string; at: string }>
  | Readonly<{ type: 'DiscoverCalendars'; calendars: readonly FoundCalendar[]; at: string }>
  | ReportFault
  | Readonly<{ type: 'ReportRecovery'; at: string }>
  /** `owner`: null when this service revokes a connection by itself. */
  | Readonly<{ type: 'Revoke'; owner: string | null; at: string }>
  | Readonly<{ type: 'RecordGrantRevoked'; how: GrantEnd; at: string }>
  | Readonly<{ type: 'RecordPurge'; at: string }>;

export type ConnectionEvent =
  | (Readonly<{ type: 'CalendarConnected' }> & Linked)
  /** `account`: null in facts that are older than the proof of accounts. */
  | Readonly<{ type: 'ConnectionReauthorized'; userId: string; account: string | null; at: string }>
  | Readonly<{ type: 'AccessGranted'; userId: string; access: Access; at: string }>
  | Readonly<{ type: 'CalendarsDiscovered'; userId: string; provider: ProviderName; calendars: readonly FoundCalendar[]; at: string }>
  | ConnectionFailing
  | Readonly<{ type: 'ConnectionRecovered'; userId: string; at: string }>
  | Readonly<{ type: 'ConnectionRevoked'; userId: string; provider: ProviderName; at: string }>
  | Readonly<{ type: 'GrantRevoked'; userId: string; how: GrantEnd; at: string }>
  | Readonly<{ type: 'ConnectionPurged'; userId: string; at: string }>;

type Live = Standing &
  Readonly<{
    provider: ProviderName;
    account: string;
    /** What its owner granted last. */
    access: Access;
    calendars: readonly FoundCalendar[];
    /** Ids of the calendars that were found at first; null before. */
    first: readonly string[] | null;
    /** Ids of all calendars that were ever found. */
    found: readonly string[];
  }>;
/** `at`: when it was revoked, RFC 3339 in UTC. `found`: ids of all calendars that were ever found. */
type Ended = Readonly<{
  status: 'revoked';
  userId: string;
  provider: ProviderName;
  at: string;
  found: readonly string[];
  grantEnded: boolean;
  purged: boolean;
}>;
export type Connection = Readonly<{ status: 'none' }> | Live | Ended;

/** The calendars an account was last found to hold. */
export const calendarsOf = (state: Connection): readonly FoundCalendar[] =>
  state.status === 'none' || state.status === 'revoked' ? [] : state.calendars;

/** Ids of the calendars an account was found to hold at first; null before, and once it is revoked. */
export const firstFoundIn = (state: Connection): readonly string[] | null =>
  state.status === 'none' || state.status === 'revoked' ? null : state.first;

/** A connection that no proof was ever kept of takes what shows one of its calendars; one that holds none can lose none. */
const isItsAccount = ({ account, calendars }: Live, proved: string, { held, typed, calendarIds }: Likeness): boolean => {
  if (held !== null) return held === proved;
  if (account === proved || account === typed) return true;
  return calendars.length === 0 || calendars.some(({ calendarId }) => calendarIds.includes(calendarId));
};

const connect = (
  state: Connection,
  { type: _, consented, ...linked }: Extract<ConnectionCommand, { type: 'ConnectCalendar' }>,
): readonly ConnectionEvent[] => {
  refuseWithoutConsent(consented);
  if (state.status !== 'none') throw new Refused('connection.exists', 409, 'This connection exists already.');
  return [{ type: 'CalendarConnected', ...linked }];
};

const whileLive = (state: Live, command: Exclude<ConnectionCommand, { type: 'ConnectCalendar' }>): readonly ConnectionEvent[] => {
  const { userId, provider } = state;
  switch (command.type) {
    case 'Reconnect':
      if (!isItsAccount(state, command.account, command.likeness))
        throw new Refused('connection.other-account', 409, 'These credentials belong to another account: connect it as a new one.');
      return [{ type: 'ConnectionReauthorized', userId, account: command.account, at: command.at }];
    case 'GrantAccess':
      return command.access === state.access ? [] : [{ type: 'AccessGranted', userId, access: command.access, at: command.at }];
    case 'ProveAccount':
      return command.account === state.account
        ? []
        : [{ type: 'ConnectionReauthorized', userId, account: command.account, at: command.at }];
    case 'DiscoverCalendars':
      if (sameCalendars(state.calendars, command.calendars) && state.fault === null) return [];
      return [
        { type: 'CalendarsDiscovered', userId, provider, calendars: command.calendars, at: command.at },
        ...(state.fault === null ? [] : [{ type: 'ConnectionRecovered', userId, at: command.at } as const]),
      ];
    case 'ReportFault':
      // That the server cannot be reached either does not make a dead grant a passing fault.
      if (state.fault === command.fault || (state.status === 'needs_reconnect' && !command.needsReconnect)) return [];
      return [failing(state, command)];
    case 'ReportRecovery':
      return state.fault === null ? [] : [{ type: 'ConnectionRecovered', userId, at: command.at }];
    case 'Revoke':
      return [{ type: 'ConnectionRevoked', userId, provider, at: command.at }];
    case 'RecordGrantRevoked':
    case 'RecordPurge':
      throw new Refused('connection.not-revoked', 409, 'Only a revoked connection is wound up.');
  }
};

const whileEnded = (state: Ended, command: Exclude<ConnectionCommand, { type: 'ConnectCalendar' }>): readonly ConnectionEvent[] => {
  const { userId } = state;
  switch (command.type) {
    case 'Revoke':
      return [];
    case 'RecordGrantRevoked':
      return state.grantEnded ? [] : [{ type: 'GrantRevoked', userId, how: command.how, at: command.at }];
    case 'RecordPurge':
      return state.purged ? [] : [{ type: 'ConnectionPurged', userId, at: command.at }];
    // A worker that has not heard of it yet.
    case 'ProveAccount':
    case 'ReportFault':
    case 'ReportRecovery':
      return [];
    case 'Reconnect':
    case 'GrantAccess':
    case 'DiscoverCalendars':
      throw connectionRevoked();
  }
};

const connectionUnknown = (): Refused => new Refused('connection.unknown', 404, 'There is no such connection.');

export const connectionRevoked = (): Refused =>
  new Refused('connection.revoked', 409, 'This connection was revoked: connect the account again.');

const isAnothers = ({ userId }: Live | Ended, owner: string | null): boolean => owner !== null && owner !== userId;

/** The account of a connection, to which its owner may give new credentials; refused as the command that gives them is. */
export const reconnectable = (state: Connection, owner: string): Live => {
  if (state.status === 'none' || isAnothers(state, owner)) throw connectionUnknown();
  if (state.status === 'revoked') throw connectionRevoked();
  return state;
};

const decide = (state: Connection, command: ConnectionCommand): readonly ConnectionEvent[] => {
  if (command.type === 'ConnectCalendar') return connect(state, command);
  if (state.status === 'none' || ('owner' in command && isAnothers(state, command.owner))) throw connectionUnknown();
  return state.status === 'revoked' ? whileEnded(state, command) : whileLive(state, command);
};

const foundIn = (state: Live, calendars: readonly FoundCalendar[]): Live => {
  const ids = calendars.map(({ calendarId }) => calendarId);
  return { ...state, calendars, first: state.first ?? ids, found: [...new Set([...state.found, ...ids])] };
};

const endedOf = ({ userId, provider, found }: Live) =>
  ({ status: 'revoked', userId, provider, found, grantEnded: false, purged: false }) as const;

const evolve = (state: Connection, event: ConnectionEvent): Connection => {
  if (event.type === 'CalendarConnected') {
    const { userId, provider, account, access } = event;
    return {
      status: 'connected',
      userId,
      provider,
      account,
      access,
      fault: null,
      policyToldAt: null,
      calendars: [],
      first: null,
      found: [],
    };
  }
  if (state.status === 'none') return state;
  if (state.status === 'revoked') {
    if (event.type === 'GrantRevoked') return { ...state, grantEnded: true };
    return event.type === 'ConnectionPurged' ? { ...state, purged: true } : state;
  }
  switch (event.type) {
    case 'AccessGranted':
      return { ...state, access: event.access };
    case 'CalendarsDiscovered':
      return foundIn(state, event.calendars);
    case 'ConnectionFailing':
      return { ...state, ...failed(state, event) };
    case 'ConnectionReauthorized':
      return { ...state, status: 'connected', fault: null, account: event.account ?? state.account };
    case 'ConnectionRecovered':
      return { ...state, status: 'connected', fault: null };
    case 'ConnectionRevoked':
      return { ...endedOf(state), at: event.at };
    case 'GrantRevoked':
    case 'ConnectionPurged':
      return state;
  }
};

export const connection: Decider<Connection, ConnectionCommand, ConnectionEvent> = {
  category: 'connection',
  initial: { status: 'none' },
  decide,
  evolve,
};
