import { connectionFamily } from '../connection/connection.codec.js';
import { calendarFamily } from './calendar.codec.js';
import { calendars } from './calendars.projection.js';

/** What this slice runs besides answering requests. */
export const calendarRuns = { projection: calendars([connectionFamily, calendarFamily]) } as const;
