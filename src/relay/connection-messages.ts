import { type CalendarEvent, DEFAULT_PRIVACY, type Mode, type Privacy } from '../calendar/calendar.js';
import { type Access, type ConnectionEvent } from '../connection/connection.js';
import { idOf, type Recorded } from '../kernel/event-store.js';
import { codeOf, tell, type Tellers, type Told } from './told.js';

/** Whose connection a message is about; both are ids. */
type Whose = Readonly<{ userId: string; connectionId: string }>;
type OfCalendar = Whose & Readonly<{ calendarId: string }>;

/** The data of each message of `juy.calendar.connections.v1`, by the last part of its type before the version. */
export type ConnectionMessages = Readonly<{
  connected: Whose & Readonly<{ provider: string; access: Access }>;
  reauthorized: Whose;
  'access-granted': Whose & Readonly<{ access: Access }>;
  /** `notice`: its owner is to be told by a message. */
  failing: Whose & Readonly<{ code: string; needsReconnect: boolean; notice?: boolean | undefined }>;
  recovered: Whose;
  /** `calendarIds`: all that were ever found in the account; what is held of them is to be dropped. */
  revoked: Whose & Readonly<{ calendarIds: readonly string[] }>;
  purged: Whose;
  'calendar-adopted': OfCalendar & Readonly<{ writable: boolean; busyOnly: boolean; mode: Mode; privacy: Privacy; visible: boolean }>;
  'calendar-described': OfCalendar & Readonly<{ writable: boolean; busyOnly: boolean }>;
  'write-toggled': OfCalendar & Readonly<{ mode: Mode }>;
  'privacy-set': OfCalendar & Readonly<{ privacy: Privacy }>;
  'visibility-set': OfCalendar & Readonly<{ visible: boolean }>;
  'sync-failed': OfCalendar & Readonly<{ code: string }>;
  'sync-recovered': OfCalendar;
}>;

type Name = keyof ConnectionMessages;
type Fact = { [N in Name]: Readonly<{ name: N; data: Omit<ConnectionMessages[N], keyof OfCalendar> }> }[Name];

/** The type of such a message. */
export type ConnectionMessageType<N extends Name = Name> = `juy.calendar.connections.${N}.v1`;

const READING = { untold: 'How a calendar is read is the service’s own affair; what was found is told by juy.calendar.events.v1.' };
const WATCHING = { untold: 'How the service hears of changes is its own affair.' };

/** Of the streams `connection-…`. */
export const CONNECTION_TELLERS: Tellers<ConnectionEvent, Pick<ConnectionMessages['revoked'], 'calendarIds'>, Fact> = {
  CalendarConnected: ({ provider, access }) => ({ name: 'connected', data: { provider, access } }),
  ConnectionReauthorized: () => ({ name: 'reauthorized', data: {} }),
  AccessGranted: ({ access }) => ({ name: 'access-granted', data: { access } }),
  CalendarsDiscovered: { untold: 'It holds names, sealed; each calendar is told when it is adopted and when its description changes.' },
  ConnectionFailing: ({ fault, needsReconnect, notice }) => ({ name: 'failing', data: { code: codeOf(fault), needsReconnect, notice } }),
  ConnectionRecovered: () => ({ name: 'recovered', data: {} }),
  ConnectionRevoked: (_, { calendarIds }) => ({ name: 'revoked', data: { calendarIds } }),
  GrantRevoked: { untold: 'A step of winding up between `revoked` and `purged`, about the account at its service.' },
  ConnectionPurged: () => ({ name: 'purged', data: {} }),
};

/** Of the streams `calendar-…`. */
export const CALENDAR_TELLERS: Tellers<CalendarEvent, null, Fact> = {
  CalendarAdopted: ({ writable, busyOnly }) => ({
    name: 'calendar-adopted',
    data: { writable, busyOnly, mode: 'read_only', privacy: DEFAULT_PRIVACY, visible: true },
  }),
  CalendarDescribed: ({ writable, busyOnly }) => ({ name: 'calendar-described', data: { writable, busyOnly } }),
  WriteToggled: ({ mode }) => ({ name: 'write-toggled', data: { mode } }),
  PrivacySet: ({ privacy }) => ({ name: 'privacy-set', data: { privacy } }),
  VisibilitySet: ({ visible }) => ({ name: 'visibility-set', data: { visible } }),
  GenerationStarted: READING,
  BaselineCompleted: READING,
  SyncFailed: ({ fault }) => ({ name: 'sync-failed', data: { code: codeOf(fault) } }),
  SyncRecovered: () => ({ name: 'sync-recovered', data: {} }),
  MassChangeHeld: READING,
  WatchOpened: WATCHING,
  WatchClosed: WATCHING,
  FeedExpired: READING,
};

const toldOf = (fact: Fact, { id }: Pick<Recorded<ConnectionEvent>, 'id'>, time: string, whose: Whose | OfCalendar): Told => ({
  id,
  type: `juy.calendar.connections.${fact.name}.v1` satisfies ConnectionMessageType,
  key: whose.connectionId,
  time,
  data: { ...whose, ...fact.data },
});

/** What is told of an event of a connection; null: nothing. `calendarIds`: every calendar its account was found to hold until then. */
export const toldOfConnection = (recorded: Recorded<ConnectionEvent>, calendarIds: readonly string[]): Told | null => {
  const { stream, event } = recorded;
  const fact = tell(CONNECTION_TELLERS, event, { calendarIds });
  return fact === null ? null : toldOf(fact, recorded, event.at, { userId: event.userId, connectionId: idOf(stream) });
};

/** What is told of an event of a calendar; null: nothing. `whose`: the connection it was adopted with. */
export const toldOfCalendar = (recorded: Recorded<CalendarEvent>, { userId, connectionId }: Whose): Told | null => {
  const { stream, event } = recorded;
  const fact = tell(CALENDAR_TELLERS, event, null);
  return fact === null ? null : toldOf(fact, recorded, event.at, { userId, connectionId, calendarId: idOf(stream) });
};
