import { type CalendarEvent } from './calendar.js';
import { type ConnectionEvent } from '../connection/connection.js';

/** What read models that join accounts with their calendars follow. */
export type AccountEvent = CalendarEvent | ConnectionEvent;
