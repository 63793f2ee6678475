import { calendarFamily } from '../calendar/calendar.codec.js';
import { type CalendarEvent } from '../calendar/calendar.js';
import { connectionFamily } from '../connection/connection.codec.js';
import { type ConnectionEvent } from '../connection/connection.js';
import { type EventFamily, type Recorded, type UnreadableEvent } from '../kernel/event-store.js';

/** What the log tells of connections and their calendars. */
export type AccountFact = ConnectionEvent | CalendarEvent;

/** A fact, or one of a calendar's that cannot be read. */
export type FollowedFact = Recorded<AccountFact> | UnreadableEvent;

/** The streams they are in. */
export const ACCOUNT_FAMILIES: readonly EventFamily<AccountFact>[] = [connectionFamily, calendarFamily];
